import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError
from despoof.systems.records import RECORDS
from despoof.systems.texture.config import TextureConfig
from despoof.systems.texture.stage import RecipeConfig, TextureStage
from despoof.systems.texture.style import StyleMixConfig, draw_styles, mix_styles
from despoof.training.config import TrainConfig
from despoof.training.optimise import prepare_updates, run_update

TINY = TextureConfig.parse(RECORDS["texture"].tiny)


def maps(n=4, seed=0):
    return torch.randn(n, 3, 5, 7, generator=torch.Generator().manual_seed(seed)) * 2 + 1


def statistics(features):
    return features.mean(dim=(2, 3)), features.std(dim=(2, 3), correction=0)


@given(seed=st.integers(0, 2**32), lives=st.lists(st.booleans(), min_size=1, max_size=20))
@settings(max_examples=50)
def test_partners_are_of_the_same_class(seed, lives):
    live = torch.tensor(lives)
    drawn = draw_styles(live, StyleMixConfig(), seed)
    assert torch.equal(live[drawn["partner"]], live)
    assert sorted(drawn["partner"].tolist()) == list(range(len(lives)))  # each style once
    assert drawn["own"].min() >= 0
    assert drawn["own"].max() <= 1


def test_as_many_are_mixed_as_the_probability_says():
    live = torch.ones(4000, dtype=torch.bool)
    drawn = draw_styles(live, StyleMixConfig(probability=0.25, alpha=1.0), 3)
    mixed = int((drawn["own"] < 1).sum())
    assert abs(mixed - 1000) < 5 * (4000 * 0.25 * 0.75) ** 0.5
    again = draw_styles(live, StyleMixConfig(probability=0.25, alpha=1.0), 3)
    assert all(torch.equal(drawn[name], again[name]) for name in drawn)


def test_nothing_but_the_style_is_the_partners():
    features = maps()
    partner = torch.tensor([1, 0, 3, 2])
    mixed = mix_styles(features, partner, torch.zeros(4))
    for got, wanted in zip(statistics(mixed), statistics(features[partner]), strict=True):
        assert torch.allclose(got, wanted, atol=1e-5)
    rows, own = mixed.flatten(2), features.flatten(2)
    for k in range(4):
        for channel in range(3):  # a straight line: the content stays
            pair = torch.stack([rows[k, channel], own[k, channel]])
            assert torch.corrcoef(pair)[0, 1] == pytest.approx(1.0, abs=1e-5)


def test_a_share_of_one_changes_nothing_and_half_is_halfway():
    features = maps()
    partner = torch.tensor([1, 0, 3, 2])
    assert torch.allclose(mix_styles(features, partner, torch.ones(4)), features, atol=1e-5)
    means, deviations = statistics(features)
    got = statistics(mix_styles(features, partner, torch.full((4,), 0.5)))
    assert torch.allclose(got[0], (means + means[partner]) / 2, atol=1e-5)
    assert torch.allclose(got[1], (deviations + deviations[partner]) / 2, atol=1e-5)


def test_a_flat_channel_is_no_division_by_zero():
    flat = torch.ones(2, 1, 4, 4, requires_grad=True)
    mixed = mix_styles(flat, torch.tensor([1, 0]), torch.zeros(2))
    mixed.sum().backward()
    assert mixed.isfinite().all()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_half_precision_stays_what_it_is():
    features = maps().bfloat16()
    mixed = mix_styles(features, torch.tensor([1, 0, 3, 2]), torch.ones(4))
    assert mixed.dtype == torch.bfloat16
    assert torch.allclose(mixed.float(), features.float(), rtol=2**-7, atol=2**-7)


def test_only_learning_sees_mixed_styles(data):
    mixing = RecipeConfig(style_mix=StyleMixConfig(probability=1.0, alpha=1.0))
    stage = TextureStage(TINY, mixing, data, seed=0)
    plain = TextureStage(TINY, RecipeConfig(), data, seed=0)
    batch = stage.batch(3)
    assert torch.equal(batch["faces"], plain.batch(3)["faces"])
    for each in (stage, plain):
        each.module.eval()  # no dropout: what differs is the style
    assert stage.backbone_loss(batch)[0] != plain.backbone_loss(batch)[0]
    unmixed = batch | {"own": torch.ones(8)}
    assert torch.allclose(stage.backbone_loss(unmixed)[0], plain.backbone_loss(batch)[0], atol=1e-4)
    assert stage.validate(stage.module) == plain.validate(plain.module)
    assert stage.fingerprint() != plain.fingerprint()


def test_it_learns_a_batch_through_mixed_styles(data):
    recipe = RecipeConfig(style_mix=StyleMixConfig(), learning_rate=3e-3)
    stage = TextureStage(TINY, recipe, data, seed=0)
    batch, config = stage.batch(0), TrainConfig(steps=1, gradient_clip=0)
    before = float(stage.backbone_loss(batch)[0].detach())
    stage.module.train()
    trained = prepare_updates(stage.updates(), stage.module)
    for index in range(30):
        for update in trained:
            run_update(update, stage.module, batch, config, factor=1.0, step=index + 1)
    assert float(stage.backbone_loss(batch)[0].detach()) < 0.8 * before


def test_a_stage_that_the_backbone_does_not_have_is_named(data):
    far = RecipeConfig(style_mix=StyleMixConfig(stages=(1, 9)))
    with pytest.raises(ConfigError, match=r"stages \[1, 9\]: this backbone has stages 0 to 6"):
        TextureStage(TINY, far, data, seed=0)
