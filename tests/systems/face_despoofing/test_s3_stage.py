from pathlib import Path

import pytest
import torch
from torch import nn

from despoof.data.views import DataConfig
from despoof.systems.experiment import read_experiment
from despoof.systems.face_despoofing.config import FaceDespoofingConfig
from despoof.systems.face_despoofing.losses import PAPER
from despoof.systems.face_despoofing.stages import FaceDespoofingStage, RecipeConfig
from despoof.systems.records import RECORDS
from despoof.training.config import TrainConfig
from despoof.training.optimise import prepare_updates, run_update
from despoof.training.schedule import learning_rate_factor

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
PAPER_FILE = EXPERIMENTS / "paper" / "face_despoofing.yaml"


def make_stage(root, cache, recipe=None):
    data = DataConfig.parse(
        {
            "root": str(root),
            "cache": str(cache),
            "stored_size": 48,
            "batch_size": 6,
            "sources": [
                {"dataset": "celeba-spoof", "label": "live", "weight": 1},
                {"dataset": "celeba-spoof", "label": "attack", "weight": 1},
            ],
            "dev": ["celeba-spoof"],
        }
    )
    config = FaceDespoofingConfig.parse(RECORDS["face-despoofing"].tiny)
    return FaceDespoofingStage(config, RecipeConfig.parse(recipe or {}), data, 0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def stage(made_up_root, cache):
    made = make_stage(made_up_root, cache)
    made.module.train()
    return made


def state_of(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def changed(module, before):
    return {
        key for key, value in module.state_dict().items() if not torch.equal(value, before[key])
    }


def test_updates_come_in_the_published_order(stage):
    updates = stage.updates()
    assert [u.name for u in updates] == ["dq", "vq", "ds"]
    assert [u.module for u in updates] == [stage.system.dq, stage.system.vq, stage.system.ds]
    assert [u.learning_rate for u in updates] == [3e-5] * 3


def test_the_critic_may_learn_at_its_own_rate(made_up_root, cache):
    stage = make_stage(made_up_root, cache, {"learning_rate": 1e-3, "critic_rate": 0.5})
    assert [u.learning_rate for u in stage.updates()] == [1e-3, 5e-4, 1e-3]


def test_ds_loss_leaves_dq_as_it_was(stage):
    dq = stage.system.dq
    before = state_of(dq)
    loss, _ = stage.ds_loss(stage.batch(0))
    loss.backward()
    assert not changed(dq, before), "batch statistics moved"
    assert all(parameter.grad is None for parameter in dq.parameters())
    assert all(parameter.requires_grad for parameter in dq.parameters())
    assert all(part.training for part in dq.modules())
    assert any(parameter.grad.any() for parameter in stage.system.ds.parameters())


def test_dq_is_given_back_after_a_failure(stage, monkeypatch):
    def fail(_x):
        assert not stage.system.dq.training
        raise RuntimeError("no memory")

    monkeypatch.setattr(stage.system.dq, "forward", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        stage.ds_loss(stage.batch(0))
    assert stage.system.dq.training
    assert all(parameter.requires_grad for parameter in stage.system.dq.parameters())


@pytest.mark.parametrize("name", ["dq", "vq", "ds"])
def test_an_update_moves_its_own_network_only(stage, name):
    module = stage.module
    trained = {item.update.name: item for item in prepare_updates(stage.updates(), module)}
    before = {key: value.clone() for key, value in module.named_parameters()}
    run_update(trained[name], module, stage.batch(0), TrainConfig(steps=1), factor=1.0, step=1)
    moved = {key for key, value in module.named_parameters() if not torch.equal(value, before[key])}
    assert moved and all(key.startswith(f"{name}.") for key in moved)
    if name != "dq":
        assert all(parameter.grad is None for parameter in stage.system.dq.parameters())


class Constant(nn.Module):
    """A network that answers with one value and remembers what it saw."""

    def __init__(self, shape, value=0.0):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.shape, self.seen = shape, []

    def forward(self, x):
        self.seen.append(x.detach())
        return self.value.expand(x.shape[0], *self.shape)


def test_depth_of_a_photographed_attack_is_zero(stage):
    stage.system.dq = Constant((32, 32))
    batch = stage.batch(0)
    loss, _ = stage.dq_loss(batch)
    expected = batch["depth"][batch["live"]].sum() / batch["depth"].numel()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(stage.system.dq.seen[0], stage.system.six_channels(batch["faces"]))


def test_depth_of_a_despoofed_attack_is_the_persons_own(stage):
    stage.system.dq = Constant((32, 32))
    batch = stage.batch(0)
    assert batch["depth"][~batch["live"]].any()
    _, logs = stage.ds_loss(batch)
    torch.testing.assert_close(logs["depth_quality"], batch["depth"].mean())


def test_the_critic_sees_live_photographs_and_despoofed_attacks(stage):
    stage.system.vq = Constant((2,))
    batch = stage.batch(0)
    live = batch["live"]
    six = stage.system.six_channels(batch["faces"])
    stage.vq_loss(batch)
    real, fake = stage.system.vq.seen
    torch.testing.assert_close(real, six[live])
    assert fake.shape == six[~live].shape and not torch.equal(fake, six[~live])
    torch.testing.assert_close(fake, six[~live], rtol=0, atol=0.05)  # hardly any noise yet
    stage.system.vq.seen.clear()
    stage.ds_loss(batch)
    assert [len(x) for x in stage.system.vq.seen] == [int((~live).sum())]


@pytest.mark.parametrize("weighting", ["paper", "code"])
def test_j_is_the_weighted_sum_of_its_terms(made_up_root, cache, weighting):
    stage = make_stage(made_up_root, cache, {"weighting": weighting})
    loss, logs = stage.ds_loss(stage.batch(0))
    weights = stage.recipe.weights().plain()
    assert set(logs) == set(weights)
    expected = sum(weights[name] * float(value) for name, value in logs.items())
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    assert logs["peak_live"] >= 0 >= logs["peak_spoof"]
    assert (stage.recipe.weights() is PAPER) == (weighting == "paper")


@pytest.mark.parametrize("live", [True, False])
def test_a_batch_of_one_class_trains_without_nan(stage, live):
    batch = stage.batch(0)
    keep = batch["live"] == live
    batch = {key: value[keep] for key, value in batch.items()}
    for update in stage.updates():
        loss, _ = update.loss(batch)
        assert loss.isfinite()
        loss.backward()
    for key, value in stage.module.state_dict().items():
        assert value.isfinite().all(), key


def test_another_recipe_or_seed_is_another_run(made_up_root, cache):
    one = make_stage(made_up_root, cache)
    assert one.fingerprint() == make_stage(made_up_root, cache).fingerprint()
    for recipe in ({"weighting": "paper"}, {"peak_cap": float("inf")}, {"peak_mask": "cross"}):
        assert make_stage(made_up_root, cache, recipe).fingerprint() != one.fingerprint()


def test_every_experiment_in_the_repository_is_valid():
    files = sorted(EXPERIMENTS.glob("*/*.yaml"))
    assert PAPER_FILE in files
    for path in files:
        read_experiment(path)
    outputs = [read_experiment(path).output for path in files]
    assert len(set(outputs)) == len(outputs), "two experiments would overwrite each other"


def test_the_paper_experiment_is_the_published_one():
    experiment = read_experiment(PAPER_FILE)
    model = FaceDespoofingConfig.parse(experiment.model)
    assert model == FaceDespoofingConfig()
    recipe = RecipeConfig.parse(experiment.recipe)
    assert recipe == RecipeConfig.parse({"peak_mask": "cross", "peak_cap": float("inf")})
    assert recipe.weighting == "code" and recipe.learning_rate == 3e-5
    assert round(recipe.peak_block * model.crop.size) == 64
    assert experiment.data.batch_size == 6 and experiment.train.ema_decay == 0.9999
    assert experiment.data.stored_scale == experiment.data.dev_scale == model.crop.scale
    assert {s.dataset for s in experiment.data.sources} == {"celeba-spoof", "nuaa"}


def test_the_paper_rate_falls_by_a_fifth_every_fifteen_epochs():
    train = read_experiment(PAPER_FILE).train
    assert train.decay_every == 15 * 40000 / 6
    factors = [learning_rate_factor(train, step) for step in (0, 99_999, 100_000, 200_000)]
    assert factors == pytest.approx([1, 1, 0.8, 0.64])


def test_the_paper_experiment_survives_being_written(tmp_path):
    from despoof.core.config import write_yaml

    experiment = read_experiment(PAPER_FILE)
    write_yaml(tmp_path / "again.yaml", experiment.plain())
    again = read_experiment(tmp_path / "again.yaml", ["seed=0"])
    assert again == experiment and again.digest() == experiment.digest()
    assert RecipeConfig.parse(again.recipe).peak_cap == float("inf")


@pytest.mark.slow
def test_one_step_of_the_paper_experiment(made_up_root, tmp_path):
    settings = [f"data.root={made_up_root}", f"data.cache={tmp_path}", "data.batch_size=2"]
    experiment = read_experiment(PAPER_FILE, settings)
    record = RECORDS[experiment.system]
    config, recipe = record.config.parse(experiment.model), record.recipe.parse(experiment.recipe)
    (stage,) = record.stages(config, recipe, experiment.data, experiment.seed)
    stage.module.train()
    batch = next(b for b in map(stage.batch, range(20)) if b["live"].tolist() == [True, False])
    assert batch["faces"].shape == (2, 3, 256, 256)
    before = {key: value.clone() for key, value in stage.module.named_parameters()}
    for item in prepare_updates(stage.updates(), stage.module):
        logs = run_update(item, stage.module, batch, experiment.train, factor=1.0, step=1)
        assert 0 < logs["gradient_norm"] < float("inf")
    for key, value in stage.module.named_parameters():
        assert not torch.equal(value, before[key]), f"{key} did not move"
