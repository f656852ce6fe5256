import pytest
import torch

from despoof.nets.unet import UNetDecoder, UNetEncoder, multiple_of, pooled

WIDTHS = (8, 16, 24)


@pytest.fixture
def parts():
    torch.manual_seed(0)
    return UNetEncoder(3, WIDTHS, 1), UNetDecoder(3, WIDTHS, 1, last_std=0.1)


@pytest.mark.parametrize("size", [(16, 16), (32, 48)])
def test_levels_halve_and_the_answer_has_the_pictures_size(parts, size):
    encoder, decoder = parts
    x = torch.rand(2, 3, *size)
    features = encoder(x)
    height, width = size
    assert [tuple(f.shape) for f in features] == [
        (2, w, height >> (i + 1), width >> (i + 1)) for i, w in enumerate(WIDTHS)
    ]
    assert decoder(features).shape == x.shape
    assert pooled(features).shape == (2, sum(WIDTHS))


def test_the_multiple_is_the_least_side_that_comes_back(parts):
    encoder, decoder = parts
    step = multiple_of(WIDTHS)
    assert decoder(encoder(torch.rand(1, 3, step, step))).shape == (1, 3, step, step)
    with pytest.raises(RuntimeError):
        decoder(encoder(torch.rand(1, 3, step + step // 2, step + step // 2)))


def test_every_pixel_of_the_input_can_move_its_own_answer(parts):
    """Folding and unfolding must put the same pixel back in the same place."""
    encoder, decoder = parts
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    for row, column in ((5, 10), (4, 11), (15, 0)):
        x.grad = None
        decoder(encoder(x))[0, :, row, column].sum().backward()
        assert x.grad[0, :, row, column].abs().sum() > 0


def test_a_one_pixel_chessboard_can_be_learnt():
    """The Nyquist frequency survives the fold: the network can reproduce it exactly."""
    torch.manual_seed(0)
    encoder, decoder = UNetEncoder(1, (8, 8), 1), UNetDecoder(1, (8, 8), 1, last_std=0.01)
    y, x = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    board = (((x + y) % 2) * 2.0 - 1)[None, None]
    generator = torch.Generator().manual_seed(1)
    amplitude = torch.rand(8, 1, 1, 1, generator=generator)
    faces = amplitude * board + 0.1 * torch.randn(8, 1, 16, 16, generator=generator)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, 5e-3)
    for _ in range(150):
        loss = (decoder(encoder(faces)) - amplitude * board).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.01 * (amplitude * board).square().mean()
