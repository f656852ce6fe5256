import itertools
from typing import get_args

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from despoof.core.errors import ConfigError, InputError
from despoof.nets.central_difference import CentralDifferenceConv2d
from despoof.nets.depth_trunk import trunk_widths
from despoof.nets.folding import folded
from despoof.systems.despoofing_diffusion.config import (
    LIGHT,
    PAPER,
    DetectorConfig,
    Fusion,
    Inputs,
)
from despoof.systems.despoofing_diffusion.networks import TwoStreamNet

TINY = {"width": 0.1, "noise_scale": 0.2}
MODES, FUSIONS = get_args(Inputs), get_args(Fusion)
each_mode = pytest.mark.parametrize("inputs", MODES)
each_pair = pytest.mark.parametrize(("inputs", "fusion"), [*itertools.product(MODES, FUSIONS)])


def tiny(**more):
    torch.manual_seed(0)
    return TwoStreamNet(DetectorConfig.parse(TINY | more))


def pictures(n=2, size=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    faces = torch.rand(n, 3, size, size, generator=generator) * 2 - 1
    return faces, 0.2 * torch.randn(n, 3, size, size, generator=generator)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("inputs", "fusion", "expected"),
    [
        # One trunk is 1,727,960 (tests/nets/test_depth_trunk.py). A layer a -> b is 9ab + 2b, the
        # last one, 64 -> 1 or 128 -> 1, is 9a.
        ("rgb", "f1", 1_727_960 + 9 * 384 * 128 + 256 + 9 * 128 * 64 + 128 + 9 * 64),
        ("noise", "f1", 2_245_016),
        ("rgb", "f2", 2_245_016),
        ("noise", "f3", 2_245_016),
        ("rgb+noise", "f1", 2 * 1_727_960 + 9 * 768 * 128 + 256 + 9 * 128 * 64 + 128 + 9 * 64),
        ("rgb+rgb", "f1", 4_415_344),
        ("rgb+noise", "f2", 2 * 1_727_960 + 9 * 256 * 128 + 256 + 9 * 128 * 64 + 128 + 9 * 64),
        ("rgb+noise", "f3", 2 * (2_245_016 - 9 * 64) + 9 * 128),
    ],
)
def test_parameters_are_counted_by_hand(inputs, fusion, expected):
    assert count(TwoStreamNet(DetectorConfig(inputs=inputs, fusion=fusion))) == expected


def test_the_published_single_stream_is_2_24_million_parameters_and_47_3_gmac():
    with torch.device("meta"):
        net = TwoStreamNet(PAPER.model_copy(update={"inputs": "rgb", "rgb_share": 1.0})).eval()
        operations = []
        for part in net.modules():
            if isinstance(part, CentralDifferenceConv2d):
                part.register_forward_hook(
                    lambda m, _i, out: operations.append(m.weight[0].numel() * out.numel())
                )
        found = net(torch.empty(1, 3, 256, 256))
    assert count(net) == 2_245_016
    assert sum(operations) / 1e9 == pytest.approx(47.3, abs=0.05)
    assert found.shape == (1, 32, 32)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_full_widths_run_at_the_papers_geometry(fusion):
    config = PAPER.model_copy(update={"fusion": fusion, "noise_scale": 0.1})
    seen = []
    with torch.device("meta"):
        net = TwoStreamNet(config).eval()
        for trunk in net.trunks:
            trunk.register_forward_hook(
                lambda _m, i, out: seen.append((i[0].shape[-1], [t.shape[-1] for t in out]))
            )
        found = net(torch.empty(2, 3, 320, 320), torch.empty(2, 3, 256, 256))
    # The middle 256 of 320 pixels, and the whole box resized to 256 (SPEC §1.4).
    assert seen == [(256, [128, 64, 32]), (256, [128, 64, 32])]
    assert found.shape == (2, 32, 32)


def test_the_light_one_is_light():
    assert count(TwoStreamNet(LIGHT)) == 629_760


@each_pair
def test_every_fusion_of_every_mode_gives_a_map_and_teaches_all_parameters(inputs, fusion):
    # With positive off: behind a ReLU a map of a tiny untrained net may be 0, and teach nothing.
    net = tiny(inputs=inputs, fusion=fusion, positive=False)
    faces, noise = pictures()
    found = net(faces, noise if net.config.needs_noise else None)
    assert found.shape == (2, 32, 32) and found.isfinite().all()
    (found**2).mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    assert len(net.trunks) == len(inputs.split("+"))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_gradient_reaches_both_pictures(fusion):
    net = tiny(fusion=fusion, positive=False)
    faces, noise = (x.requires_grad_() for x in pictures(size=64))
    net(faces, noise).sum().backward()
    assert faces.grad[:, :, 6:58, 6:58].any() and noise.grad.any()
    outside = faces.grad.clone()
    outside[:, :, 6:58, 6:58] = 0
    assert not outside.any(), "the RGB stream saw more than the middle 52 of 64 pixels"
    assert noise.grad[:, :, :6].any() and noise.grad[:, :, 58:].any(), "noise was cropped"


def test_streams_share_no_weights():
    net = tiny(inputs="rgb+rgb")
    one, two = net.trunks
    assert not {id(p) for p in one.parameters()} & {id(p) for p in two.parameters()}
    assert not torch.equal(one.stem[0].weight, two.stem[0].weight)


def test_the_second_rgb_takes_the_place_of_the_noise():
    # Same picture in both networks, same weights: only what the second stream sees differs.
    with_noise, with_rgb = tiny(inputs="rgb+noise").eval(), tiny(inputs="rgb+rgb").eval()
    with_rgb.load_state_dict(with_noise.state_dict())
    faces, _ = pictures()
    twin = faces.abs() * (127.5 / 128) * with_noise.config.noise_scale
    with torch.no_grad():
        again = with_rgb(faces.abs())
        torch.testing.assert_close(with_noise(faces.abs(), twin), again, atol=1e-5, rtol=0)


@each_mode
def test_only_what_a_stream_sees_matters(inputs):
    net = tiny(inputs=inputs, positive=False).eval()
    faces, noise = pictures()
    with torch.no_grad():
        base = net(faces, noise)
        other_noise, other_faces = net(faces, noise + 1), net(-faces, noise)
    assert torch.equal(base, other_noise) != net.config.needs_noise
    assert torch.equal(base, other_faces) == (inputs == "noise")


def test_magnitude_is_blind_to_the_sign_and_signed_noise_is_not():
    faces, noise = pictures()
    for form, blind in (("magnitude", True), ("signed", False)):
        net = tiny(noise_form=form, positive=False).eval()
        with torch.no_grad():
            assert torch.equal(net(faces, noise), net(faces, -noise)) == blind


def test_noise_is_divided_by_one_number_whatever_the_face():
    faces, noise = pictures()
    one, half = tiny(noise_scale=0.2).eval(), tiny(noise_scale=0.1).eval()
    with torch.no_grad():
        torch.testing.assert_close(one(faces, noise), half(faces, noise / 2), rtol=0, atol=1e-6)
        assert not torch.allclose(one(faces, noise), one(faces, 2 * noise), atol=1e-4)
        # Half precision is how noise is cached.
        torch.testing.assert_close(one(faces, noise.half()), one(faces, noise), rtol=0, atol=1e-3)


def test_the_last_relu_is_published_and_can_be_left_out():
    faces, noise = pictures(8)
    relu, linear = tiny().eval(), tiny(positive=False).eval()
    linear.load_state_dict(relu.state_dict())
    with torch.no_grad():
        raw = linear(faces, noise)
        assert raw.min() < 0
        assert torch.equal(relu(faces, noise), raw.relu())


@pytest.mark.parametrize("size", [32, 37, 64, 90, 112])
@pytest.mark.parametrize("noise_size", [32, 48])
def test_any_size_gives_a_map_of_32(size, noise_size):
    net = tiny().eval()
    faces, _ = pictures(1, size)
    _, noise = pictures(1, noise_size)
    assert net(faces, noise).shape == (1, 32, 32)


@each_pair
@pytest.mark.parametrize("theta", [0.0, 0.7])
def test_the_folded_network_answers_alike(inputs, fusion, theta):
    net = tiny(inputs=inputs, fusion=fusion, theta=theta, fold=2, positive=False)
    faces, noise = pictures(4)
    for _ in range(3):
        net(faces, noise)  # statistics that are not the initial ones
    plain = folded(net.eval())
    kinds = {type(part) for part in plain.modules()}
    assert not kinds & {CentralDifferenceConv2d, nn.BatchNorm2d}
    with torch.no_grad():
        torch.testing.assert_close(plain(faces, noise), net(faces, noise), rtol=0, atol=1e-5)
    assert any(isinstance(part, nn.BatchNorm2d) for part in net.modules()), "the original changed"


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (None, r"inputs is 'rgb\+noise' but no noise was given.*set inputs to rgb"),
        (torch.zeros(3, 3, 32, 32), r"shape \(3, 3, 32, 32\); expected \(2, 3, T, T\)"),
        (torch.zeros(2, 1, 32, 32), r"shape \(2, 1, 32, 32\)"),
        (torch.zeros(2, 3, 32, 31), r"shape \(2, 3, 32, 31\)"),
        (torch.zeros(3, 32, 32), r"shape \(3, 32, 32\)"),
    ],
)
def test_noise_that_does_not_fit_is_refused(noise, message):
    with pytest.raises(InputError, match=message):
        tiny()(pictures()[0], noise)


def test_noise_without_a_measured_scale_is_refused():
    net = tiny(noise_scale=None)
    with pytest.raises(InputError, match=r"noise_scale is not measured.*with_noise_scale"):
        net(*pictures())
    assert tiny(noise_scale=None, inputs="rgb")(pictures()[0]).shape == (2, 32, 32)


def test_the_defaults_are_the_published_ones():
    assert PAPER.plain() == {
        "inputs": "rgb+noise", "fusion": "f1", "width": 1.0, "fold": 1, "theta": 0.7,
        "positive": True, "rgb_share": 0.8, "noise_view": "whole", "noise_form": "magnitude",
        "noise_scale": None, "noise_percentile": 99.0,
    }  # fmt: skip
    assert DetectorConfig.parse(LIGHT.plain()) == LIGHT
    assert trunk_widths(LIGHT.width) == (24, 48, 74, 24)


@pytest.mark.parametrize(
    "values",
    [
        {"inputs": "rgb + noise"}, {"fusion": "f4"}, {"theta": 1.1}, {"fold": 3}, {"width": 0},
        {"rgb_share": 0}, {"rgb_share": 1.1}, {"noise_scale": 0}, {"noise_scale": float("inf")},
        {"noise_percentile": 0}, {"noise_form": "absolute"},
    ],
)  # fmt: skip
def test_a_value_that_means_nothing_is_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        DetectorConfig.parse(values)
    with pytest.raises(ValidationError):
        PAPER.theta = 0.5
