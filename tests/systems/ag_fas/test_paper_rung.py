"""The paper's geometry is built without weights: nobody here has the memory, or the days."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.recipe import RecipeConfig
from despoof.systems.ag_fas.system import AgFas
from despoof.systems.experiment import read_experiment

PAPER = Path(__file__).parents[3] / "experiments" / "paper" / "ag_fas.yaml"


@pytest.fixture(scope="module")
def experiment():
    return read_experiment(PAPER)


@pytest.fixture(scope="module")
def system(experiment):
    with torch.device("meta"):
        return AgFas(AgFasConfig.parse(experiment.model))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.slow
def test_its_parts_have_the_published_numbers_of_parameters(system):
    generator = system.generator
    assert count(generator.unet) == 859_520_964  # Stable Diffusion 1.5
    assert count(generator.autoencoder) == 83_653_863  # its autoencoder
    assert count(generator.identity) == 24_025_600 - 512  # iResNet-18; the last gain is fixed
    assert count(system.network.vit) == 85_798_656  # ViT-B/16 without pooler
    assert count(system.network.encoder) == 11_176_512  # ResNet-18 without classifier


@pytest.mark.slow
def test_shapes_are_the_published_ones(system):
    generator = system.generator
    faces = torch.empty(2, 3, 256, 256, device="meta")
    tokens = generator.tokens(faces)
    assert tokens.shape == (2, 49, 768)
    latents = generator.autoencoder.encode(faces)
    assert latents.shape == (2, 4, 32, 32)
    times = torch.full((2,), 802.0, device="meta")
    assert generator.eps(latents, times, tokens).shape == latents.shape
    assert system.network.encoder(faces).last_hidden_state.shape == (2, 512, 8, 8)
    judged = system.network(faces, faces)
    assert judged.feature.shape == (2, 512) and judged.logits.shape == (2, 2)
    assert len(system.network.crossings) == 12


def test_the_recipe_is_the_published_one(experiment):
    recipe = RecipeConfig.parse(experiment.recipe)
    assert (recipe.optimizer, recipe.learning_rate, recipe.weight_decay) == ("sgd", 1e-3, 5e-4)
    assert (recipe.loss.triplet, recipe.loss.margin, recipe.loss.adversarial) == (1.0, 0.1, 0.5)
    assert recipe.flip_bug and recipe.reversal_steps == experiment.train.steps == 4000
    assert experiment.train.warmup_steps == 400 and experiment.train.schedule == "cosine"
