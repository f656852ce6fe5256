import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.systems.despoofing_diffusion.config import DetectorConfig
from despoof.systems.despoofing_diffusion.views import (
    centre_crop,
    centre_side,
    crop_relief,
    depth_target,
    mirrored,
    stream_inputs,
)

quick = settings(max_examples=60, deadline=None)


def positions(size, count):
    """Middles of `count` cells over a picture of `size` pixels, in pixels from its edge."""
    return (torch.arange(count) + 0.5) * size / count


def plane(size, count, a, b, c):
    """A relief (count, count) over the picture: a plane, by the position in the picture."""
    at = positions(size, count) / size
    return a + b * at[:, None] + c * at[None, :]


@quick
@given(st.integers(1, 400), st.floats(0.01, 1))
def test_the_crop_is_centred_and_of_about_the_share(size, share):
    side = centre_side(size, share)
    assert 1 <= side <= size and (size - side) % 2 == 0
    assert abs(side - share * size) <= 1 or side <= 2
    rows = torch.arange(size).float()
    x = torch.stack([rows[:, None].expand(size, size), rows.expand(size, size)])[None]
    cut = centre_crop(x, share)
    assert cut.shape == (1, 2, side, side)
    # As far from one edge as from the other, and every pixel as it was.
    assert cut[0, 0].min() == size - 1 - cut[0, 0].max() == cut[0, 1].min()
    assert torch.equal(cut[0, 1, 0], rows[(size - side) // 2 : (size + side) // 2])


def test_the_papers_crop():
    assert centre_side(320, 0.8) == 256
    assert centre_crop(torch.zeros(1, 3, 320, 320), 0.8).shape == (1, 3, 256, 256)


@quick
@given(
    st.integers(33, 320),
    st.floats(0.3, 0.95),
    st.tuples(*(st.floats(-1, 1),) * 3),
)
def test_relief_and_picture_are_cut_alike(size, share, coefficients):
    # A plane by position: what the cut relief says of a cell must be what the plane is there in
    # the cut picture. Bilinear interpolation gives planes exactly, so there is no tolerance to hide
    # a shift of half a pixel in.
    side = centre_side(size, share)
    border = (size - side) / 2
    relief = plane(size, 32, *coefficients)[None]
    a, b, c = coefficients
    at = (border + positions(side, 32)) / size
    expected = a + b * at[:, None] + c * at[None, :]
    found = crop_relief(relief, size, share)[0]
    inside = at.clamp(0.5 / 32, 1 - 0.5 / 32) == at  # beyond the outermost cells it is constant
    inside = inside[:, None] & inside[None, :]
    torch.testing.assert_close(found[inside], expected[inside], rtol=0, atol=2e-5)


def test_a_blob_stays_on_the_nose():
    # The picture shows a blob, off the middle; the relief has it too. After both cuts, the blob of
    # the picture (reduced to 32×32) and the blob of the relief are in one place.
    size = 320
    y, x = np.mgrid[0:size, 0:size] + 0.5
    picture = torch.from_numpy(np.exp(-((y - 130) ** 2 + (x - 200) ** 2) / 2 / 40**2)).float()
    relief = torch.nn.functional.avg_pool2d(picture[None, None], 10)[0]
    cut = torch.nn.functional.avg_pool2d(centre_crop(picture[None, None], 0.8), 8)[0, 0]
    found = crop_relief(relief, size, 0.8)[0]
    torch.testing.assert_close(found, cut, rtol=0, atol=0.02)
    for axis in (0, 1):
        place = [float((m.sum(1 - axis) * torch.arange(32)).sum() / m.sum()) for m in (found, cut)]
        assert place[0] == pytest.approx(place[1], abs=0.02)
    assert not torch.allclose(relief[0], cut, atol=0.2), "the test could not tell a missing cut"


@quick
@given(st.floats(0.3, 1), st.integers(0, 100))
def test_cutting_and_mirroring_commute(share, seed):
    relief = torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(seed))
    one = crop_relief(relief.flip(-1), 112, share)
    torch.testing.assert_close(one, crop_relief(relief, 112, share).flip(-1), rtol=0, atol=1e-5)
    assert one.min() >= 0 and one.max() <= 1


def test_a_whole_view_leaves_the_relief_to_the_bit():
    relief = torch.rand(2, 32, 32)
    assert torch.equal(crop_relief(relief, 112, 1.0), relief)


@pytest.mark.parametrize(
    ("inputs", "view", "cropped"),
    [
        ("rgb", "whole", True), ("rgb+noise", "whole", True), ("rgb+rgb", "centre", True),
        ("noise", "whole", False), ("noise", "centre", True),
    ],
)  # fmt: skip
def test_the_target_has_the_view_of_the_first_stream(inputs, view, cropped):
    config = DetectorConfig(inputs=inputs, noise_view=view)
    depth, live = torch.rand(3, 32, 32), torch.tensor([True, False, True])
    found = depth_target(depth, live, 112, config)
    expected = crop_relief(depth, 112, 0.8) if cropped else depth
    assert torch.equal(found[[0, 2]], expected[[0, 2]])
    assert not found[1].any(), "an attack has no relief"


def test_streams_see_what_they_should():
    faces = torch.rand(2, 3, 40, 40) * 2 - 1
    noise = torch.randn(2, 3, 32, 32)
    config = DetectorConfig(noise_scale=0.5, rgb_share=0.8)
    rgb, magnitude = stream_inputs(faces, noise, config)
    # (x − 127.5) / 128 of 8-bit values.
    eight_bit = (faces + 1) * 127.5
    torch.testing.assert_close(rgb, ((eight_bit - 127.5) / 128)[:, :, 4:36, 4:36])
    torch.testing.assert_close(magnitude, noise.abs() * 2)
    signed = config.model_copy(update={"noise_form": "signed", "noise_view": "centre"})
    torch.testing.assert_close(stream_inputs(faces, noise, signed)[1], noise[..., 3:29, 3:29] * 2)


def test_mirroring_moves_face_noise_and_depth_together_and_nothing_else():
    batch = {
        "faces": torch.rand(3, 3, 8, 8), "noise": torch.rand(3, 3, 6, 6),
        "depth": torch.rand(3, 32, 32), "live": torch.tensor([True, False, True]),
    }  # fmt: skip
    chosen = torch.tensor([True, False, True])
    found = mirrored(batch, chosen)
    for name in ("faces", "noise", "depth"):
        assert torch.equal(found[name][1], batch[name][1])
        assert torch.equal(found[name][[0, 2]], batch[name][[0, 2]].flip(-1))
    assert found["live"] is batch["live"]
    again = mirrored(found, chosen)
    assert all(torch.equal(again[name], batch[name]) for name in batch)
    without = mirrored({"faces": batch["faces"]}, chosen)
    assert set(without) == {"faces"}
