import math

import pytest
import torch
from safetensors.torch import save_file

from despoof.core.errors import ConfigError, WeightsError
from despoof.nets.efficientnet_lite import EfficientNetLite
from despoof.systems.records import RECORDS
from despoof.systems.saving import save_system
from despoof.systems.texture.config import TextureConfig
from despoof.systems.texture.losses import smoothed, texture_loss
from despoof.systems.texture.network import Logits, TextureNetwork
from despoof.systems.texture.pretrained import load_backbone
from despoof.systems.texture.stage import RecipeConfig, TextureStage
from despoof.systems.texture.system import Texture, zoomed
from despoof.training.config import TrainConfig
from despoof.training.optimise import prepare_updates, run_update

PLAIN = RECORDS["texture"].tiny
TINY = TextureConfig.parse(PLAIN)
DRY = TextureConfig.parse({**PLAIN, "dropout": 0.0})


def faces(n=4, side=32):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    torch.manual_seed(9)
    backbone = EfficientNetLite(TINY.backbone)
    with torch.no_grad():
        for name, buffer in backbone.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("pretrained") / "tiny.safetensors"
    save_file(backbone.state_dict(), path, metadata={"licence": "none"})
    return path


def fixed(system, face, cells):
    """Replace the network's answer."""
    system.network.forward = lambda x: Logits(torch.tensor(face), torch.tensor(cells))
    return system


# The configuration


@pytest.mark.parametrize("size", [32, 96, 192, 256])
def test_any_multiple_of_32_is_a_size(size):
    config = TextureConfig.parse({**PLAIN, "crop": {"size": size, "scale": 1.2}})
    cells = TextureNetwork(config).eval()(faces(1, size)).cells
    assert cells.shape == (1, size // 16, size // 16)


def test_another_size_is_refused():
    with pytest.raises(ConfigError, match=r"crop\.size 112 must be a multiple of 32"):
        TextureConfig.parse({"crop": {"size": 112, "scale": 1.25}})


def test_the_default_is_lite0_on_192_pixels():
    config = TextureConfig()
    assert config.crop.size == 192 and config.crop.scale == 1.2 and config.stop == 32
    count = sum(p.numel() for p in Texture(config).parameters())
    heads = (112 * 128 + 128 + 128 + 1) + (320 * 128 + 128 + 128 + 1)
    assert count == 2_958_848 + heads


# The network


def test_the_weights_see_what_they_were_trained_on():
    network = TextureNetwork(TINY)
    seen = []
    network.backbone.forward = lambda x, behind=None: seen.append(x) or {16: x, 32: x}
    network.features(torch.tensor([0.0, 127.0, 255.0]) / 127.5 - 1)
    torch.testing.assert_close(seen[0], (torch.tensor([0.0, 127.0, 255.0]) - 127) / 128)


@pytest.mark.parametrize("stop", [16, 32])
def test_the_faces_logit_is_read_at_the_stop_and_the_cells_at_16(stop):
    config = TextureConfig.parse({**PLAIN, "stop": stop, "crop": {"size": 64, "scale": 1.2}})
    network = TextureNetwork(config).eval()
    assert max(network.backbone.channels) == stop
    logits = network(faces(2, 64))
    assert logits.face.shape == (2,) and logits.cells.shape == (2, 4, 4)


# The score and the map


def test_the_score_is_the_mix_of_both_logits():
    config = TextureConfig.parse({**PLAIN, "mix": 0.25})
    system = fixed(Texture(config).eval(), [2.0], [[[0.0, 4.0], [-8.0, 0.0]]])
    expected = 0.25 * 2.0 + 0.75 * -1.0
    assert float(system.score(faces(1))) == pytest.approx(expected, abs=1e-6)
    assert float(system.decompose(faces(1)).score) == pytest.approx(expected, abs=1e-6)


def test_evidence_lies_where_the_cells_see_an_attack():
    system = fixed(Texture(TINY).eval(), [0.0], [[[5.0, 5.0], [5.0, -5.0]]])
    evidence = system.decompose(faces(1)).evidence[0]
    assert evidence.argmax() >= 24 * 32 and evidence[31, 31] > 0.99 and evidence[0, 0] < 0.01
    assert evidence[0, 0] == pytest.approx(1 / (1 + math.exp(5)), abs=1e-6)


def test_without_a_genuine_face_the_picture_is_its_own():
    parts = Texture(TINY).eval().decompose(faces())
    assert torch.equal(parts.genuine, faces()) and not parts.noise.any()


# The loss


def test_the_loss_is_the_textbooks():
    live = torch.tensor([True, False])
    logits = Logits(torch.tensor([1.0, 2.0]), torch.tensor([[[0.5, -0.5]], [[1.5, 0.0]]]))
    found, logs = texture_loss(logits, live, smoothing=0.2, cell_weight=0.5)

    def entropy(z, target):
        p = 1 / (1 + math.exp(-z))
        return -target * math.log(p) - (1 - target) * math.log(1 - p)

    face = (entropy(1, 0.9) + entropy(2, 0.1)) / 2
    cells = sum((entropy(0.5, 0.9), entropy(-0.5, 0.9), entropy(1.5, 0.1), entropy(0, 0.1))) / 4
    assert float(logs["face"]) == pytest.approx(face, rel=1e-5)
    assert float(logs["cells"]) == pytest.approx(cells, rel=1e-5)
    assert float(found) == pytest.approx(face + 0.5 * cells, rel=1e-5)


def test_smoothed_labels_punish_certainty():
    live = torch.tensor([True])

    def loss(z):
        return float(
            texture_loss(
                Logits(torch.tensor([z]), torch.tensor([[[z]]])),
                live,
                smoothing=0.1,
                cell_weight=0.5,
            )[0]
        )

    best = math.log(0.95 / 0.05)
    assert loss(best) < loss(best + 1) < loss(best + 9) and loss(best) < loss(best - 1)
    assert torch.equal(smoothed(live, 0.0), torch.tensor([1.0]))


# Pretrained weights


@pytest.mark.parametrize("stop", [16, 32])
def test_weights_from_a_file_are_the_files(weights_file, stop):
    torch.manual_seed(9)
    expected = EfficientNetLite(TINY.backbone).state_dict()
    backbone = EfficientNetLite(TINY.backbone, stop)
    load_backbone(backbone, weights_file)
    for name, parameter in backbone.named_parameters():
        assert torch.equal(parameter, expected[name]), name


def test_weights_of_another_width_are_refused(weights_file):
    with pytest.raises(WeightsError, match=r"does not fit the backbone: .*model\.backbone"):
        load_backbone(EfficientNetLite(), weights_file)


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04pickled"])
def test_a_file_that_is_none_is_refused_with_the_way_to_make_one(tmp_path, content):
    path = tmp_path / "file.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"not a readable.*benchmarks/pretrained\.py convert"):
        load_backbone(EfficientNetLite(TINY.backbone), path)


# The stage


def step(stage, batch, rounds=1):
    stage.module.train()
    config = TrainConfig(steps=1, gradient_clip=0)
    trained = prepare_updates(stage.updates(), stage.module)
    for index in range(rounds):
        for update in trained:
            run_update(update, stage.module, batch, config, factor=1.0, step=index + 1)


def test_a_pretrained_backbone_learns_slowly_and_keeps_its_statistics(data, weights_file):
    recipe = RecipeConfig(pretrained=str(weights_file), learning_rate=1e-3, backbone_rate=0.1)
    stage = TextureStage(TINY, recipe, data, seed=0)
    before = {k: v.clone() for k, v in stage.module.state_dict().items()}
    step(stage, stage.batch(0))
    moved = {
        name: float((value - before[name]).abs().max())
        for name, value in stage.module.state_dict().items()
        if value.is_floating_point()
    }
    for name, way in moved.items():
        if "running" in name:
            assert way == 0, name
        else:
            # Adam's first step is the learning rate, plus the decay's.
            rate = 1e-4 if "backbone" in name else 1e-3
            assert 0 < way < 1.2 * rate, name


def test_two_updates_are_one_step_of_the_whole(data, weights_file):
    recipe = RecipeConfig(pretrained=str(weights_file), backbone_rate=0.5, weight_decay=0.1)
    one, two = (TextureStage(DRY, recipe, data, seed=0) for _ in range(2))
    batch = one.batch(0)
    step(one, batch)
    network = two.module.train().network
    rate = recipe.learning_rate
    optimizer = torch.optim.AdamW(
        [
            {"params": network.backbone.parameters(), "lr": 0.5 * rate},
            {"params": network.heads.parameters(), "lr": rate},
        ],
        weight_decay=0.1,
    )
    loss, _ = texture_loss(network(batch["faces"]), batch["live"], smoothing=0.1, cell_weight=0.5)
    loss.backward()
    optimizer.step()
    for name, value in two.module.state_dict().items():
        torch.testing.assert_close(one.module.state_dict()[name], value, rtol=1e-5, atol=1e-7)


def test_the_backbone_runs_once_a_step(data):
    stage = TextureStage(TINY, RecipeConfig(), data, seed=0)
    calls = []
    stage.network.backbone.register_forward_hook(lambda *_: calls.append(1))
    step(stage, stage.batch(0))
    assert len(calls) == 1
    stage.heads_loss(stage.batch(1))
    assert len(calls) == 2, "faces that the backbone has not seen go through it"


def test_without_pretrained_weights_nothing_is_held_back(data):
    stage = TextureStage(TINY, RecipeConfig(), data, seed=0)
    rates = [update.learning_rate for update in stage.updates()]
    assert rates == [1e-3, 1e-3] and not stage.network.backbone.frozen_norm


def test_it_fits_a_batch(data, weights_file):
    recipe = RecipeConfig(pretrained=str(weights_file), backbone_rate=1.0, learning_rate=3e-3)
    stage = TextureStage(DRY, recipe, data, seed=0)
    batch = stage.batch(0)
    before = float(stage.backbone_loss(batch)[0].detach())
    step(stage, batch, rounds=30)
    assert float(stage.backbone_loss(batch)[0].detach()) < 0.8 * before


def test_other_weights_make_another_run_and_another_place_does_not(data, weights_file, tmp_path):
    def mark(path):
        recipe = RecipeConfig(pretrained=None if path is None else str(path))
        return TextureStage(TINY, recipe, data, seed=0).fingerprint()

    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights_file.read_bytes())
    torch.manual_seed(10)
    other = tmp_path / "other.safetensors"
    save_file(EfficientNetLite(TINY.backbone).state_dict(), other)
    assert mark(weights_file) == mark(copy)
    assert len({mark(weights_file), mark(other), mark(None)}) == 3


def test_a_run_may_learn_on_from_a_trained_classifier(data, tmp_path):
    joined = {"decomposer": RECORDS["pair-unet"].tiny}
    torch.manual_seed(11)
    trained = Texture(TextureConfig.parse({**PLAIN, **joined}))
    for place in ("here", "there"):
        save_system(tmp_path / place, "texture", trained.config, trained)
    stages = [
        TextureStage(TINY, RecipeConfig(begin=str(tmp_path / place)), data, seed=0)
        for place in ("here", "there")
    ]
    for mine, theirs in zip(
        stages[0].network.parameters(), trained.network.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
    assert stages[0].fingerprint() == stages[1].fingerprint()
    assert stages[0].fingerprint() != TextureStage(TINY, RecipeConfig(), data, 0).fingerprint()
    backbone, heads = stages[0].updates()
    assert backbone.learning_rate == pytest.approx(0.1 * heads.learning_rate)


def test_a_classifier_of_another_shape_is_no_beginning(data, tmp_path, weights_file):
    other = Texture(TextureConfig.parse({**PLAIN, "hidden": 4}))
    save_system(tmp_path, "texture", other.config, other)
    with pytest.raises(WeightsError, match="no classifier of this shape"):
        TextureStage(TINY, RecipeConfig(begin=str(tmp_path)), data, seed=0)
    with pytest.raises(ConfigError, match="keep one"):
        recipe = RecipeConfig(begin=str(tmp_path), pretrained=str(weights_file))
        TextureStage(TINY, recipe, data, seed=0)


@pytest.mark.parametrize("other", ["face-despoofing", "pair-unet"])
def test_a_joined_decomposer_finds_the_genuine_face_and_has_no_say_in_the_score(other):
    torch.manual_seed(4)
    alone = Texture(TINY).eval()
    parts = {**RECORDS[other].tiny, "crop": {"size": 16, "scale": 1.25}}
    joined = Texture(TextureConfig.parse({**PLAIN, "decomposer": parts})).eval()
    joined.network.load_state_dict(alone.network.state_dict())
    assert type(joined.decomposer) is type(RECORDS[other].make(parts))
    for weight in joined.decomposer.parameters():  # a fresh one may say zero
        weight.data += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    shown = faces()
    found, plain = joined.decompose(shown), alone.decompose(shown)
    assert torch.equal(found.score, plain.score)
    assert torch.equal(found.evidence, plain.evidence)
    assert plain.noise.abs().max() == 0
    assert found.noise.abs().max() > 0
    assert found.genuine.shape == shown.shape
    assert found.genuine.abs().max() <= 1
    assert torch.allclose(found.genuine + found.noise, shown, atol=1e-6)
    small = torch.nn.functional.interpolate(shown, (16, 16), mode="bilinear", antialias=True)
    wide = torch.nn.functional.interpolate(
        joined.decomposer.decompose(small).noise, (32, 32), mode="bilinear"
    )
    assert torch.allclose(found.genuine, (shown - wide).clamp(-1, 1))


def test_a_decomposer_is_joined_and_not_trained(data):
    parts = {"crop": {"size": 16, "scale": 1.25}}
    config = TextureConfig.parse({**PLAIN, "decomposer": parts})
    with pytest.raises(ConfigError, match="join a trained system"):
        TextureStage(config, RecipeConfig(), data, 0)


def test_two_zooms_are_the_mean_of_both_looks():
    config = TextureConfig.parse(
        {**PLAIN, "crop": {"size": 48, "scale": 1.5}, "side": 32, "zooms": (1.0, 2 / 3)}
    )
    torch.manual_seed(4)
    system = Texture(config).eval()
    x = faces(side=48)
    whole = torch.nn.functional.interpolate(x, (32, 32), mode="bilinear")
    middle = x[..., 8:40, 8:40]
    torch.testing.assert_close(zoomed(x, 2 / 3, 32), middle, rtol=0, atol=0)
    single = Texture(TINY).eval()
    single.load_state_dict(system.state_dict())
    wanted = (single.score(whole) + single.score(middle)) / 2
    torch.testing.assert_close(system.score(x), wanted)
    parts = system.decompose(x)
    torch.testing.assert_close(parts.score, wanted)
    assert parts.evidence.shape == (4, 32, 32) and parts.genuine.shape == x.shape


def test_a_picture_that_is_light_in_the_middle_is_seen_larger_by_the_closer_look():
    x = -torch.ones(1, 3, 64, 64)
    x[..., 24:40, 24:40] = 1
    shares = [float((zoomed(x, zoom, 32) > 0).float().mean()) for zoom in (1.0, 0.5)]
    assert shares == pytest.approx([1 / 16, 1 / 4], abs=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zooms": (1.0, 1.5)}, "zooms"),
        ({"zooms": ()}, "zooms"),
        ({"side": 40}, "side 40 must be a multiple of 32"),
    ],
)
def test_zooms_and_sides_that_do_not_fit_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        TextureConfig.parse({**PLAIN, **changes})
