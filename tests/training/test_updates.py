import math

import pytest
import torch
from torch import nn

from despoof.core.errors import TrainingError
from despoof.training.config import TrainConfig
from despoof.training.optimise import prepare_updates, run_update
from despoof.training.stage import Update
from training.toy import ToyStage

CONFIG = TrainConfig(steps=1)


def snapshot(module):
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def moved(module, before):
    return {
        name for name, value in module.named_parameters() if not torch.equal(value, before[name])
    }


def test_an_update_moves_its_own_parameters_and_no_others():
    module = nn.ModuleDict({name: nn.Linear(2, 2) for name in ("a", "b", "frozen", "idle")})
    module["frozen"].requires_grad_(False)
    seen = []

    def loss(batch):
        x = batch["x"]
        for part in module.values():
            x = part(x)
        x.sum().backward()  # as if a loss gathered gradients for everybody
        seen.append({n for n, p in module.named_parameters() if p.grad is not None})
        out = batch["x"]
        for part in module.values():
            out = part(out)
        return out.square().sum(), {}

    trained = prepare_updates(
        [Update("a", module["a"], loss, 0.1), Update("b", module["b"], loss, 0.1)], module
    )
    batch = {"x": torch.randn(4, 2, generator=torch.Generator().manual_seed(0))}
    for item in trained:
        before = snapshot(module)
        run_update(item, module, batch, CONFIG, factor=1.0, step=1)
        own = {f"{item.update.name}.weight", f"{item.update.name}.bias"}
        assert moved(module, before) == own
        assert seen.pop() == own
    flags = {n.partition(".")[0]: p.requires_grad for n, p in module.named_parameters()}
    assert flags == {"a": True, "b": True, "frozen": False, "idle": True}
    assert all(p.grad is None for p in module.parameters())


def test_gradients_flow_through_a_standing_network_into_the_trained_one():
    module = nn.ModuleDict({"generator": nn.Linear(2, 2), "critic": nn.Linear(2, 1)})
    update = Update(
        "g",
        module["generator"],
        lambda b: (module["critic"](module["generator"](b["x"])).sum(), {}),
        0.1,
    )
    before = snapshot(module)
    (item,) = prepare_updates([update], module)
    run_update(item, module, {"x": torch.ones(1, 2)}, CONFIG, factor=1.0, step=1)
    assert moved(module, before) == {"generator.weight", "generator.bias"}


@pytest.mark.parametrize(("clip", "expected"), [(0, -3.0), (1.0, -0.6)])
def test_the_gradient_is_clipped_by_its_norm_and_the_rate_is_scaled(clip, expected):
    module = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(module.weight)
    update = Update(
        "u",
        module,
        lambda b: (module(b["x"]).sum(), {"k": 2.0}),
        10.0,
        betas=(0.0, 0.0),
        optimizer="sgd",
    )
    (item,) = prepare_updates([update], module)
    logs = run_update(
        item,
        module,
        {"x": torch.tensor([[3.0, 4.0]])},
        TrainConfig(steps=1, gradient_clip=clip),
        factor=0.1,
        step=1,
    )
    assert module.weight[0, 0].item() == pytest.approx(expected, abs=1e-5)  # -rate 1.0 x 3 (/ 5)
    assert logs == pytest.approx({"loss": 0, "gradient_norm": 5, "learning_rate": 1, "k": 2})


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimiser_goes_downhill(name):
    module = nn.Linear(1, 1)
    update = Update(
        "u", module, lambda b: ((module(b["x"]) - 3).square().mean(), {}), 0.05, optimizer=name
    )
    (item,) = prepare_updates([update], module)
    losses = [
        run_update(item, module, {"x": torch.ones(1, 1)}, CONFIG, factor=1.0, step=i)["loss"]
        for i in range(40)
    ]
    assert losses[-1] < losses[0] / 2


def test_bad_updates_are_refused():
    stage = ToyStage()
    head, encoder = stage.updates()
    with pytest.raises(TrainingError, match=r"named \[\]"):
        prepare_updates([], stage.module)
    with pytest.raises(TrainingError, match=r"\['head', 'head'\]"):
        prepare_updates([head, head], stage.module)
    with pytest.raises(TrainingError, match="'encoder' trains 4 parameters that are not in"):
        prepare_updates([encoder], stage.module.head)
    stage.module.head.requires_grad_(False)
    with pytest.raises(TrainingError, match="'head' has no parameter"):
        prepare_updates([head], stage.module)


def test_a_loss_that_is_no_scalar_is_refused():
    module = nn.Linear(1, 2)
    (item,) = prepare_updates([Update("u", module, lambda b: (module(b["x"]), {}), 0.1)], module)
    with pytest.raises(TrainingError, match="expected one finite number"):
        run_update(item, module, {"x": torch.ones(1, 1)}, CONFIG, factor=1.0, step=1)
    assert all(math.isfinite(p.sum().item()) for p in module.parameters())
