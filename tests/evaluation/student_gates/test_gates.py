import dataclasses

import numpy as np
import pytest
import torch
import yaml
from data.made_up_data import make_data_root

from despoof.core.errors import WeightsError
from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.student_gates import latency, run, sets
from despoof.evaluation.student_gates.fidelity import fidelity_gates
from despoof.evaluation.student_gates.latency import latency_gate, medians
from despoof.evaluation.student_gates.run import student_gates
from despoof.evaluation.student_gates.seen import seen_data
from despoof.evaluation.student_gates.subject import as_student, check_pair, compare
from despoof.evaluation.student_gates.task import task_gate
from despoof.face.crop import CropConfig
from despoof.recapture.species import SPECIES

SHORT = BridgeConfig(solver="dpm-solver", steps=4, t_max=300.0)
CROP = CropConfig(size=32, scale=1.25)


@pytest.fixture
def seen(student, make_system, make_faces):
    return compare(student, make_system(), make_faces(12), SHORT)


def answers(seen, noise):
    """The same set, with another answer of the student."""
    return dataclasses.replace(seen, noise=noise)


def test_both_noises_are_those_of_the_systems(seen, student):
    torch.testing.assert_close(seen.noise, student.noise(seen.subject.pixels))
    torch.testing.assert_close(
        seen.reference.noise, seen.subject.system.bridged(seen.subject.pixels).noise
    )


def test_the_reference_itself_passes_and_an_untrained_student_does_not(seen):
    exact = seen.reference.noise
    near, bands = fidelity_gates(answers(seen, exact), "people", "Somebody")
    assert near.passed and bands.passed
    assert near.figures["correlation_5th"] == pytest.approx(1)
    assert set(bands.figures) == {"band_0_4", "band_4_8", "band_8_16"}
    assert near.name == "correlation, people" and near.words.startswith("Somebody. 12 faces")
    near, bands = fidelity_gates(seen, "people", "Somebody")
    assert near.passed is False and bands.passed is False


def test_each_limit_of_the_fidelity_decides(seen):
    exact = seen.reference.noise
    weak = fidelity_gates(answers(seen, 0.85 * exact), "x", "")
    assert weak[0].passed and weak[1].passed is False, "28 % of the energy is gone"
    still = fidelity_gates(answers(seen, 0.95 * exact), "x", "")
    assert still[0].passed and still[1].passed
    one_bad = exact.clone()
    one_bad[:2] = one_bad[:2].flip(2)
    near, _ = fidelity_gates(answers(seen, one_bad), "x", "")
    assert near.figures["correlation_median"] > 0.99 and near.passed is False, "the 5th percentile"
    broken = exact.clone()
    broken[3, 0, 0, 0] = torch.nan
    assert [c.passed for c in fidelity_gates(answers(seen, broken), "x", "")] == [False, False]


def test_the_task_gate_allows_half_a_point(seen, monkeypatch):
    rank = np.where(seen.faces.live, 1.0, 0.0) + np.linspace(0, 0.5, 12)
    monkeypatch.setattr("despoof.evaluation.student_gates.task._teacher", lambda s: rank)
    monkeypatch.setattr("despoof.evaluation.student_gates.task._student", lambda s: 3 * rank - 1)
    found = task_gate(seen, "prints")
    assert found.passed and found.figures["auc_change"] == 0 and found.name == "task, prints"
    worse = rank.copy()
    worse[0] = -1  # one live face below all attacks
    monkeypatch.setattr("despoof.evaluation.student_gates.task._student", lambda s: worse)
    found = task_gate(seen, "prints")
    assert found.passed is False and found.figures["auc_change"] == pytest.approx(-1 / 6)
    assert found.figures["auc_change_low"] <= -1 / 6 <= found.figures["auc_change_high"]
    monkeypatch.setattr("despoof.evaluation.student_gates.task._student", lambda s: worse * np.nan)
    assert task_gate(seen, "prints").passed is False


def test_the_task_is_not_measured_without_people_or_detector(
    student, make_system, make_faces, seen
):
    alone = compare(student, make_system(), make_faces(people=1), SHORT)
    assert task_gate(alone, "x").passed is None and "no interval" in task_gate(alone, "x").words
    bare = compare(student, make_system(noise_scale=None), make_faces(), SHORT)
    assert task_gate(bare, "x").passed is None and "untrained" in task_gate(bare, "x").words
    assert set(task_gate(seen, "x").figures) >= {"auc", "auc_teacher", "auc_change_low"}


def test_the_latency_gate_compares_three_ways_in_one_run(student, make_system, seen):
    found = latency_gate(student, make_system(), seen.subject.pixels, repeats=3)
    figures = found.figures
    assert figures["ms_paper"] > figures["ms_exact"] > 0 and figures["ms_student_bf16"] > 0
    assert figures["ratio_paper"] == pytest.approx(figures["ms_paper"] / figures["ms_student"])
    assert figures["faces_per_second"] == pytest.approx(1000 / figures["ms_student"])
    quick = figures["ratio_paper"] >= 100 and figures["faces_per_second"] >= 30
    assert found.passed is quick and "(32, 32) pixels" in found.words


@pytest.mark.parametrize(
    ("seconds", "passed"),
    [((0.02, 2.1), True), ((0.02, 1.9), False), ((0.05, 9.0), False)],
)
def test_both_limits_of_the_latency_decide(seen, monkeypatch, seconds, passed):
    quick, paper = seconds
    times = {"student": quick, "student_bf16": quick, "exact": 1.0, "paper": paper}
    monkeypatch.setattr(latency, "medians", lambda works: times)
    found = latency_gate(seen.student, seen.subject.system, seen.subject.pixels)
    assert found.passed is passed


def test_works_are_called_in_turns_and_once_untimed():
    calls = []
    works = {
        name: (lambda name=name: calls.append(name) or torch.zeros(1), count)
        for name, count in (("a", 3), ("b", 1))
    }
    assert set(medians(works)) == {"a", "b"}
    assert calls == ["a", "b", "a", "b", "a", "a"]


def test_all_gates_of_every_set_and_those_that_are_missing(student, make_system, make_faces):
    there = sets.GateSet("people", "somebody", make_faces())
    gone = sets.GateSet("prints", "prints", None, "no table.")
    shown = []
    checks = list(
        student_gates(
            student, make_system(), [there, gone], reference=SHORT, repeats=2, show=shown.append
        )
    )
    names = [
        f"{gate}, {one}"
        for one in ("people", "prints")
        for gate in ("correlation", "bands", "task")
    ]
    assert [check.name for check in checks] == [*names, "latency"]
    assert shown == ["people", "prints", run.LATENCY]
    assert all(c.passed is None and c.words == "Not measured: no table." for c in checks[3:6])
    only = list(student_gates(student, make_system(), [gone], reference=SHORT))
    assert len(only) == 3, "without a face there is nothing to time"


def test_two_that_do_not_belong_together_are_refused(student, make_system):
    with pytest.raises(WeightsError, match="expected a student"):
        as_student(make_system())
    other = make_system()
    other.config = other.config.model_copy(update={"crop": CropConfig(size=32, scale=1.5)})
    with pytest.raises(WeightsError, match="The student cuts faces as"):
        check_pair(student, other)


def experiment(folder, sources):
    data = {"sources": sources, "dev": ["nuaa"]}
    values = {"system": "student", "output": str(folder), "data": data, "train": {"steps": 1}}
    (folder / "experiment.yaml").write_text(yaml.safe_dump(values))
    return folder / "weights"


def test_what_a_run_never_saw_is_read_from_its_experiment(tmp_path):
    assert seen_data(tmp_path / "weights") is None
    live = {"dataset": "lfw", "label": "live", "weight": 1}
    weights = experiment(
        tmp_path,
        [
            live | {"simulate": "attack", "species": ["print"], "without": [SPECIES[0]]},
            live | {"dataset": "celeba-spoof"},
        ],
    )
    found = seen_data(weights)
    assert found.datasets == {"lfw", "celeba-spoof"}
    prints = [name for name in SPECIES if name.startswith("print/")]
    assert found.species == tuple(name for name in prints if name != SPECIES[0])
    assert SPECIES[0] in found.left_out and len(found.left_out) == len(SPECIES) - len(prints) + 1
    experiment(tmp_path, [live | {"simulate": "attack"}])
    assert seen_data(weights).left_out == ()
    (tmp_path / "experiment.yaml").write_text("[")
    assert seen_data(weights) is None


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("data"))


def test_the_sets_are_people_prints_and_species_that_were_left_out(root, tmp_path, monkeypatch):
    live = {"dataset": "nuaa", "label": "live", "weight": 1}
    asked = []

    def simulated(root, crop, count, kinds, seed):
        asked.append((count, kinds, seed))
        return "faces"

    monkeypatch.setattr(sets, "simulated_faces", simulated)
    left = next(name for name in SPECIES if name.startswith("replay/"))
    weights = experiment(tmp_path, [live | {"simulate": "attack", "without": [left]}])
    made = sets.gate_sets(root, CROP, 6, seen=seen_data(weights), seed=3)
    people, prints, species = made
    assert [one.name for one in made] == ["people", "prints", "species"]
    assert set(people.faces.groups) == {"celeba-spoof/9"} and len(people.faces) == 6
    assert set(prints.faces.groups) == {"nuaa/0012"}, "0001 is in training, too"
    assert "other pictures of NUAA were among" in prints.what
    assert species.faces == "faces" and asked == [(6, (left,), 3)] and left in species.what
    nobody = sets.gate_sets(root, CROP, 6, seen=None)
    assert nobody[2].faces is None and "--species" in nobody[2].missing
    named = sets.gate_sets(root, CROP, 6, seen=None, species=["print"])
    assert "as named" in named[2].what
    (root / "nuaa.csv").rename(root / "gone.csv")
    try:
        assert "nuaa.csv" in sets.gate_sets(root, CROP, 6, seen=None)[1].missing
    finally:
        (root / "gone.csv").rename(root / "nuaa.csv")


def test_simulated_faces_are_attacks_beside_their_live_controls(root, monkeypatch):
    from despoof.core.types import Face
    from despoof.data.samples import read_samples, select
    from despoof.evaluation.despoofbench.faces import BenchFace

    people = [
        BenchFace(s.name, str(i), s.path, Face(s.box, s.landmarks))
        for i, s in enumerate(select(read_samples(root, "lfw"), label="live")[:2])
    ]
    monkeypatch.setattr(sets, "lfw_faces", lambda root, count, seed: people[:count])
    found = sets.simulated_faces(root, CROP, 4, SPECIES[:1])
    assert found.live.tolist() == [True, False, True, False]
    assert found.groups == ("0", "0", "1", "1") and found.images.shape == (4, 32, 32, 3)
    assert (found.images[0] != found.images[1]).any()
