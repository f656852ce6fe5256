import pytest
import torch

pytest.importorskip("transformers")

from despoof.core.errors import InputError
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cross_attention import CrossAttention, guided_tokens
from despoof.systems.ag_fas.cue_config import PAPER, CueConfig
from despoof.systems.ag_fas.cue_network import (
    ATTACK,
    LIVE,
    CueNetwork,
    root_normalised,
)

TINY = CueConfig().model_copy(
    update={"image_size": 16, "patch": 4, "width": 24, "depth": 3, "heads": 2, "embedding": 8}
)


def network(**changes):
    torch.manual_seed(0)
    return CueNetwork(TINY.model_copy(update=changes)).eval()


def inputs(n=3, seed=1, size=16):
    generator = torch.Generator().manual_seed(seed)
    faces = torch.rand(n, 3, size, size, generator=generator) * 2 - 1
    return faces, torch.randn(n, 3, size, size, generator=generator)


@torch.no_grad()
def test_at_the_start_it_is_the_plain_vit_exactly():
    net = network()
    faces, cue = inputs()
    tokens = torch.randn(3, 5, TINY.cue_widths[-1])
    plain = net.vit(faces).last_hidden_state
    assert torch.equal(guided_tokens(net.vit, net.crossings, faces, tokens), plain)
    assert torch.equal(guided_tokens(net.vit, None, faces, None), plain)
    assert torch.equal(net(faces, cue).logits, net(faces, -cue).logits), "the cue says nothing yet"


@torch.no_grad()
def test_the_cue_counts_once_the_last_weights_are_not_zero():
    net = network(output_std=0.1)
    faces, cue = inputs()
    assert not torch.equal(net(faces, cue).logits, net(faces, -cue).logits)


@torch.no_grad()
def test_cross_attention_lies_between_self_attention_and_mlp():
    """One block, written out by the formula of SPEC §2.2."""
    net = network(depth=1, output_std=0.5)
    faces, _ = inputs()
    cue = torch.randn(3, 5, TINY.cue_widths[-1])
    block, cross = net.vit.layers[0], net.crossings[0]
    h = net.vit.embeddings(faces)
    h = h + block.attention(block.layernorm_before(h))[0]
    q, k, v = cross.query(cross.norm(h)), cross.key(cue), cross.value(cue)
    parts = []
    for head in range(2):
        at = slice(12 * head, 12 * head + 12)
        weights = torch.softmax(q[..., at] @ k[..., at].transpose(1, 2) / 12**0.5, dim=-1)
        parts.append(weights @ v[..., at])
    h = h + cross.dense(torch.cat(parts, dim=-1))
    h = h + block.mlp(block.layernorm_after(h))
    found = guided_tokens(net.vit, net.crossings, faces, cue)
    torch.testing.assert_close(found, net.vit.layernorm(h), rtol=1e-4, atol=1e-5)


def test_the_zero_start_learns():
    cross = CrossAttention(8, 4, 2)
    tokens, cue = torch.randn(2, 3, 8), torch.randn(2, 5, 4)
    assert not cross(tokens, cue).any()
    cross(tokens, cue).sum().backward()
    assert cross.dense.weight.grad.any() and not cross.query.weight.grad.any()


@torch.no_grad()
@pytest.mark.parametrize("fusion", ["cross-attention", "concat", "none"])
def test_every_fusion_judges_and_only_none_does_without_a_cue(fusion):
    net = network(fusion=fusion, output_std=0.1)
    faces, cue = inputs()
    judged = net(faces, cue)
    assert judged.feature.shape == (3, 8) and judged.logits.shape == (3, 2)
    logits = judged.logits
    torch.testing.assert_close(judged.score, logits[:, LIVE] - logits[:, ATTACK])
    if fusion == "none":
        assert torch.equal(net(faces).logits, logits)
        assert net.encoder is None and net.crossings is None
    else:
        assert not torch.equal(net(faces, -cue).score, judged.score)
        with pytest.raises(InputError, match="cue is None for 3 faces"):
            net(faces)
        with pytest.raises(InputError, match=r"\(2, 3, 16, 16\) for 3 faces"):
            net(faces, cue[:2])


def test_the_feature_is_normalised_by_the_root_of_its_length():
    feature = torch.tensor([[3.0, 4.0], [0.0, 8.0]])
    found = root_normalised(feature)
    # |f| = 5: f / (√2 · √5); |f| = 8: 8 / (√2 · √8) = 2
    torch.testing.assert_close(found[0], torch.tensor([3.0, 4.0]) / 10**0.5)
    torch.testing.assert_close(found[1], torch.tensor([0.0, 2.0]))
    assert root_normalised(torch.zeros(1, 2)).isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize(("normalised", "axis"), [("feature", 0), ("class", 1)])
def test_the_classifiers_weights_have_length_one(normalised, axis):
    net = network(normalised=normalised)
    net.classifier.weight.mul_(7)
    net.classifier.bias.copy_(torch.tensor([0.25, 0.5]))
    faces, cue = inputs()
    judged = net(faces, cue)
    weight = net.classifier.weight / net.classifier.weight.norm(dim=axis, keepdim=True)
    expected = judged.feature @ weight.T + torch.tensor([0.25, 0.5])
    torch.testing.assert_close(judged.logits, expected)


def test_a_face_of_another_size_is_resized():
    net = network()
    faces, cue = inputs(size=32)
    assert net(faces, cue).logits.shape == (3, 2)


def test_the_paper_has_the_published_sizes():
    with torch.device("meta"):
        net = CueNetwork(PAPER)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in net.named_children()}
    # ViT-B/16 without its pooler; ResNet-18 without its classifier
    assert count["vit"] == 85_798_656 and count["encoder"] == 11_176_512
    assert len(net.crossings) == 12 and net.embedder.weight.shape == (512, 768)
    cue = net.encoder(torch.zeros(1, 3, 256, 256, device="meta")).last_hidden_state
    assert cue.shape == (1, 512, 8, 8)


def test_naming_one_setting_changes_that_one_alone():
    whole = AgFasConfig.parse({"cue": {"fusion": "none"}}).cue
    assert whole == CueConfig().model_copy(update={"fusion": "none"})


def test_the_small_one_is_small():
    net = CueNetwork()
    assert sum(p.numel() for p in net.parameters()) < 800_000
    assert net.encoder(torch.zeros(1, 3, 64, 64)).last_hidden_state.shape == (1, 64, 8, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 25, "heads": 2}, "multiple of heads 2"),
        ({"image_size": 30, "patch": 8}, "multiple of patch 8"),
    ],
)
def test_a_geometry_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CueConfig(**changes)
