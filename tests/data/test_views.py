import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from scipy import ndimage

from despoof.core.errors import ConfigError, DataError
from despoof.data.augment import AugmentConfig, gaussian_blur, photometry, recode
from despoof.data.samples import read_samples
from despoof.data.transforms import draw_views
from despoof.data.views import DataConfig, development_sets, thinned, training_mix

STILL = AugmentConfig(
    scale=(1.9, 1.9), aspect=0, shift=0, rotation=0, probability=0, together=0, erase=0
)  # only the mirror is left


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def scene(n=6, side=64):
    """One smooth, lopsided pattern as picture and as relief."""
    y, x = np.mgrid[0:side, 0:side] / side
    pattern = np.exp(-(((x - 0.35) / 0.15) ** 2) - ((y - 0.4) / 0.25) ** 2)
    pattern = np.rint(255 * pattern).astype(np.uint8)
    images = torch.from_numpy(pattern)[None, :, :, None].repeat(n, 1, 1, 3)
    return images, torch.from_numpy(pattern)[None].repeat(n, 1, 1)


def move(config, n=6, seed=0, size=32, extent=1.9):
    images, depth = scene(n)
    return draw_views(
        images,
        depth,
        torch.full((n,), extent),
        stored_scale=1.9,
        size=size,
        config=config,
        generator=seeded(seed),
    )


# --- geometry ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_picture_and_relief_move_together(seed):
    # The same pattern went in as picture and as relief: the same must come out, mirror included.
    faces, depth = move(AugmentConfig(scale=(1.05, 1.6)), seed=seed)
    assert faces.shape == (6, 3, 32, 32) and depth.shape == (6, 32, 32)
    inside = depth > 0.02  # padding is grey in the picture and 0 in the relief
    # On average: the picture is averaged over four samples, and mixes with the padding's grey
    # along its border, which the relief does not.
    error = (faces[:, 0] - depth)[inside].abs()
    assert error.mean() < 0.02
    mirrored = (faces[:, 0].flip(2) - depth)[inside].abs()
    assert mirrored.mean() > 2 * error.mean()  # what the flip bug would give


def test_both_orientations_occur_and_nothing_else_moves_without_ranges():
    faces, depth = move(STILL, n=40)
    images, relief = scene(1)
    plain = torch.nn.functional.avg_pool2d(images.permute(0, 3, 1, 2).float() / 255, 2)[0]
    flipped = [bool((face - plain.flip(2)).abs().max() < 1e-5) for face in faces]
    kept = [bool((face - plain).abs().max() < 1e-5) for face in faces]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 8 < sum(flipped) < 32
    halved = torch.nn.functional.avg_pool2d(relief[None].float() / 255, 2)[0, 0]
    for mirror, found in zip(flipped, depth, strict=True):
        torch.testing.assert_close(found, halved.flip(1) if mirror else halved)


def test_a_tighter_view_is_the_centre_enlarged():
    half = STILL.model_copy(update={"scale": (0.95, 0.95)})
    faces, _ = move(half, size=32)
    images, _ = scene(1)
    centre = images[0, 16:48, 16:48, 0].float() / 255
    for face in faces[:, 0]:
        error = min((face - centre).abs().max(), (face - centre.flip(1)).abs().max())
        assert error < 0.01  # four samples a pixel, averaged


def test_outside_the_stored_square_is_the_padding_grey_without_depth():
    wide = STILL.model_copy(update={"scale": (3.8, 3.8)})
    images = torch.full((3, 64, 64, 3), 250, dtype=torch.uint8)
    depth = torch.full((3, 64, 64), 250, dtype=torch.uint8)
    faces, relief = draw_views(
        images,
        depth,
        torch.full((3,), 3.8),
        stored_scale=1.9,
        size=64,
        config=wide,
        generator=seeded(),
    )
    assert (faces[:, :, :14] * 255).allclose(torch.tensor(127.0))
    assert (faces[:, :, 20:44, 20:44] * 255).allclose(torch.tensor(250.0))
    assert not relief[:, :7].any() and (relief[:, 10:22, 10:22] * 255).allclose(torch.tensor(250.0))


def test_a_bare_crop_is_hardly_ever_shown_beyond_its_border():
    # 1.2 faces of picture in a stored square of 1.9: 5 % more at most, whatever the range says.
    side, extent = 95, 1.2
    images = torch.zeros((200, side, side, 3), dtype=torch.uint8)
    images[:] = 127
    reach = round(side * extent / 1.9)
    low = (side - reach) // 2
    images[:, low : low + reach, low : low + reach] = 255
    depth = torch.zeros((200, 64, 64), dtype=torch.uint8)
    config = STILL.model_copy(update={"scale": (1.05, 1.9)})
    faces, _ = draw_views(
        images,
        depth,
        torch.full((200,), extent),
        stored_scale=1.9,
        size=40,
        config=config,
        generator=seeded(),
    )
    grey = (faces[:, 0] < 0.75).float().mean(dim=(1, 2))
    assert grey.max() < 0.2 and (grey == 0).float().mean() > 0.4


def test_geometry_is_decided_by_its_generator():
    one, two, other = (move(AugmentConfig(), seed=s)[0] for s in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, other)


# --- photometry ----------------------------------------------------------------------------------


def colourful(n=8, side=32):
    return torch.rand(n, 3, side, side, generator=seeded(9))


def test_a_camera_gives_codes_in_range_and_is_decided_by_its_generator():
    faces = colourful()
    kept = faces.clone()
    config = AugmentConfig(probability=1.0)
    one, two = (photometry(faces, config, seeded(4)) for _ in range(2))
    assert torch.equal(one, two) and not torch.equal(one, photometry(faces, config, seeded(5)))
    assert one.min() >= 0 and one.max() <= 1 and one.dtype == torch.float32
    assert one.shape == faces.shape and one.isfinite().all()
    away = one[one != torch.tensor(127 / 255)] * 255  # erased pixels aside
    assert (away - away.round()).abs().max() < 1e-4
    assert torch.equal(faces, kept), "the input was changed"


def test_with_every_step_off_only_rounding_is_left():
    faces = colourful()
    found = photometry(faces, STILL, seeded())
    assert (found - faces).abs().max() <= 0.5 / 255 + 1e-4 + 1e-6


def test_the_camera_does_not_know_the_class():
    # The same picture in every place of the batch is treated alike on average: no place, and so no
    # class, has its own distribution; and no label is an argument.
    faces = torch.full((400, 3, 32, 32), 0.5)
    found = photometry(faces, AugmentConfig(), seeded(1)).mean(dim=(1, 2, 3))
    first, second = found[::2], found[1::2]
    error = float((first.var() / 200 + second.var() / 200).sqrt())
    assert abs(float(first.mean() - second.mean())) < 4 * error


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_holes_are_grey_rectangles_as_often_as_asked(probability):
    faces = torch.ones(300, 3, 32, 32)
    config = STILL.model_copy(update={"erase": probability})
    found = photometry(faces, config, seeded(2))
    hole = (found - 127 / 255).abs().amax(dim=1) < 1e-6
    share = hole.flatten(1).any(1).float().mean()
    assert float(share) == pytest.approx(probability, abs=0.08)
    for picture in hole[hole.flatten(1).any(1)]:
        rows, columns = picture.any(1), picture.any(0)
        assert torch.equal(picture, rows[:, None] & columns[None])
        assert 2 <= rows.sum() <= 12 and 2 <= columns.sum() <= 12


def test_blur_is_scipys_for_each_picture_with_its_own_sigma():
    faces = colourful(4)
    sigma = torch.tensor([0.0, 0.7, 1.3, 2.0])
    found = gaussian_blur(faces, sigma)
    assert torch.equal(found[0], faces[0])
    for i in (1, 2, 3):
        s = float(sigma[i])
        # The widest picture of the batch sets the kernel's reach: 3 × 2 px.
        expected = ndimage.gaussian_filter(
            faces[i].numpy(), (0, s, s), mode="nearest", radius=(0, 6, 6)
        )
        assert found[i].numpy() == pytest.approx(expected, abs=1e-5)


def test_recoding_shrinks_and_codes():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    rng = np.random.default_rng(1)
    assert np.array_equal(recode(pixels, 1.0, None, 0.0, rng), pixels)
    shrunk = recode(pixels, 0.5, None, 0.0, rng)
    expected = Pillow.fromarray(pixels).resize((16, 16), Pillow.Resampling.BOX)
    assert np.array_equal(shrunk, expected.resize((32, 32), Pillow.Resampling.BICUBIC))
    coarse, fine = (
        np.abs(recode(pixels, 1.0, q, 0.0, rng).astype(int) - pixels).mean() for q in (20, 95)
    )
    assert coarse > fine > 0


def test_noise_is_as_strong_as_asked_and_grows_with_the_small_picture():
    grey = np.full((128, 128, 3), 128, np.uint8)
    fine, coarse = (
        recode(grey, keep, None, 0.04, np.random.default_rng(3)).astype(float) / 255
        for keep in (1.0, 0.25)
    )
    assert fine.std() == pytest.approx(0.04, rel=0.05)

    def neighbours(picture):
        flat = picture[..., 0] - picture[..., 0].mean()
        return (flat[:, 1:] * flat[:, :-1]).mean() / flat.var()

    assert abs(neighbours(fine)) < 0.05, "noise of the full picture is white"
    assert neighbours(coarse) > 0.7, "noise of a far face is as coarse as its pixels"


def test_a_share_of_pictures_gets_every_step():
    # Each step alone is off: what is changed is changed by `together`.
    config = AugmentConfig(probability=0.0, together=0.3, erase=0.0)
    faces = colourful(400, 16)
    changed = (photometry(faces, config, seeded(6)) - faces).abs().amax(dim=(1, 2, 3)) > 0.01
    assert float(changed.float().mean()) == pytest.approx(0.3, abs=0.08)


# --- batches -------------------------------------------------------------------------------------


def config_for(root, cache, sources=None, **more):
    sources = sources or [
        {"dataset": "celeba-spoof", "label": "live", "weight": 3},
        {"dataset": "celeba-spoof", "label": "attack", "weight": 2},
        {"dataset": "nuaa", "label": "attack", "weight": 1},
        {"dataset": "lfw", "label": "live", "weight": 1, "simulate": "attack"},
        {"dataset": "lfw", "label": "live", "weight": 1},
    ]
    values = {"root": str(root), "cache": str(cache), "stored_size": 40, "batch_size": 16}
    return DataConfig.parse(values | {"sources": sources, "dev": ["celeba-spoof", "nuaa"]} | more)


@pytest.fixture(scope="module")
def mix(made_up_root, tmp_path_factory):
    return training_mix(config_for(made_up_root, tmp_path_factory.mktemp("cache")), 32, seed=3)


def test_a_batch_has_what_it_promises(mix):
    batch = mix.batch(0)
    assert batch["faces"].shape == (16, 3, 32, 32) and batch["faces"].dtype == torch.float32
    assert batch["faces"].min() >= -1 and batch["faces"].max() <= 1
    assert batch["depth"].shape == (16, 32, 32)
    assert batch["depth"].min() >= 0 and batch["depth"].max() <= 1
    assert batch["live"].dtype == torch.bool and batch["source"].dtype == torch.int64
    attack = torch.tensor([False, True, True, True, False])
    assert torch.equal(batch["live"], ~attack[batch["source"]])
    assert batch["depth"][~batch["live"]].flatten(1).amax(1).min() > 0.3, "attacks keep theirs"


@settings(max_examples=10, deadline=None)
@given(step=st.integers(0, 10**7))
def test_a_batch_is_a_function_of_seed_and_step(mix, step):
    state = torch.get_rng_state()
    first = mix.batch(step)
    mix.batch(step + 1)
    torch.manual_seed(step % 97)
    np.random.seed(step % 97)
    second = mix.batch(step)
    torch.set_rng_state(state)
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


def test_another_seed_or_step_is_another_batch(mix):
    from dataclasses import replace

    base = mix.batch(5)["faces"]
    assert not torch.equal(base, mix.batch(6)["faces"])
    assert not torch.equal(base, replace(mix, seed=4).batch(5)["faces"])


def test_every_batch_holds_each_sources_share_to_within_one(mix):
    shares = np.array([3, 2, 1, 1, 1]) / 8 * 16
    total = np.zeros(5)
    for step in range(40):
        counts = np.bincount(mix.batch(step)["source"].numpy(), minlength=5)
        assert (np.abs(counts - shares) <= 1).all()
        total += counts
    assert total / 40 == pytest.approx(shares, abs=0.35)


def test_recaptured_sources_are_attacks(mix):
    assert [bool(s.live.any()) for s in mix.stores] == [True, False, False, False, True]
    assert np.array_equal(mix.stores[3].depth, mix.stores[4].depth)
    assert not np.array_equal(mix.stores[3].images, mix.stores[4].images)


def test_a_mix_without_a_class_or_a_picture_is_refused(made_up_root, tmp_path):
    live = {"dataset": "celeba-spoof", "label": "live", "weight": 1}
    with pytest.raises(DataError, match="one class is missing"):
        training_mix(config_for(made_up_root, tmp_path, [live]), 32, 0)
    none = {"dataset": "lfw", "label": "attack", "weight": 1}
    with pytest.raises(DataError, match="lfw has no attack pictures"):
        training_mix(config_for(made_up_root, tmp_path, [live, none]), 32, 0)
    with pytest.raises(ConfigError, match="dev"):
        config_for(made_up_root, tmp_path, dev=[])


def test_a_source_whose_pictures_show_no_face_is_refused(made_up_root, tmp_path, monkeypatch):
    monkeypatch.setattr("despoof.data.store.shows_face", lambda _: False)
    with pytest.raises(DataError, match="no live picture to train on has a face"):
        training_mix(config_for(made_up_root, tmp_path), 32, 0)


# --- development ---------------------------------------------------------------------------------


def test_development_sets_come_plain_and_stressed_and_the_same_each_time(made_up_root, tmp_path):
    config = config_for(made_up_root, tmp_path)
    first, second = development_sets(config, 32), development_sets(config, 32)
    names = ["celeba-spoof", "celeba-spoof-stressed", "nuaa", "nuaa-stressed"]
    assert [s.name for s in first] == names
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one.faces, two.faces) and torch.equal(one.live, two.live)
        assert one.faces.min() >= -1 and one.faces.max() <= 1
    plain, stressed = first[0], first[1]
    assert torch.equal(plain.live, stressed.live) and int(plain.live.sum()) == 8
    assert not torch.equal(plain.faces, stressed.faces)
    dev = [s for s in read_samples(made_up_root, "celeba-spoof") if s.split == "dev"]
    assert len(plain.live) == len(dev)


def test_a_limit_thins_both_classes_evenly(made_up_root, tmp_path):
    (plain, *_) = development_sets(config_for(made_up_root, tmp_path, dev_limit=3), 32)
    assert plain.live.tolist() == [True] * 3 + [False] * 3
    assert thinned(list(range(10)), 4) == [0, 2, 5, 7]
    assert thinned([1, 2], 5) == [1, 2]
