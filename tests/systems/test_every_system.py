"""One test over every system: a new record is tested here without a new test."""

import json

import numpy as np
import pytest
import torch
import yaml
from skimage import data as pictures

import despoof.detector
from despoof.core.errors import ConfigError, InputError, WeightsError
from despoof.core.types import Decomposition
from despoof.data.views import DataConfig
from despoof.systems.despoofing_diffusion import system as bridge_system
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.records import RECORDS, system_record
from despoof.systems.saving import load_system, save_system

each_system = pytest.mark.parametrize("record", RECORDS.values(), ids=lambda r: r.name)


def build(record):
    """Build the tiny system with weights and batch statistics that are not the initial ones."""
    torch.manual_seed(3)
    system = record.make(record.tiny)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        for name, buffer in system.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(0.2 * torch.rand(buffer.shape, generator=generator))
    return system


def faces_for(system, n=4):
    """Faces from a fixed seed, half of them striped like a replay."""
    side = system.config.crop.size
    faces = torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(5)) * 2 - 1
    faces[n // 2 :, :, ::2] *= 0.3
    return faces


def data_config(root, tmp_path, **more):
    sources = [
        {"dataset": "celeba-spoof", "label": "live", "weight": 2},
        {"dataset": "celeba-spoof", "label": "attack", "weight": 2},
        {"dataset": "lfw", "label": "live", "weight": 1},
        {"dataset": "celeba-spoof", "label": "live", "weight": 1, "simulate": "attack"},
    ]
    return {
        "root": str(root),
        "cache": str(tmp_path / "cache"),
        "stored_size": 48,
        "batch_size": 8,
        "sources": sources,
        "dev": ["celeba-spoof", "nuaa"],
    } | more


def make_stages(record, root, tmp_path):
    config = record.config.parse(record.tiny)
    data = DataConfig.parse(data_config(root, tmp_path))
    return list(record.stages(config, record.recipe.parse({}), data, 0))


@each_system
def test_the_parts_have_their_shapes_ranges_and_sum(record):
    system = build(record)
    faces = faces_for(system)
    out = system.decompose(faces)
    assert isinstance(out, Decomposition)
    assert out.genuine.shape == out.noise.shape == faces.shape
    assert out.evidence.shape == (4, 32, 32) and out.score.shape == (4,)
    for part in (out.genuine, out.noise, out.evidence, out.score):
        assert part.dtype == torch.float32 and part.isfinite().all() and not part.requires_grad
    assert out.genuine.min() >= -1 and out.genuine.max() <= 1
    assert out.evidence.min() >= 0 and out.evidence.max() <= 1
    torch.testing.assert_close(out.noise, faces - out.genuine, rtol=0, atol=0)


@each_system
def test_score_is_that_of_the_decomposition_and_nothing_is_random(record):
    system = build(record)
    faces = faces_for(system)
    kept, state = faces.clone(), torch.get_rng_state()
    first, second, alone = system.decompose(faces), system.decompose(faces), system.score(faces)
    for name in ("genuine", "noise", "evidence", "score"):
        torch.testing.assert_close(getattr(first, name), getattr(second, name), rtol=0, atol=0)
    torch.testing.assert_close(alone, first.score, rtol=0, atol=1e-6)
    assert torch.equal(faces, kept), "the input was changed"
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"


@pytest.mark.filterwarnings("ignore:TF32 acceleration:UserWarning")  # of the switch itself
@each_system
def test_a_face_is_judged_alike_alone_and_in_company(record, monkeypatch):
    system = build(record)
    faces = faces_for(system)
    parts = ("genuine", "noise", "evidence", "score")
    # oneDNN takes other kernels for other batches, which round otherwise; a walk carries that on.
    with torch.backends.mkldnn.flags(enabled=False):
        # As many faces, but others: the same kernels, so not a bit may differ.
        together = system.decompose(faces)
        for i, face in enumerate(faces):
            same = system.decompose(face.repeat(len(faces), 1, 1, 1))
            for name in parts:
                assert torch.equal(getattr(same, name)[i], getattr(together, name)[i]), name
        # One face. Products of matrices still round otherwise, by the processor, and System 1's
        # detector reads noise in half precision: a step, which turns a last bit into 3e-5.
        monkeypatch.setattr(bridge_system, "as_cached", lambda noise: noise)
        together = system.decompose(faces)
        apart = [system.decompose(face[None]) for face in faces]
    for i, alone in enumerate(apart):
        for name in parts:
            torch.testing.assert_close(
                getattr(alone, name)[0], getattr(together, name)[i], rtol=1e-4, atol=1e-5
            )


@each_system
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[0], r"faces have shape \(3, S, S\); expected \(B, 3, S, S\)"),
        (lambda x: x[:, :1], r"shape \(4, 1, S, S\)"),
        (lambda x: x[:, :, :-1], r"shape \(4, 3, R, S\)"),
        (lambda x: x[:0], r"shape \(0, 3, S, S\).*B ≥ 1"),
        (lambda x: (x > 0).to(torch.uint8), r"torch\.uint8; expected floating point.*127\.5"),
        (lambda x: x.where(x < 0.9, torch.nan), "NaN or Inf"),
        (lambda x: x.where(x < 0.9, torch.inf), "NaN or Inf"),
    ],
)
def test_bad_input_is_refused_in_words(record, spoil, message):
    system = build(record)
    faces = spoil(faces_for(system))
    side = system.config.crop.size
    message = message.replace("R", str(side - 1)).replace("S", str(side))
    for call in (system.decompose, system.score):
        with pytest.raises(InputError, match=message):
            call(faces)


@each_system
def test_a_saved_system_comes_back_bit_for_bit(record, tmp_path):
    system = build(record)
    save_system(tmp_path / "w", record.name, system.config, system)
    name, again = load_system(tmp_path / "w")
    assert name == record.name and again.config == system.config and not again.training
    for key, value in system.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key
    faces = faces_for(system)
    # Loaded weights are laid out for speed: the same sums in another order.
    assert torch.allclose(again.score(faces), system.score(faces), rtol=1e-5, atol=1e-5)
    twin = load_system(tmp_path / "w")[1]
    assert torch.equal(again.score(faces), twin.score(faces))
    files = {path.name for path in (tmp_path / "w").iterdir()}
    assert files == {"model.safetensors", "config.json", "README.md"}
    assert record.title in (tmp_path / "w" / "README.md").read_text("utf-8")


def test_a_model_card_is_not_overwritten(tmp_path):
    record = next(iter(RECORDS.values()))
    system = build(record)
    (tmp_path / "README.md").write_text("mine")
    save_system(tmp_path, record.name, system.config, system)
    assert (tmp_path / "README.md").read_text() == "mine"


@each_system
@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "model.safetensors").unlink(),
        lambda f: (f / "config.json").unlink(),
        lambda f: (f / "config.json").write_text("[]"),
        lambda f: (f / "config.json").write_text('{"system": "no-such", "config": {}}'),
        lambda f: (f / "model.safetensors").write_bytes(
            (f / "model.safetensors").read_bytes()[:-100]
        ),
        lambda f: (f / "model.safetensors").write_bytes(b""),
    ],
)
def test_a_damaged_folder_is_a_weights_error(record, damage, tmp_path):
    system = build(record)
    save_system(tmp_path, record.name, system.config, system)
    damage(tmp_path)
    with pytest.raises(WeightsError, match="does not hold a readable system"):
        load_system(tmp_path)


@each_system
def test_weights_of_another_system_do_not_load(record, tmp_path):
    for other in RECORDS.values():
        if other is record:
            continue
        system = build(record)
        save_system(tmp_path, record.name, system.config, system)
        values = {"system": other.name, "config": other.config.parse(other.tiny).plain()}
        (tmp_path / "config.json").write_text(json.dumps(values))
        with pytest.raises(WeightsError, match="does not fit its config"):
            load_system(tmp_path)


def test_an_unknown_system_is_told_the_nearest():
    with pytest.raises(ConfigError, match=r"Did you mean 'face-despoofing'\? Systems: face-des"):
        system_record("face_despoofing")
    with pytest.raises(ConfigError, match=r"No system 'zzz'\. Systems"):
        system_record("zzz")


@each_system
def test_every_parameter_learns_in_exactly_one_update(record, made_up_root, tmp_path):
    trained = []
    for stage in make_stages(record, made_up_root, tmp_path):
        batch = stage.batch(0)
        assert batch["live"].any() and not batch["live"].all()
        stage.module.train()
        for update in stage.updates():
            stage.module.zero_grad(set_to_none=True)
            loss, logs = update.loss(batch)
            assert loss.ndim == 0 and loss.isfinite() and logs
            loss.backward()
            for name, parameter in update.module.named_parameters():
                assert parameter.grad is not None and parameter.grad.isfinite().all(), name
                assert parameter.grad.any(), f"{update.name}: {name} learns nothing"
                trained.append(id(parameter))
        assert set(trained) >= {id(p) for p in stage.module.parameters() if p.requires_grad}
    assert len(set(trained)) == len(trained)


@each_system
def test_the_record_names_its_stages(record, made_up_root, tmp_path):
    made = [stage.name for stage in make_stages(record, made_up_root, tmp_path)]
    assert made == list(record.stage_names[: len(made)]) and made


@each_system
def test_a_stage_starts_and_feeds_alike_from_one_seed(record, made_up_root, tmp_path):
    one, two = (make_stages(record, made_up_root, tmp_path)[0] for _ in range(2))
    for key, value in one.module.state_dict().items():
        assert torch.equal(value, two.module.state_dict()[key]), key
    assert one.fingerprint() == two.fingerprint()
    for key, value in one.batch(7).items():
        assert torch.equal(value, two.batch(7)[key]), key
    assert not torch.equal(one.batch(7)["faces"], one.batch(8)["faces"])


def write_experiment(record, root, tmp_path, steps, **recipe):
    own = {key: value for key, value in recipe.items() if key in record.recipe.model_fields}
    calm = {"probability": 0.0, "together": 0.0, "erase": 0.0, "scale": [1.2, 1.3]}
    values = {
        "system": record.name,
        "output": str(tmp_path / "run"),
        "model": dict(record.tiny),
        "recipe": own,
        "data": data_config(root, tmp_path, augment=calm, batch_size=16),
        "train": {"steps": steps, "threads": 1, "schedule": "constant", "ema_decay": 0.9},
    }
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@each_system
def test_an_experiment_trains_and_its_weights_make_a_detector(record, made_up_root, tmp_path):
    path = write_experiment(record, made_up_root, tmp_path, steps=3)
    experiment = read_experiment(path, ["seed=5"])
    assert experiment.seed == 5
    results = train_experiment(experiment, progress=False)
    assert results[-1].last_step == 3
    metrics = results[-1].best_metrics
    sets = ("celeba-spoof", "celeba-spoof-stressed", "nuaa", "nuaa-stressed")
    assert set(metrics) == {"auc", *(f"auc/{name}" for name in sets)}
    assert metrics["auc"] == pytest.approx(np.mean([metrics[f"auc/{name}"] for name in sets]))
    assert read_experiment(tmp_path / "run" / "experiment.yaml") == experiment

    weights = tmp_path / "run" / "weights"
    detector = despoof.detector.load(weights, threshold=0.0, quality=None)
    assert detector.name == record.name
    verdict = detector.judge(pictures.astronaut()[40:232, 130:322], cropped=True)
    assert verdict.label in ("live", "spoof") and np.isfinite(verdict.score)
    part = detector.decompose(pictures.astronaut()[40:232, 130:322], cropped=True)[0]
    assert part.verdict.score == pytest.approx(verdict.score, abs=1e-5)
    side = detector.crop.size
    assert part.genuine.shape == part.noise.shape == (side, side, 3)

    again = train_experiment(experiment, progress=False)
    assert again[-1].skipped


@pytest.mark.slow
@each_system
def test_it_learns_to_tell_the_made_up_attacks(record, made_up_root, tmp_path):
    path = write_experiment(record, made_up_root, tmp_path, steps=40, learning_rate=3e-3)
    results = train_experiment(
        read_experiment(path, ["train.validate_every=40"]), resume=False, progress=False
    )
    assert results[-1].best_metrics["auc/celeba-spoof"] > 0.8


@each_system
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("modle.size=3", "unknown key 'modle'. Did you mean 'model'"),
        ("model.crop.szie=3", r"model: unknown key 'crop.szie'. Did you mean 'size'"),
        ("recipe.lerning_rate=1", r"recipe: unknown key 'lerning_rate'. Did you mean 'learning_ra"),
        ("data.dev=[]", "data.dev: .*at least 1"),
        ("train.steps=0", "train.steps"),
        ("system=nothing", "No system 'nothing'"),
    ],
)
def test_a_mistake_in_an_experiment_is_named(record, setting, message, tmp_path):
    path = write_experiment(record, tmp_path, tmp_path, steps=3)
    with pytest.raises(ConfigError, match=message):
        read_experiment(path, [setting])
