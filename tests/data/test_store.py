import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.made_up_data import make_data_root, relief_blob
from despoof.core.errors import DataError
from despoof.core.types import Face, FaceCrop
from despoof.data import store as store_module
from despoof.data.depth_labels import depth_in_crop
from despoof.data.samples import read_samples, select
from despoof.data.store import Retaken, build_store, crop_sample, extent_of, face_of, shows_face
from despoof.face.crop import CropConfig, crop_face, whole_picture_face

CROP = CropConfig(size=48, scale=1.9)
IDENTITY = np.array([[1.0, 0, 0], [0, 1.0, 0]])


# --- depth in a crop -----------------------------------------------------------------------------


def test_the_whole_picture_at_its_own_size_is_the_relief_itself():
    relief = relief_blob()
    assert np.array_equal(depth_in_crop(relief, (32, 32), IDENTITY, 32, 32), relief)
    # Another size of the picture changes nothing as long as the crop is the picture.
    assert np.array_equal(depth_in_crop(relief, (160, 160), IDENTITY, 160, 32), relief)


def test_a_ramp_stays_the_ramp_of_picture_positions():
    relief = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))  # 8 × column
    # Crop: 64 px, half a picture pixel each, from (10, 20) of a 320 × 160 picture.
    matrix = np.array([[0.5, 0, 10.0], [0, 0.5, 20.0]])
    found = depth_in_crop(relief, (160, 320), matrix, 64, 16)
    crop_x = (np.arange(16) + 0.5) * 4 - 0.5
    column = (0.5 * crop_x + 10 + 0.5) / 320 * 32 - 0.5
    assert found[5] == pytest.approx(8 * column, abs=0.51)
    assert (found == found[0]).all()


def test_one_cell_is_found_again_where_the_matrix_puts_it():
    relief = np.zeros((32, 32), np.uint8)
    relief[10, 20] = 255  # centre at x = 20.5/32, y = 10.5/32 of the picture
    turn = np.array([[0.0, -1, 63], [1, 0, 0]])  # crop (x, y) -> picture (63 - y, x)
    found = depth_in_crop(relief, (64, 64), turn, 64, 32)
    assert np.argwhere(found).tolist() == [[31 - 20, 10]] and found.max() == 255


def test_outside_the_picture_there_is_no_depth():
    relief = np.full((32, 32), 200, np.uint8)
    shifted = np.array([[1.0, 0, -16], [0, 1.0, 0]])  # the left half looks over the border
    found = depth_in_crop(relief, (64, 64), shifted, 64, 64)
    assert not found[:, :16].any() and (found[:, 16:] == 200).all()


@settings(max_examples=30, deadline=None)
@given(
    similarity=st.tuples(
        st.floats(-0.5, 0.5), st.floats(0.5, 2), st.floats(-20, 20), st.floats(-20, 20)
    ),
    cell=st.tuples(st.integers(0, 31), st.integers(0, 31)),
)
def test_each_cell_is_the_bilinear_value_at_its_place(similarity, cell):
    (angle, step, dx, dy), (row, column) = similarity, cell
    relief = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    cos, sin = step * np.cos(angle), step * np.sin(angle)
    matrix = np.array([[cos, -sin, 20 + dx], [sin, cos, 10 + dy]])
    found = depth_in_crop(relief, (80, 120), matrix, 48, 32)[row, column]
    crop = np.array([(column + 0.5) * 1.5 - 0.5, (row + 0.5) * 1.5 - 0.5, 1])
    x, y = matrix @ crop + 0.5  # from the picture's edge
    if min(abs(x), abs(x - 120), abs(y), abs(y - 80)) < 1e-6:
        return
    if not (0 < x < 120 and 0 < y < 80):
        assert found == 0
        return
    u, v = np.clip(x / 120 * 32 - 0.5, 0, 31), np.clip(y / 80 * 32 - 0.5, 0, 31)
    i, j = min(int(v), 30), min(int(u), 30)
    a, b = v - i, u - j
    cells = relief.astype(float)[i : i + 2, j : j + 2]
    expected = (1 - a) * ((1 - b) * cells[0, 0] + b * cells[0, 1])
    expected += a * ((1 - b) * cells[1, 0] + b * cells[1, 1])
    assert found == pytest.approx(expected, abs=0.51)


# --- extent --------------------------------------------------------------------------------------


def crop_of(valid):
    image = np.zeros((*valid.shape, 3), np.uint8)
    return FaceCrop(image=image, valid=valid, matrix=IDENTITY, face=Face(box=(0, 0, 1, 1)))


def test_extent_is_the_valid_square_in_faces():
    valid = np.ones((40, 40), bool)
    assert extent_of(crop_of(valid), 2.0) == 2.0
    valid[:, :5] = False  # five of forty columns on one side; known to one pixel
    assert extent_of(crop_of(valid), 2.0) == pytest.approx(2.0 * 30 / 40, abs=2.01 / 40)
    valid[:] = False
    valid[10:30, 10:30] = True
    assert extent_of(crop_of(valid), 2.0) == pytest.approx(1.0, abs=2.01 / 40)


def test_a_bare_crop_reaches_as_far_as_its_context():
    picture = np.zeros((224, 224, 3), np.uint8)
    face = whole_picture_face(picture, store_module.CONTEXT_OF_BARE_CROPS)
    crop = crop_face(picture, face, CropConfig(size=184, scale=1.9))
    assert extent_of(crop, 1.9) == pytest.approx(224 / 184, abs=0.02)


# --- the store -----------------------------------------------------------------------------------


@pytest.fixture
def samples(made_up_root):
    return select(read_samples(made_up_root, "celeba-spoof"), "train")


def test_the_store_holds_every_face_with_its_label_and_relief(samples, made_up_root, tmp_path):
    made = build_store(samples, CROP, made_up_root, tmp_path)
    n = len(samples)
    assert made.images.shape == (n, 48, 48, 3) and made.images.dtype == np.uint8
    assert made.depth.shape == (n, 64, 64) and made.depth.dtype == np.uint8
    assert made.live.tolist() == [s.live for s in samples]
    assert made.extent.shape == (n,) and (made.extent > 1).all() and (made.extent <= 1.9).all()
    assert made.scale == 1.9
    crop = crop_sample(samples[3], CROP)
    assert np.array_equal(made.images[3], crop.image)
    expected = depth_in_crop(relief_blob(), (96, 96), crop.matrix, 48, 64)
    assert np.array_equal(made.depth[3], expected)


def test_a_second_build_reads_the_first(samples, made_up_root, tmp_path, monkeypatch):
    first = build_store(samples, CROP, made_up_root, tmp_path)
    monkeypatch.setattr(store_module, "read_image", lambda path: pytest.fail(f"{path} read again"))
    second = build_store(samples, CROP, made_up_root, tmp_path)
    for name in ("images", "depth", "live", "extent"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_other_pictures_sizes_or_recaptures_have_their_own_place(samples, made_up_root, tmp_path):
    build_store(samples, CROP, made_up_root, tmp_path)
    build_store(samples[1:], CROP, made_up_root, tmp_path)
    build_store(samples, CropConfig(size=48, scale=1.8), made_up_root, tmp_path)
    for tag in ("invert-1", "invert-2"):
        build_store(samples, CROP, made_up_root, tmp_path, retake=invert, tag=tag)
    build_store(samples, CROP, made_up_root, tmp_path, retake=invert, tag="invert-1", repeats=2)
    assert len(list(tmp_path.iterdir())) == 6


def invert(picture, face, rng):
    inverted = 255 - picture
    inverted[0, 0] = rng.integers(256, size=3)  # shows the seed
    return Retaken(inverted, picture, face, "print/inverted")


@pytest.mark.parametrize("kill_at", ["images", "extent"])
def test_a_killed_build_leaves_nothing_that_passes_for_whole(
    samples, made_up_root, tmp_path, monkeypatch, kill_at
):
    save, read = np.save, store_module.read_image

    def killed_save(path, array):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    def killed_read(path):
        if path == samples[5].path:
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patch:
        if kill_at == "images":
            patch.setattr(store_module, "read_image", killed_read)
        else:
            patch.setattr(
                np, "save", lambda to, what: (killed_save if kill_at in to.name else save)(to, what)
            )
        with pytest.raises(KeyboardInterrupt):
            build_store(samples, CROP, made_up_root, tmp_path)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "done.json" not in names and f"{kill_at}.npy" not in names
    assert not any(name.startswith(".") for name in names)
    made = build_store(samples, CROP, made_up_root, tmp_path)
    assert len(made.images) == len(samples)


def test_a_set_need_not_fit_into_memory(samples, made_up_root, tmp_path):
    config = CropConfig(size=256, scale=1.9)

    def peak(repeats):
        tracemalloc.start()
        store = build_store(
            samples, config, made_up_root, tmp_path, retake=invert, tag="m", repeats=repeats
        )
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, store.images.nbytes + store.genuine.nbytes

    (small, few), (large, many) = peak(1), peak(5)
    assert large - small < (many - few) / 4, f"{(large - small) / 2**20:.0f} MiB more at once"


def test_retakes_are_attacks_with_the_persons_relief_and_their_genuine_picture(
    samples, made_up_root, tmp_path
):
    live = select(samples, label="live")
    seen = []

    def watched(picture, face, rng):
        seen.append(int(rng.integers(10**9)))
        return invert(picture, face, rng)

    plain = build_store(live, CROP, made_up_root, tmp_path)
    attack = build_store(live, CROP, made_up_root, tmp_path, retake=watched, tag="w", repeats=2)
    assert plain.live.all() and plain.genuine is None and set(plain.species) == {"live"}
    assert not attack.live.any() and set(attack.species) == {"print/inverted"}
    assert np.array_equal(attack.genuine[::2], plain.images)
    assert np.abs(attack.images[::2].astype(int) - (255 - plain.images)).mean() < 1
    assert np.array_equal(attack.depth[1::2], plain.depth)
    assert len(set(seen)) == 2 * len(live), "each retake has its own seed"
    first = list(seen)
    seen.clear()
    again = tmp_path / "again"
    build_store(live, CROP, made_up_root, again, retake=watched, tag="w", repeats=2)
    assert sorted(seen) == sorted(first), "seeds come from names alone"


def test_a_live_retake_stays_live(samples, made_up_root, tmp_path):
    store = build_store(samples[:4], CROP, made_up_root, tmp_path, retake=darker, tag="darker")
    assert store.live.all() and store.images.mean() < store.genuine.mean()


def test_an_attack_before_another_camera_stays_that_attack(samples, made_up_root, tmp_path):
    attacks = select(samples, label="attack")
    plain = build_store(attacks, CROP, made_up_root, tmp_path)
    store = build_store(attacks, CROP, made_up_root, tmp_path, retake=darker, tag="darker")
    assert len(store.live) > 1 and not store.live.any()
    assert store.species.tolist() == plain.species.tolist()
    assert store.images.mean() < plain.images.mean()


def darker(picture, face, rng):
    return Retaken(picture // 2, picture, face, "live")


def test_many_retakes_run_on_all_cores_and_keep_their_order(samples, made_up_root, tmp_path):
    live = select(samples, label="live")
    many = build_store(live, CROP, made_up_root, tmp_path, retake=invert, tag="many", repeats=8)
    few = build_store(live, CROP, made_up_root, tmp_path, retake=invert, tag="few", repeats=1)
    assert len(many.live) == 8 * len(live) >= 64
    assert np.array_equal(many.images[::8], few.images)


def test_pictures_without_a_face_are_left_out(samples, made_up_root, tmp_path):
    blind = [replace(samples[0], box=None), samples[1]]
    assert len(build_store(blind, CROP, made_up_root, tmp_path).live) == 1
    assert crop_sample(blind[0], CROP) is None
    empty = build_store(blind[:1], CROP, made_up_root, tmp_path)
    assert empty.images.shape == (0, 48, 48, 3) and empty.depth.shape == (0, 64, 64)
    retaken = build_store(blind[:1], CROP, made_up_root, tmp_path, retake=invert, tag="none")
    assert retaken.genuine is not None and retaken.genuine.shape == (0, 48, 48, 3)


def test_a_bare_crop_is_a_face_as_a_whole(samples):
    bare = replace(samples[0], box=None, landmarks=None, name="celeba-spoof/crops/1/live/1.png")
    x1, y1, x2, y2 = face_of(bare, np.zeros((224, 224, 3), np.uint8)).box
    assert (x1, y1, x2, y2) == pytest.approx((20, 20, 204, 204))
    assert shows_face(bare) and shows_face(samples[0])
    blind = replace(samples[0], box=None)
    assert not shows_face(blind) and face_of(blind, np.zeros((8, 8, 3), np.uint8)) is None


def test_reliefs_of_another_table_are_noticed(tmp_path):
    root = make_data_root(tmp_path)
    np.savez(root / "nuaa.depth.npz", depth=np.zeros((3, 32, 32), np.uint8))
    with pytest.raises(DataError, match=r"nuaa.depth.npz holds 3 reliefs, none for row 3"):
        build_store(read_samples(root, "nuaa"), CROP, root, tmp_path / "cache")
