from itertools import pairwise

import pytest
import torch

from despoof.core.errors import ConfigError
from despoof.systems.face_despoofing.config import FaceDespoofingConfig, NetworkConfig
from despoof.systems.face_despoofing.networks import DsNet, VqNet, depth_quality_net
from despoof.systems.face_despoofing.system import FaceDespoofing

SMALL = {
    "crop": {"size": 64, "scale": 1.25},
    "network": {
        "encoder_width": 0.25,
        "decoder_width": 0.25,
        "quality_width": 0.1,
        "critic_width": 0.25,
    },
}


def conv(channels_in, *widths):
    """Parameters of 3×3 convolutions without bias, each with batch norm (scale and shift)."""
    chain = (channels_in, *widths)
    return sum(9 * a * b + 2 * b for a, b in pairwise(chain))


def lin(channels_in, channels_out):
    return 9 * channels_in * channels_out


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_full_widths_hold_what_the_published_layers_hold():
    # SPEC §3.3, layer by layer.
    encoder = conv(6, 24) + conv(24, 20, 25, 20) + 2 * conv(20, 20, 25, 20)
    head = conv(60, 28, 16) + lin(16, 1)
    decoder = conv(60, 28, 24, 20, 20, 20, 16, 16) + lin(16, 6)
    ds = DsNet(NetworkConfig(), 256)
    assert count(ds.encoder) == encoder
    assert count(ds.map_body) + count(ds.map_last) == head
    assert count(ds.decoder) == decoder
    assert count(ds) == encoder + head + decoder == 98_662

    block = (128, 196, 128)
    dq = conv(6, 64) + conv(64, *block) + 2 * conv(128, *block) + conv(384, 128, 64) + lin(64, 1)
    assert count(depth_quality_net(NetworkConfig())) == dq

    vq = conv(6, 24, 20) + conv(20, 20, 16) + conv(16, 12, 6) + conv(6, 1)
    vq += (1024 + 1) * 100 + (100 + 1) * 2
    assert count(VqNet(NetworkConfig(), 256)) == vq


def test_published_defaults():
    config = FaceDespoofingConfig()
    assert (config.crop.size, config.crop.scale) == (256, 2.5)
    assert config.network == NetworkConfig.parse(
        {"colour": "hsv", "noise_gain": 45, "encoder_width": 1, "decoder_width": 1}
    )


def test_ds_net_shapes_at_full_width():
    torch.manual_seed(0)
    ds = DsNet(NetworkConfig(), 64).eval()
    x = torch.rand(1, 6, 64, 64)
    assert ds.encoder(x).shape == (1, 60, 32, 32)
    out = ds(x)
    assert out.map.shape == (1, 32, 32) and out.noise.shape == out.genuine.shape == x.shape
    assert out.noise.abs().mean() < 0.1, "the published start is almost no noise"


@pytest.mark.parametrize("gain", [45.0, 3.0])
def test_genuine_is_relu_of_the_face_less_the_noise(gain):
    torch.manual_seed(0)
    ds = DsNet(NetworkConfig.parse(SMALL["network"] | {"noise_gain": gain}), 32).eval()
    with torch.no_grad():
        ds.decoder.last.weight.mul_(1000)
        x = torch.rand(2, 6, 32, 32)
        out = ds(x)
    torch.testing.assert_close(out.genuine, (x - out.noise / gain).clamp(min=0))


def test_critic_answers_with_two_logits():
    vq = VqNet(NetworkConfig(), 256).eval()
    assert vq.head[1].in_features == 1024
    assert VqNet(NetworkConfig(), 64).eval()(torch.rand(3, 6, 64, 64)).shape == (3, 2)


def system(**score):
    torch.manual_seed(1)
    made = FaceDespoofing(FaceDespoofingConfig.parse(SMALL | {"score": score})).eval()
    with torch.no_grad():
        made.ds.decoder.last.weight.mul_(300)
    return made


def test_the_score_is_depth_less_map_less_magnitude():
    faces = torch.rand(3, 3, 64, 64) * 2 - 1
    made = system(map=0.7, depth=1.3, magnitude=0.4)
    six = made.six_channels(faces)
    with torch.no_grad():
        out, depth = made.ds(six), made.dq(six)
    parts = made.score_parts(faces)
    torch.testing.assert_close(parts["map"], out.map.mean((1, 2)))
    torch.testing.assert_close(parts["depth"], depth.mean((1, 2)))
    torch.testing.assert_close(parts["magnitude"], out.noise.abs().mean((1, 2, 3)))
    expected = 1.3 * parts["depth"] - 0.7 * parts["map"] - 0.4 * parts["magnitude"]
    torch.testing.assert_close(made.score(faces), expected)
    torch.testing.assert_close(made.decompose(faces).score, expected)


def test_evidence_is_the_map_in_the_unit_interval():
    faces = torch.rand(2, 3, 64, 64) * 2 - 1
    made = system()
    with torch.no_grad():
        made.ds.map_last.weight.mul_(50)
        raw = made.ds(made.six_channels(faces)).map
    assert raw.min() < 0 or raw.max() > 1
    torch.testing.assert_close(made.decompose(faces).evidence, raw.clamp(0, 1))


def test_a_score_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="all three score weights are 0"):
        FaceDespoofingConfig.parse({"score": {"map": 0, "depth": 0}})
