import pytest
import torch

from despoof.core.errors import ConfigError, DataError, TrainingError, WeightsError
from despoof.nets.spectrum import band_energy
from despoof.systems.cached_noise import dev_batches
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.records import RECORDS
from despoof.systems.saving import load_system, save_system
from despoof.systems.student import teacher as teachers
from despoof.systems.student.agreement import agreement
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.stages import stages
from despoof.systems.student.system import Student
from despoof.training.config import TrainConfig
from despoof.training.optimise import prepare_updates, run_update
from systems.test_every_system import write_experiment

RECORD = RECORDS["student"]
CONFIG = StudentConfig.parse(RECORD.tiny)
BRIDGE = {"solver": "dpm-solver", "steps": 2, "t_max": 300.0}


def recipe(teacher, **more):
    values = {"teacher": str(teacher), "bridge": BRIDGE, "views": 0.5, **more}
    return RecipeConfig.parse(values)


@pytest.fixture(scope="module")
def taught(teacher_folder, data):
    """The stage on a teacher's noise, with its detector."""
    return next(stages(CONFIG, recipe(teacher_folder, head="teacher"), data, 0))


def test_a_batch_holds_the_reference_bridges_noise(taught, teacher_folder):
    batch = taught.batch(3)
    assert batch["taught"].all() and batch["live"].any() and not batch["live"].all()
    system = load_system(teacher_folder)[1]
    reference = system.with_bridge(type(system.config.bridge).parse(BRIDGE))
    fresh = reference.bridged(batch["faces"]).noise
    torch.testing.assert_close(batch["noise"], fresh, rtol=0, atol=3e-3)
    own = system.bridged(batch["faces"]).noise
    assert (own - fresh).abs().max() > 0.02, "the teacher's own bridge is another one"
    assert torch.equal(taught.batch(3)["faces"], batch["faces"])


def test_the_unit_is_the_bands_energy_in_the_cached_noise(taught):
    cached = taught.lessons.cached
    every = [cached.train.shard(k)["noise"] for k in range(len(cached.train.paths))]
    torch.testing.assert_close(taught.lessons.unit, band_energy(torch.cat(every)).mean(dim=0))


def test_the_teachers_detector_stands_still_and_is_saved(taught, teacher_folder):
    student = taught.module
    assert isinstance(student, Student)
    before = {k: v.clone() for k, v in student.detector.state_dict().items()}
    truth = load_system(teacher_folder)[1].detector.state_dict()
    assert all(torch.equal(value, truth[name]) for name, value in before.items())
    student.train()
    (trained,) = prepare_updates(taught.updates(), student)
    batch, logs = taught.batch(0), []
    for step in range(1, 41):
        logs.append(
            run_update(trained, student, batch, TrainConfig(steps=40), factor=3.0, step=step)
        )
    assert logs[-1]["huber"] < 0.7 * logs[0]["huber"]
    assert logs[-1]["spectrum"] < 0.9 * logs[0]["spectrum"]
    student.eval()
    for name, value in student.detector.state_dict().items():
        assert torch.equal(value, before[name]), name
    figures = taught.validate(student)
    assert {"auc", "auc/nuaa", "auc/nuaa-stressed", "correlation", "noise_error"} <= set(figures)


def test_agreement_is_perfect_for_the_reference_itself(taught):
    dev = taught.lessons.dev
    assert [part.name for part in dev] == ["nuaa", "nuaa-stressed"]

    class Oracle(torch.nn.Linear):
        def forward(self, faces):
            return next(p.noise for p in dev if torch.equal(p.faces[: len(faces)], faces))

    figures = agreement(Oracle(1, 1), dev, taught.lessons.unit)
    assert figures["correlation"] == pytest.approx(1) and figures["noise_error"] == 0
    assert figures["correlation_5th"] == pytest.approx(1)
    assert figures["spectrum"] == pytest.approx(0, abs=0.6), "the floor of weak bands alone"


def test_a_head_may_be_trained_on_the_students_own_noise(teacher_folder, data):
    values = RECORD.tiny | {"detector": RECORD.tiny["detector"] | {"noise_scale": None}}
    first, head = stages(StudentConfig.parse(values), recipe(teacher_folder), data, 0)
    assert (first.name, head.name) == ("student", "head")
    assert head.student.network is first.network and first.module is first.network
    scale = head.config.detector.noise_scale
    network = first.network.eval()
    with torch.no_grad():
        sizes = torch.cat([network(head.mix.batch(k)["faces"]).abs().ravel() for k in range(8)])
    assert scale == pytest.approx(float(sizes.quantile(0.99)), rel=0.02)
    loss, _ = head.loss(head.batch(0))
    loss.backward()
    assert all(p.grad is None for p in network.parameters()), "the noise is not moved by the head"
    assert all(p.grad is not None for p in head.student.detector.parameters())


def test_a_head_may_be_taught_the_teachers_maps_on_the_students_noise(teacher_folder, data):
    first, head = stages(CONFIG, recipe(teacher_folder, head="taught", head_views=0.5), data, 0)
    teacher = load_system(teacher_folder)[1]
    batch = head.batch(3)
    own = teacher.bridged(batch["faces"]).noise
    torch.testing.assert_close(batch["noise"], own, rtol=0, atol=3e-3)  # not the recipe's bridge
    assert torch.equal(head.batch(3)["faces"], batch["faces"])
    head.module.eval()
    found = head.student.detector(batch["faces"], head.student.find(batch["faces"]))
    off = (found - teacher.detector(batch["faces"], batch["noise"])).detach()
    loss, logs = head.loss(batch)
    assert float(logs["mse"]) == pytest.approx(float(off.square().mean()), rel=1e-4)
    loss.backward()
    assert all(p.grad is None for p in first.network.parameters()), "the noise stands still"
    assert all(p.grad is not None for p in head.student.detector.parameters())
    figures = head.validate(head.module)
    assert {"score_error", "auc", "auc/nuaa", "auc/nuaa-stressed"} == set(figures)


def test_a_taught_head_comes_nearer_to_the_teacher(teacher_folder, data):
    taught = recipe(teacher_folder, head="taught", head_views=0.5, learning_rate=1e-2)
    _, head = stages(CONFIG, taught, data, 0)
    before = head.validate(head.module.eval())["score_error"]
    truth = {name: value.clone() for name, value in head.truth.state_dict().items()}
    head.module.train()
    (trained,) = prepare_updates(head.updates(), head.module)
    batch = head.batch(0)
    losses = [
        run_update(trained, head.module, batch, TrainConfig(steps=40), factor=1.0, step=step)["mse"]
        for step in range(1, 41)
    ]
    assert losses[-1] < 0.5 * losses[0]
    assert before > 0
    assert all(torch.equal(value, truth[name]) for name, value in head.truth.state_dict().items())


def test_a_student_that_says_what_the_teacher_says_has_no_error(teacher_folder, data):
    _, head = stages(CONFIG, recipe(teacher_folder, head="taught", head_views=0.5), data, 0)
    known = [
        tuple(torch.cat([shard[key] for shard in shards]) for key in ("faces", "noise"))
        for _, shards in dev_batches(head.cached)
    ]

    class Oracle(torch.nn.Module):
        def forward(self, faces):
            return next(n for own, n in known if torch.equal(own[: len(faces)], faces))

    head.student.network = Oracle()
    assert head.validate(head.module.eval())["score_error"] == pytest.approx(0, abs=1e-3)


def test_the_simulator_may_teach_beside_the_bridge(teacher_folder, data):
    both = recipe(teacher_folder, supervised=0.5, supervised_share=0.25)
    stage = next(stages(CONFIG, both, data, 0))
    batch = stage.batch(0)
    assert (~batch["taught"]).sum() == 2 and batch["taught"].sum() == 6
    total, logs = stage.loss(batch)
    expected = 10 * logs["huber"] + logs["spectrum"]
    expected += 0.5 * (10 * logs["simulator_huber"] + logs["simulator_spectrum"])
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    live = ~batch["taught"] & batch["live"]
    assert live.any() and not batch["noise"][live].any(), "the simulator's live faces have no noise"


def test_identity_is_measured_on_the_teachers_genuine_faces(teacher_folder, data, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "despoof.systems.student.lessons.check_round_trip", lambda t, x: asked.append(x)
    )
    stage = next(stages(CONFIG, recipe(teacher_folder, identity=2.0), data, 0))
    assert len(asked) == 1 and asked[0].shape[1:] == (3, 32, 32) and 1 < len(asked[0]) <= 8
    batch = stage.batch(0)
    total, logs = stage.loss(batch)
    left = stage.network((batch["faces"] - batch["noise"]).clamp(-1, 1))
    expected = torch.nn.functional.smooth_l1_loss(left, 0 * left, beta=0.05)
    torch.testing.assert_close(logs["identity"], expected.detach())
    rest = 10 * logs["huber"] + logs["spectrum"]
    assert total.item() == pytest.approx((rest + 2 * expected).item(), rel=1e-5)


def test_identity_is_refused_where_the_teachers_round_trip_leaves_something(teacher_folder):
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1
    exact = recipe(teacher_folder, bridge={"solver": "o-belm", "steps": 4, "t_max": 300.0})
    teachers.check_round_trip(teachers.take_teacher(exact, CONFIG), x)
    coarse = recipe(teacher_folder, bridge={"solver": "ddim", "grid": "uniform", "steps": 2})
    with pytest.raises(TrainingError, match="leaves an RMS of"):
        teachers.check_round_trip(teachers.take_teacher(coarse, CONFIG), x)


def test_a_teacher_that_cannot_teach_is_refused(teacher_folder, tmp_path, data):
    with pytest.raises(ConfigError, match="head is teacher, but there is none"):
        RecipeConfig.parse({"head": "teacher"})
    with pytest.raises(ConfigError, match="identity asks for a teacher"):
        RecipeConfig.parse({"identity": 1.0})
    other = CONFIG.model_copy(update={"crop": CONFIG.crop.model_copy(update={"scale": 1.5})})
    with pytest.raises(WeightsError, match="cuts faces as"):
        next(stages(other, recipe(teacher_folder), data, 0))
    system = RECORD.make(RECORD.tiny)
    save_system(tmp_path / "s", RECORD.name, system.config, system)
    with pytest.raises(WeightsError, match="holds student, which has no bridge"):
        next(stages(CONFIG, recipe(tmp_path / "s"), data, 0))
    real = data.model_copy(update={"sources": data.sources[:2]})
    with pytest.raises(DataError, match="simulate: attack"):
        next(stages(CONFIG, RecipeConfig(), real, 0))
    untrained = RECORDS["despoofing-diffusion"]
    values = untrained.tiny | {"detector": untrained.tiny["detector"] | {"noise_scale": None}}
    made = untrained.make(values)
    save_system(tmp_path / "t", untrained.name, made.config, made)
    with pytest.raises(WeightsError, match="was never trained"):
        next(stages(CONFIG, recipe(tmp_path / "t", head="teacher"), data, 0))


def test_a_student_may_learn_on_from_another(teacher_folder, data, tmp_path):
    made = RECORD.make(RECORD.tiny)
    with torch.no_grad():
        for parameter in made.network.parameters():
            parameter.add_(0.1)
    save_system(tmp_path / "s", RECORD.name, made.config, made)
    later = next(stages(CONFIG, recipe(teacher_folder, begin=str(tmp_path / "s")), data, 0))
    start = made.network.state_dict()
    assert all(torch.equal(v, start[name]) for name, v in later.network.state_dict().items())
    save_system(tmp_path / "copy", RECORD.name, made.config, made)
    again = recipe(teacher_folder, begin=str(tmp_path / "copy"))
    assert next(stages(CONFIG, again, data, 0)).fingerprint() == later.fingerprint()
    plain = next(stages(CONFIG, recipe(teacher_folder), data, 0))
    assert plain.fingerprint() != later.fingerprint()


def test_a_beginning_that_does_not_fit_is_named(teacher_folder, data, tmp_path):
    with pytest.raises(WeightsError, match="holds despoofing-diffusion; expected student"):
        next(stages(CONFIG, recipe(teacher_folder, begin=str(teacher_folder)), data, 0))
    made = RECORD.make(RECORD.tiny | {"network": RECORD.tiny["network"] | {"blocks": 3}})
    save_system(tmp_path / "s", RECORD.name, made.config, made)
    with pytest.raises(WeightsError, match=r"noise network of .*'blocks': 3"):
        next(stages(CONFIG, recipe(teacher_folder, begin=str(tmp_path / "s")), data, 0))


def test_the_fingerprint_follows_the_teacher_and_not_the_head(taught, teacher_folder, data):
    def print_of(**more):
        return next(stages(CONFIG, recipe(teacher_folder, **more), data, 0)).fingerprint()

    own = print_of()
    wider = CONFIG.detector.model_copy(update={"width": 0.2})
    changed = CONFIG.model_copy(update={"detector": wider})
    assert next(stages(changed, recipe(teacher_folder), data, 0)).fingerprint() == own
    assert print_of(depth={"contrast": 0.5}) == own
    assert print_of(bridge=BRIDGE | {"steps": 3}) != own
    assert print_of(noise={"energy": 1.0}) != own
    assert taught.fingerprint() != own, "that module holds the detector, too"


def test_a_whole_experiment_with_the_teachers_head(made_up_root, tmp_path, teacher_folder):
    path = write_experiment(RECORD, made_up_root, tmp_path, steps=2)
    settings = ["data.dev=[nuaa]", f"recipe.teacher={teacher_folder}", "recipe.head=teacher"]
    settings += ["recipe.views=0.5", "recipe.bridge.steps=2", "recipe.bridge.t_max=200"]
    results = train_experiment(read_experiment(path, settings), progress=False)
    assert [result.folder.name for result in results] == ["student"]
    name, made = load_system(tmp_path / "run" / "weights")
    teacher = load_system(teacher_folder)[1]
    assert name == "student" and made.config.detector == teacher.config.detector
    assert torch.equal(made.detector.head[0][0].weight, teacher.detector.head[0][0].weight)
