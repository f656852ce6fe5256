import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.data.augment import AugmentConfig
from despoof.data.transforms import (
    GREY,
    Maps,
    draw_poses,
    draw_views,
    fixed_poses,
    mirrored,
    move,
    move_maps,
    photograph_faces,
)

CONFIG = AugmentConfig(scale=(1.05, 1.9), rotation=20)
SCALE = 1.9


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def smooth(n, side, seed):
    """Smooth, lopsided fields in [-1, 1]."""
    coarse = torch.rand(n, 3, 5, 5, generator=seeded(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=side, mode="bicubic").clamp(-1, 1)


def poses_of(n, seed, config=CONFIG):
    extent = torch.full((n,), SCALE)
    return draw_poses(extent, stored_scale=SCALE, config=config, generator=seeded(seed))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_noise_of_a_moved_picture_is_the_moved_noise(seed):
    # The flip bug of SPEC §2.4: move picture and genuine face, subtract, compare.
    faces, genuine = smooth(8, 48, seed), smooth(8, 48, seed + 1) * 0.9
    poses = poses_of(8, seed)
    views = move_maps(Maps(faces, faces - genuine), poses, 32)
    moved = move(genuine, poses, 32, outside=GREY, smooth=True)
    torch.testing.assert_close(views.noise, views.faces - moved, atol=2e-6, rtol=0)


def test_a_picture_and_its_cue_flip_together():
    # One bright dot in the upper left of picture, noise and relief: it must land in one place.
    faces = torch.full((40, 3, 64, 64), GREY)
    noise, depth = torch.zeros(40, 3, 64, 64), torch.zeros(40, 64, 64)
    for plane in (faces[:, 0], noise[:, 0], depth):
        plane[:, 8:12, 16:20] = 1.0
    still = AugmentConfig(scale=(SCALE, SCALE), aspect=0, shift=0, rotation=0)
    poses = poses_of(40, 1, still)
    views = move_maps(Maps(faces, noise, depth), poses, 64)
    for other in (
        views.noise[:, 0],
        torch.nn.functional.interpolate(views.depth[:, None], 64)[:, 0],
    ):
        columns = other.amax(dim=1).argmax(dim=1)
        assert ((columns - views.faces[:, 0].amax(dim=1).argmax(dim=1)).abs() <= 2).all()
    sides = views.faces[:, 0].amax(dim=1).argmax(dim=1) < 32
    assert 8 < int(sides.sum()) < 32  # both orientations do occur


def test_the_published_bug_is_there_for_who_asks_for_it():
    faces, noise = smooth(64, 48, 3), 0.1 * smooth(64, 48, 4)
    poses = poses_of(64, 5)
    coins = torch.rand(64, generator=seeded(6)) < 0.5
    bad = move_maps(Maps(faces, noise), poses, 32, separate_mirrors=coins)
    good = move_maps(Maps(faces, noise), poses, 32)
    size = (bad.noise - good.noise).abs().amax(dim=(1, 2, 3))
    assert (size[~coins] < 2e-6).all()
    assert (size[coins] > 0.3).all()  # half of the residuals show a mirrored face
    assert torch.equal(bad.faces, good.faces)
    with pytest.raises(InputError, match="noise"):
        move_maps(Maps(faces), poses, 32, separate_mirrors=coins)


def test_mirroring_twice_is_none_and_once_is_the_flip():
    faces, poses = smooth(4, 32, 0), fixed_poses(4, SCALE, SCALE)
    plain = move(faces, poses, 32, outside=GREY, smooth=False)
    torch.testing.assert_close(plain, faces, atol=1e-6, rtol=0)
    flipped = move(faces, mirrored(poses, torch.ones(4) > 0), 32, outside=GREY, smooth=False)
    torch.testing.assert_close(flipped, faces.flip(3), atol=1e-6, rtol=0)
    assert torch.equal(mirrored(poses, torch.zeros(4) > 0), poses)


def test_poses_are_those_of_the_small_loader():
    # The same seed moves a stored crop of `Mix` and of this loader alike.
    images = (smooth(6, 48, 2) * 127 + 128).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    relief = images[..., 0]
    extent = torch.tensor([1.1, 1.3, 1.5, 1.9, 1.9, 1.0])
    faces, depth = draw_views(
        images, relief, extent, stored_scale=SCALE, size=24, config=CONFIG, generator=seeded(11)
    )
    poses = draw_poses(extent, stored_scale=SCALE, config=CONFIG, generator=seeded(11))
    planes = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    views = move_maps(Maps(planes, depth=relief.float() / 255), poses, 24)
    torch.testing.assert_close((views.faces + 1) / 2, faces, atol=2e-6, rtol=0)
    torch.testing.assert_close(views.depth, depth, atol=2e-6, rtol=0)


def test_a_camera_touches_the_picture_alone():
    maps = Maps(smooth(8, 32, 1), smooth(8, 32, 2), torch.rand(8, 32, 32, generator=seeded()))
    taken = photograph_faces(maps, AugmentConfig(probability=1), seeded(3))
    assert taken.noise is maps.noise and taken.depth is maps.depth
    assert (taken.faces - maps.faces).abs().mean() > 0.02
    assert taken.faces.min() >= -1 and taken.faces.max() <= 1
    again = photograph_faces(maps, AugmentConfig(probability=1), seeded(3))
    assert torch.equal(taken.faces, again.faces)


def test_around_the_crop_is_grey_without_noise_or_depth():
    ones = torch.ones(1, 3, 32, 32)
    views = move_maps(Maps(ones, ones, ones[:, 0]), fixed_poses(1, 2 * SCALE, SCALE), 32)
    assert torch.allclose(views.faces[..., :6, :], torch.tensor(GREY))
    assert not views.noise[..., :6, :].any() and not views.depth[:, :6].any()
    assert (views.noise[..., 12:20, 12:20] == 1).all() and (views.depth[:, 12:20, 12:20] == 1).all()


def test_one_pose_for_each_crop():
    with pytest.raises(InputError, match="3 poses"):
        move_maps(Maps(torch.zeros(2, 3, 8, 8)), fixed_poses(3, 1, 1), 8)
