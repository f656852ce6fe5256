import json
from pathlib import Path

import pytest
import torch
from benchmarks.programs import program
from hypothesis import given
from hypothesis import strategies as st

from despoof.nets.efficientnet_lite import (
    VARIANTS,
    EfficientNetLite,
    EfficientNetLiteConfig,
    scale_channels,
)

# What its authors' code computes from the weights of `made_up`:
# python benchmarks/pretrained.py record efficientnet_lite_pytorch-0.1.0-py3-none-any.whl
RECORDED = json.loads(Path(__file__).with_name("efficientnet_lite_reference.json").read_text())
TINY = EfficientNetLiteConfig(width=0.25, depth=0.25)
each_variant = pytest.mark.parametrize("name", VARIANTS)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(side=64, n=1):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(7)) * 2 - 1


@each_variant
def test_it_computes_what_its_authors_code_computes(name):
    net = EfficientNetLite(VARIANTS[name]).eval()
    net.load_state_dict(program("pretrained").made_up(net.state_dict()))
    with torch.no_grad():
        maps = net(picture())
    for stride, expected in RECORDED[name]["maps"].items():
        found = maps[int(stride)]
        assert list(found.shape) == expected["shape"]
        values = found.flatten()[:: found.numel() // 24][:24]
        torch.testing.assert_close(values, torch.tensor(expected["values"]), rtol=1e-4, atol=1e-5)


@each_variant
def test_with_the_published_head_it_has_the_published_size(name):
    published = {"lite0": 4.7e6, "lite1": 5.4e6, "lite2": 6.1e6}[name]
    net = EfficientNetLite(VARIANTS[name])
    own = sum(p.numel() for p in net.parameters())
    head = net.channels[32] * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert own + head == RECORDED[name]["parameters"]
    assert own + head == pytest.approx(published, abs=5e4)


def test_the_default_cut_at_either_stride_has_a_known_size():
    sizes = {s: sum(p.numel() for p in EfficientNetLite(stop=s).parameters()) for s in (8, 16, 32)}
    assert sizes == {8: 55_504, 16: 700_768, 32: 2_958_848}


@pytest.mark.parametrize("stop", [8, 16, 32])
@pytest.mark.parametrize("shape", [(32, 32), (64, 96)])
def test_maps_have_the_stride_they_are_named_after(stop, shape):
    net = EfficientNetLite(TINY, stop).eval()
    with torch.no_grad():
        maps = net(torch.zeros(2, 3, *shape))
    assert list(maps) == list(net.channels) == [s for s in (8, 16, 32) if s <= stop]
    for stride, found in maps.items():
        expected = (2, net.channels[stride], shape[0] // stride, shape[1] // stride)
        assert tuple(found.shape) == expected


def test_a_cut_backbone_is_the_beginning_of_the_whole_one():
    torch.manual_seed(1)
    whole, cut = EfficientNetLite(TINY).eval(), EfficientNetLite(TINY, 16).eval()
    names = cut.state_dict().keys()
    cut.load_state_dict({k: v for k, v in whole.state_dict().items() if k in names})
    with torch.no_grad():
        assert torch.equal(cut(picture())[16], whole(picture())[16])


def test_untrained_it_neither_fades_nor_explodes():
    torch.manual_seed(2)
    with torch.no_grad():
        maps = EfficientNetLite().eval()(picture(96, n=2))
    assert all(0.05 < found.std() < 20 for found in maps.values())


def test_frozen_statistics_stand_still_and_the_rest_learns():
    net = EfficientNetLite(TINY)
    net.frozen_norm = True
    net.train()
    before = {name: value.clone() for name, value in net.named_buffers()}
    net(picture(n=2))[32].square().mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers())
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert net.training, "only the norms stay in eval mode"
    net.frozen_norm = False
    net.train()(picture(n=2))
    assert not torch.equal(net.stem.norm.running_mean, before["stem.norm.running_mean"])


def test_a_frozen_norm_within_the_kernel_gives_the_answer_and_the_gradients_of_one_behind_it():
    torch.manual_seed(4)
    net = EfficientNetLite(TINY).double()
    net.train()(picture(n=4).double())  # statistics that are no longer 0 and 1
    for norm in (m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
    net.frozen_norm = True
    found = {}
    for training in (True, False):  # in eval mode each norm stands behind its convolution
        net.train(training).zero_grad()
        maps = net(picture(n=2).double())
        maps[32].square().mean().backward()
        found[training] = (maps[32].detach(), [p.grad.clone() for p in net.parameters()])
    torch.testing.assert_close(found[True], found[False], rtol=1e-9, atol=1e-12)


def test_memory_layout_changes_nothing():
    torch.manual_seed(3)
    net = EfficientNetLite(TINY).eval()
    with torch.no_grad():
        plain = net(picture())
        fast = net.to(memory_format=torch.channels_last)(
            picture().contiguous(memory_format=torch.channels_last)
        )
    for stride, found in fast.items():
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found, plain[stride], rtol=1e-4, atol=1e-5)


@given(st.integers(1, 2000), st.floats(0.05, 3))
def test_widths_are_eights_and_never_much_too_narrow(channels, width):
    found = scale_channels(channels, width)
    assert found % 8 == 0 and found >= max(8, 0.9 * channels * width)
    assert found <= max(8, 1.1 * channels * width + 8)
