import pytest

from despoof.core.errors import InputError
from despoof.systems.despoofing_diffusion.losses import CDCN
from despoof.systems.despoofing_diffusion.recipe import DetectorRecipe, published_training
from despoof.training.schedule import learning_rate_factor


def rate(config, step):
    return DetectorRecipe().learning_rate * learning_rate_factor(config, step)


def test_the_recipe_is_the_published_one():
    assert DetectorRecipe().plain() == {
        "learning_rate": 1e-4, "weight_decay": 5e-5, "optimizer": "adam", "loss": CDCN.plain(),
        "mirror": 0.5,
    }  # fmt: skip
    assert DetectorRecipe.parse(DetectorRecipe().plain()) == DetectorRecipe()


def test_read_as_epochs_the_rate_falls_once_half_way():
    config = published_training(640)  # ten steps an epoch
    assert config.steps == 10_000 and config.schedule == "step"
    assert rate(config, 0) == rate(config, 4_999) == pytest.approx(1e-4)
    assert rate(config, 5_000) == rate(config, 9_999) == pytest.approx(1e-5)


def test_read_as_steps_the_network_freezes():
    # SPEC §1.4: "would freeze the net at lr 1e-7 after 1500 iterations".
    config = published_training(640, "steps")
    assert config.steps == 10_000
    assert [rate(config, s) for s in (0, 499, 500, 1000, 1500)] == pytest.approx(
        [1e-4, 1e-4, 1e-5, 1e-6, 1e-7]
    )


@pytest.mark.parametrize(
    ("examples", "batch", "epoch"), [(1, 64, 1), (64, 64, 1), (65, 64, 2), (100, 7, 15)]
)
def test_an_epoch_is_every_picture_once(examples, batch, epoch):
    config = published_training(examples, "epochs", batch)
    assert config.steps == 1000 * epoch and config.decay_every == 500 * epoch


@pytest.mark.parametrize(("examples", "batch"), [(0, 64), (-3, 64), (10, 0)])
def test_an_empty_set_has_no_schedule(examples, batch):
    with pytest.raises(InputError, match=f"examples is {examples} and batch_size {batch}"):
        published_training(examples, batch_size=batch)
