import pytest
import torch

from despoof.core.errors import DataError, TrainingError
from despoof.data.views import DataConfig
from despoof.systems.ag_fas.autoencoder import Autoencoder
from despoof.systems.ag_fas.autoencoder_stage import (
    AutoencoderRecipe,
    AutoencoderStage,
    psnr,
    take_autoencoder,
)
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.generator_config import GeneratorConfig
from despoof.systems.ag_fas.generator_stage import GeneratorRecipe, GeneratorStage, take_generator
from despoof.systems.ag_fas.identity import IdentityNet
from despoof.systems.ag_fas.identity_stage import IdentityRecipe, IdentityStage, take_identity
from despoof.systems.ag_fas.live_faces import live_dev_faces, live_mix
from despoof.training.config import TrainConfig
from despoof.training.folder import BEST
from despoof.training.optimise import prepare_updates, run_update
from despoof.training.tensors import write_tensors
from systems.test_every_system import data_config

pytest.importorskip("diffusers")
SIZE = 16
TINY = GeneratorConfig.parse(
    {
        "identity": {"size": 16, "width": 0.0625, "embedding": 8},
        "autoencoder": {"widths": (8, 8), "fold": 1, "norm_groups": 4},
        "unet": {
            "widths": (8, 16), "attention": (False, True), "heads": 2, "cross": 32,
            "norm_groups": 4,
        },
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory, made_up_root):
    folder = tmp_path_factory.mktemp("generator")
    return DataConfig.parse(data_config(made_up_root, folder, dev=["nuaa"]))


def identity_stage(data, **recipe):
    recipe = IdentityRecipe.parse(recipe)
    return IdentityStage(TINY.identity, recipe, data, size=SIZE, seed=0)


def autoencoder_stage(data, **recipe):
    recipe = AutoencoderRecipe.parse({"dev_faces": 4} | recipe)
    return AutoencoderStage(TINY.autoencoder, recipe, data, size=SIZE, seed=0)


def generator_stage(data, config=TINY, **recipe):
    recipe = GeneratorRecipe.parse({"dev_faces": 4, "dev_times": 2} | recipe)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        identity, autoencoder = IdentityNet(config.identity), Autoencoder(config.autoencoder)
    return GeneratorStage(identity, autoencoder, config, recipe, data, size=SIZE, seed=0)


MAKERS = (identity_stage, autoencoder_stage, generator_stage)
each_stage = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def taught(stage, steps, factor=3.0):
    """Run one batch again and again; return the first and the last logs."""
    stage.module.train()
    (trained,) = prepare_updates(stage.updates(), stage.module)
    config, batch, logs = TrainConfig(steps=steps), stage.batch(0), []
    for step in range(1, steps + 1):
        logs.append(run_update(trained, stage.module, batch, config, factor=factor, step=step))
    stage.module.eval()
    return logs[0], logs[-1]


@each_stage
def test_a_batch_is_a_function_of_seed_and_step(make, data):
    stage = make(data)
    once, again, other = stage.batch(5), make(data).batch(5), stage.batch(6)
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not torch.equal(once["faces"], other["faces"])
    assert once["faces"].shape == (8, 3, SIZE, SIZE)
    assert once["faces"].min() >= -1 and once["faces"].max() <= 1


@each_stage
def test_the_fingerprint_tells_what_counts(make, data):
    mark = make(data).fingerprint()
    assert mark == make(data).fingerprint() and len(mark) == 16
    assert mark != make(data, learning_rate=0.5).fingerprint()
    assert mark != make(data.model_copy(update={"batch_size": 6})).fingerprint()


def test_the_generators_mark_holds_the_weights_it_stands_on(data):
    stage = generator_stage(data)
    recipe = GeneratorRecipe(dev_faces=4, dev_times=2)
    other = Autoencoder(TINY.autoencoder)
    identity = stage.generator.identity
    moved = GeneratorStage(identity, other, TINY, recipe, data, size=SIZE, seed=0)
    assert moved.fingerprint() != stage.fingerprint()
    walk = TINY.reconstruct.model_copy(update={"start": 401})
    same = generator_stage(data, TINY.model_copy(update={"reconstruct": walk}))
    assert same.fingerprint() == stage.fingerprint(), "how it is used later decides nothing"


def test_only_live_faces_are_learnt_from(data):
    mix = live_mix(data, SIZE, 0)
    assert len(mix.stores) == 2 and all(store.live.all() for store in mix.stores)
    assert mix.weights == (2, 1)
    attacks = tuple(s for s in data.sources if s.label == "attack" or s.simulate == "attack")
    with pytest.raises(DataError, match="no live face"):
        live_mix(data.model_copy(update={"sources": attacks}), SIZE, 0)


@each_stage
def test_the_last_face_of_a_batch_is_an_attack_and_teaches_nothing(make, data):
    stage = make(data)
    batch = stage.batch(0)
    assert batch["live"].tolist() == [True] * 7 + [False]
    losses = []
    for faces in (batch["faces"], batch["faces"].clone()):
        faces[-1] = 0.9 if losses else faces[-1]
        stage.module.eval()
        losses.append(float(stage.updates()[0].loss(batch | {"faces": faces})[0].detach()))
    assert losses[0] == losses[1]
    alone = tuple(s for s in data.sources if s.label == "live" and s.simulate != "attack")
    calm = make(data.model_copy(update={"sources": alone}))
    assert calm.batch(0)["live"].all() and calm.updates()[0].loss(calm.batch(0))[0].isfinite()


def test_live_development_faces_are_spread_and_plain(data):
    every = live_dev_faces(data, SIZE, 100)
    assert list(every) == ["nuaa"] and len(every["nuaa"]) == 6
    few = live_dev_faces(data, SIZE, 2)["nuaa"]
    assert torch.equal(few, every["nuaa"][[0, 5]])


def test_the_autoencoder_learns_faces(data):
    stage = autoencoder_stage(data)
    faces = live_dev_faces(data, SIZE, 4)["nuaa"]
    before = stage.validate(stage.module.eval())
    assert before["psnr"] == before["psnr/nuaa"] == pytest.approx(psnr(stage.autoencoder, faces))
    first, last = taught(stage, 40)
    assert last["l1"] < 0.6 * first["l1"] and last["kl"] >= 0
    assert stage.validate(stage.module)["psnr"] > before["psnr"] + 1


def test_psnr_is_of_a_range_of_two():
    class Dimmed(torch.nn.Linear):
        def encode(self, faces):
            return faces - 0.02

        def decode(self, latents):
            return latents

    faces = torch.zeros(3, 3, 4, 4)
    assert psnr(Dimmed(1, 1), faces, batch=2) == pytest.approx(40.0, abs=1e-3)


def test_the_unet_learns_and_what_it_stands_on_does_not(data):
    stage = generator_stage(data)
    still = {
        name: value.clone()
        for name, value in stage.module.state_dict().items()
        if not name.startswith("unet.")
    }
    first, last = taught(stage, 40)
    assert 0.7 < first["loss"] < 1.5, "an untrained UNet knows nothing of noise of variance 1"
    assert last["loss"] < 0.8 * first["loss"]
    state = stage.module.state_dict()
    assert all(torch.equal(state[name], value) for name, value in still.items())


def test_latents_are_scaled_before_the_unet_learns(data):
    stage = generator_stage(data)
    faces = torch.cat([stage.mix.batch(step)["faces"] for step in range(8)])
    with torch.no_grad():
        latents = stage.generator.autoencoder.encode(faces)
    torch.testing.assert_close(latents.mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-4)
    torch.testing.assert_close(latents.std((0, 2, 3)), torch.ones(4), rtol=1e-3, atol=0)


def test_validation_of_the_generator_is_fixed_and_tells_the_identitys_share(data):
    stage = generator_stage(data)
    stage.module.eval()
    found = stage.validate(stage.module)
    assert set(found) == {"auc", "eps", "eps/nuaa", "eps/untold"} and 0 <= found["auc"] <= 1
    assert found == stage.validate(stage.module)
    assert found["eps"] != found["eps/untold"]
    untold = generator_stage(data, TINY.model_copy(update={"condition": False}))
    same = untold.validate(untold.module.eval())
    assert same["eps"] == same["eps/untold"]


def test_told_faces_are_as_many_as_the_recipe_says(data):
    told = [generator_stage(data).batch(0)["told"]]
    assert torch.cat(told).all()
    stage = generator_stage(data, forget=0.5)
    share = torch.cat([stage.batch(step)["told"] for step in range(12)]).float().mean()
    assert 0.3 < share < 0.7
    times = stage.batch(0)["t"].sort().values
    assert (times >= 1).all() and (times <= 1000).all()
    assert (times.diff() > 0).all() and times[0] < 126 and times[-1] > 875, "spread evenly"


def test_the_margin_rises_and_people_keep_their_numbers(data):
    stage = identity_stage(data, margin=0.4, margin_steps=4, batch_size=5)
    margins = [float(stage.batch(step)["margin"][0]) for step in (0, 1, 3, 9)]
    assert margins == pytest.approx([0.1, 0.2, 0.4, 0.4])
    assert stage.batch(0)["person"].shape == (5,) and stage.people.tolist() == [0, 0, 1, 1]


def test_with_one_person_there_is_nothing_to_verify(data):
    stage = identity_stage(data)
    assert stage.validate(stage.module.eval()) == {}


TAKEN = {
    "identity": (identity_stage, take_identity, TINY.identity, {"width": 0.125}),
    "autoencoder": (autoencoder_stage, take_autoencoder, TINY.autoencoder, {"widths": (8, 16)}),
    "generator": (
        generator_stage,
        take_generator,
        TINY,
        {"unet": TINY.unet.model_copy(update={"cross": 48})},
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_finished_stage_is_taken_as_it_is(name, data, tmp_path):
    make, take, config, other = TAKEN[name]
    stage = make(data)
    write_tensors(tmp_path / BEST, stage.module.state_dict(), {})
    whole = stage.identity if name == "identity" else stage.module
    found, own = take(tmp_path, config).state_dict(), whole.state_dict()
    assert found.keys() == own.keys()
    assert all(torch.equal(found[key], own[key]) for key in own)
    with pytest.raises(TrainingError, match="is of another"):
        take(tmp_path, config.model_copy(update=other))


def test_a_generator_may_be_built_of_trained_parts():
    identity, autoencoder = IdentityNet(TINY.identity), Autoencoder(TINY.autoencoder)
    made = Generator(TINY, identity, autoencoder)
    assert made.identity is identity and made.autoencoder is autoencoder
