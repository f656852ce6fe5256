"""Scenes are kept as they are, drawn camera by camera, and cut within the picture."""

import csv

import numpy as np
import pytest
from PIL import Image as Pillow

from data.made_up_data import make_data_root
from despoof.core.errors import DataError
from despoof.data.samples import read_samples, select
from despoof.data.scene_mix import WindowConfig, cut_view, draw_view, scene_dev, scene_mix
from despoof.data.scenes import FACE_SIDE, build_scenes
from despoof.data.views import DataConfig
from despoof.media.images import read_image


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("scenes"))


def config(root, cache, sources, **more):
    calm = {"probability": 0.0, "together": 0.0, "erase": 0.0}
    values = {"root": str(root), "cache": str(cache), "sources": sources, "dev": ["nuaa"]}
    return DataConfig.parse(values | {"augment": calm, "batch_size": 16} | more)


def both(dataset, **more):
    return [{"dataset": dataset, "label": k, "weight": 1, **more} for k in ("live", "attack")]


def test_pictures_come_back_as_they_were(root, tmp_path):
    samples = select(read_samples(root, "nuaa"), "train")
    for _ in range(2):  # built, then read from the cache
        store = build_scenes(samples, tmp_path)
        assert len(store) == len(samples) and set(store.camera) == {"nuaa"}
        for row, sample in enumerate(samples):
            picture, box = store.picture(row)
            assert np.array_equal(picture, read_image(sample.path))
            assert box == pytest.approx(sample.box) and store.live[row] == sample.live


def test_a_large_face_is_made_smaller_with_its_picture(root, tmp_path):
    from dataclasses import replace

    sample = read_samples(root, "nuaa")[0]
    large = Pillow.open(sample.path).resize((960, 960))
    large.save(tmp_path / "large.png")
    box = tuple(10 * value for value in sample.box)
    store = build_scenes([replace(sample, path=tmp_path / "large.png", box=box)], tmp_path / "c")
    picture, kept = store.picture(0)
    assert max(kept[2] - kept[0], kept[3] - kept[1]) == pytest.approx(FACE_SIDE, abs=1)
    assert kept[0] / picture.shape[1] == pytest.approx(box[0] / 960)


def test_each_camera_comes_equally_often(root, tmp_path):
    """Nine pictures of one camera and one of another: half of the draws are of each."""
    table = root / "cameras.csv"
    with (root / "nuaa.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    live = [row for row in rows if row["label"] == "live" and row["split"] == "train"][:10]
    attack = [row for row in rows if row["label"] == "attack" and row["split"] == "train"][:2]
    for n, row in enumerate(live + attack):
        row["place"] = "rare" if n == 0 else "common"
    write(table, live + attack)
    sources = both("cameras", camera="place")
    mix = scene_mix(config(root, tmp_path, sources), WindowConfig(), 32, seed=0)
    # The rare camera's picture is made recognisable: it alone is white.
    store = mix.stores[0]
    assert sorted(map(len, mix.cameras[0])) == [1, 9]
    rare = int(mix.cameras[0][[len(r) for r in mix.cameras[0]].index(1)][0])
    assert store.camera[rare] == "cameras/rare"
    white = np.array(store.pixels)
    size = 3 * int(np.prod(store.shapes[rare]))
    start = 3 * int(np.prod(store.shapes[:rare], axis=1).sum()) if rare else 0
    white[start : start + size] = 255
    from dataclasses import replace

    marked = replace(mix, stores=(replace(store, pixels=white), mix.stores[1]))
    seen = [marked.batch(step) for step in range(40)]
    shares = [(b["plain"][b["live"]].amin(dim=(1, 2, 3)) > 0.99).float().mean() for b in seen]
    assert float(np.mean(shares)) == pytest.approx(0.5, abs=0.1)
    assert all(int(b["live"].sum()) == 8 for b in seen)


def test_a_batch_is_a_function_of_seed_and_step(root, tmp_path):
    made = config(root, tmp_path, both("celeba-spoof"))
    one, two = (scene_mix(made, WindowConfig(), 32, seed=3) for _ in range(2))
    assert (one.batch(5)["plain"] == two.batch(5)["plain"]).all()
    assert (one.batch(5)["plain"] != one.batch(6)["plain"]).any()


def test_simulated_scenes_are_attacks_or_stay_live(root, tmp_path):
    sources = [
        {"dataset": "nuaa", "label": "live", "weight": 1, "simulate": "attack", "limit": 3},
        {"dataset": "nuaa", "label": "live", "weight": 1, "simulate": "camera", "limit": 3},
    ]
    mix = scene_mix(config(root, tmp_path, sources), WindowConfig(), 32, seed=0)
    assert not mix.stores[0].live.any() and mix.stores[1].live.all()


def test_views_show_the_face_and_stay_inside(root):
    """A picture that is black but for a white face: every view shows the face, never a rim."""
    picture = np.zeros((120, 90, 3), np.uint8)
    picture[40:80, 30:60] = 255
    rng = np.random.default_rng(0)
    for _ in range(50):
        view = draw_view(picture, (30, 40, 60, 80), WindowConfig(), 64, rng)
        share = (view > 127).mean()
        assert 1 / 12 < share <= 1, share  # of 3.1 × the box at most, a little jitter aside


def test_cut_view_averages_where_it_shrinks():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert cut_view(stripes, (0, 0, 64, 64), 16).std() == 0
    assert cut_view(stripes, (0, 0, 64, 64), 64).tolist() == stripes.tolist()


def test_development_windows(root, tmp_path):
    sets = scene_dev(config(root, tmp_path, both("nuaa"), dev=["celeba-spoof"]), 2.7, 32)
    assert [dev.name for dev in sets] == ["celeba-spoof", "celeba-spoof-stressed"]
    assert sets[0].faces.shape == (16, 3, 32, 32) and int(sets[0].live.sum()) == 8


def test_bad_sources_are_one_line(root, tmp_path):
    with pytest.raises(DataError, match=r"nuaa.csv, row \d+: no camera in column 'lens'"):
        scene_mix(config(root, tmp_path, both("nuaa", camera="lens")), WindowConfig(), 32, 0)
    with pytest.raises(DataError, match="one class is missing"):
        live = both("nuaa")[:1]
        scene_mix(config(root, tmp_path, live), WindowConfig(), 32, 0)
    with pytest.raises(DataError, match="'/nowhere/' in their path"):
        scene_mix(config(root, tmp_path, both("nuaa", contains="/nowhere/")), WindowConfig(), 32, 0)


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
