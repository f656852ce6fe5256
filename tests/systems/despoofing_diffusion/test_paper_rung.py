"""The paper's own geometry is built and taught one face: both fields, then the detector."""

from pathlib import Path

import pytest
import torch

from despoof.systems.despoofing_diffusion.fields import FieldsStage
from despoof.systems.despoofing_diffusion.losses import detector_loss
from despoof.systems.despoofing_diffusion.networks import TwoStreamNet
from despoof.systems.despoofing_diffusion.stages import RecipeConfig
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.experiment import read_experiment
from despoof.training.optimise import prepare_updates, run_update
from despoof.training.stage import Update

pytest.importorskip("diffusers")
PATH = Path(__file__).parents[3] / "experiments" / "paper" / "despoofing_diffusion.yaml"


def moves(module, updates, batch, settings):
    """One step of every update; whether each parameter moved, and the losses."""
    before = [p.detach().clone() for p in module.parameters()]
    losses = []
    for current in prepare_updates(updates, module):
        values = run_update(current, module, batch, settings, factor=1.0, step=1)
        losses.append(float(values["loss"]))
    pairs = zip(module.parameters(), before, strict=True)
    return [not torch.equal(p.detach(), old) for p, old in pairs], losses


@pytest.mark.slow
def test_the_published_geometry_takes_a_step(made_up_root, tmp_path):
    """At batch 1, fp32 throughout: 5.6 GB at most, 43 s of one core."""
    own = [f"data.root={made_up_root}", f"data.cache={tmp_path}", "data.batch_size=2"]
    experiment = read_experiment(PATH, own)
    config = DespoofingDiffusionConfig.parse(experiment.model)
    recipe = RecipeConfig.parse(experiment.recipe)
    stage = FieldsStage(config, recipe.fields, experiment.data, 0)
    sizes = [sum(p.numel() for p in net.parameters()) for net in stage.fields.nets]
    assert sizes[0] == sizes[1] == 112_621_571
    batch = stage.batch(0)
    assert batch["faces"].shape == (2, 3, 256, 256)
    assert not torch.equal(batch["t"], batch["t_live"]), "independent, as published"
    live = {name: value[batch["live"]][:1] for name, value in batch.items()}
    stage.module.train()
    fp32 = experiment.settings()["fields"].model_copy(update={"precision": "fp32"})
    moved, losses = moves(stage.module, stage.updates(), live, fp32)
    assert all(moved)
    assert all(0.5 < loss < 2 for loss in losses), "untrained fields miss unit noise by about 1"

    detector = TwoStreamNet(config.detector.model_copy(update={"noise_scale": 1.0})).train()
    assert sum(p.numel() for p in detector.parameters()) == 4_415_344

    def loss(given):
        return detector_loss(detector, given, config.detector, recipe.loss)

    rate, decay = recipe.learning_rate, recipe.weight_decay
    update = Update("detector", detector, loss, rate, weight_decay=decay, optimizer="adam")
    depth = torch.nn.functional.interpolate(live["depth"][:, None].float(), (32, 32))[:, 0]
    given = live | {"depth": depth, "noise": live["noise"].clamp(-1, 1)}
    moved, losses = moves(detector, [update], given, experiment.train)
    assert sum(moved) >= 0.99 * len(moved) and losses[0] > 0
