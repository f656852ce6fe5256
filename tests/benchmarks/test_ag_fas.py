"""AG-FAS's evidence in small: made-up faces, a tiny system, runs that were never trained."""

import numpy as np
import pytest
import torch

from benchmarks.programs import program
from despoof.core.config import write_yaml
from despoof.core.errors import InputError
from despoof.metrics.scores import make_scores
from despoof.systems.records import RECORDS
from despoof.systems.saving import save_system
from despoof.training.tensors import write_tensors

pytest.importorskip("diffusers")
pytest.importorskip("transformers")
pytest.importorskip("sklearn")
CHOSEN = ("base", "chosen")
NAMES = ("ag_fas", "ag_fas_faces", "ag_fas_plan", "ag_fas_probe")


@pytest.fixture(scope="module")
def programs():
    return {name: program(name) for name in NAMES}


def people(count, each=4):
    """Live flags and names: every person with as many live faces as attacks."""
    names = np.repeat([f"p{i}" for i in range(count)], 2 * each)
    return np.tile(np.repeat([True, False], each), count), names


def faces_of(programs, live, names, name="nuaa test", side=32):
    """Faces that are brighter on the left; attacks are darker as a whole."""
    rng = np.random.default_rng(3)
    images = rng.integers(60, 200, (len(live), side, side, 3)).astype(np.uint8)
    images[~live] //= 2
    table = make_scores(np.zeros(len(live)), live, np.where(live, "live", "print/a4"), names)
    return programs["ag_fas_faces"].TestSet(name, images, table)


def test_a_probe_finds_what_is_there_and_not_what_is_not(programs):
    live, names = people(12)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(live), 6))
    told = noise + 3.0 * live[:, None]
    find = programs["ag_fas_probe"].halves_scores
    right = find(told, live, names, 0)
    assert right[live].min() > right[~live].mean()
    blind = find(noise, live, names, 0)
    above = (blind[live][:, None] > blind[~live][None]).mean()
    assert 0.3 < above < 0.7


def test_a_probe_that_knows_people_by_heart_is_not_believed(programs):
    """The class hangs on the person: learnt on some people, it says nothing of others."""
    names = np.repeat([f"p{i}" for i in range(20)], 4)
    live = np.repeat(np.arange(20) % 2 == 0, 4)
    codes = np.random.default_rng(1).normal(size=(20, 200))
    features = np.repeat(codes, 4, axis=0)
    scores = programs["ag_fas_probe"].halves_scores(features, live, names, 0)
    above = (scores[live][:, None] > scores[~live][None]).mean()
    assert 0.2 < above < 0.8


def test_halves_share_nobody_and_are_said_to_be_too_small(programs):
    probe = programs["ag_fas_probe"]
    _, names = people(7)
    first = probe.first_half(names, 0)
    assert not set(names[first]) & set(names[~first]) and len(set(names[first])) == 3
    assert not np.array_equal(first, probe.first_half(names, 1))
    with pytest.raises(InputError, match="1 person cannot be halved"):
        probe.first_half(np.array(["a", "a"]), 0)
    with pytest.raises(InputError, match="show one class alone"):
        probe.halves_scores(np.ones((2, 3)), np.array([True, False]), np.array(["a", "b"]), 0)


def test_every_variant_of_every_domain_is_a_valid_experiment(programs):
    plan = programs["ag_fas_plan"]
    outputs, seen = [], set()
    for domain, variant in plan.plan():
        made = plan.experiment(domain, variant)
        outputs.append(made.output)
        seen.add(variant)
        assert made.recipe["snapshots"] == f"{made.output}/snapshots"
        datasets = {(s.dataset, s.simulate, s.species) for s in made.data.sources}
        if domain in ("celeba", "nuaa"):
            name = {"celeba": "celeba-spoof", "nuaa": "nuaa"}[domain]
            assert name not in {dataset for dataset, _, _ in datasets} | set(made.data.dev)
        elif domain is not None:
            assert ("lfw", "attack", (domain,)) not in datasets
        extra = ("lfw", "no", ()) in datasets
        assert extra == (domain is None or variant == "extra_live")
    assert len(set(outputs)) == len(outputs) and seen == set(plan.VARIANTS) == set(plan.MEANING)


def test_a_run_takes_what_stands_before_the_cue_from_the_whole_run(programs):
    plan = programs["ag_fas_plan"]
    recipe = plan.experiment("nuaa", "no_cue").recipe
    assert recipe["generator"]["trained"] == "runs/ag_fas/generator"
    assert plan.experiment("nuaa", "no_identity").recipe["generator"]["trained"] == plan.UNTOLD
    own = plan.experiment(None, "no_identity").recipe
    assert own["generator"]["trained"] is None
    assert own["identity"]["trained"] == "runs/ag_fas/identity"
    whole = plan.experiment(None).recipe
    stages = ("identity", "autoencoder", "generator")
    assert all("trained" not in whole.get(stage, {}) for stage in stages), "it takes nothing"


@pytest.fixture
def tiny_run(programs, tmp_path, monkeypatch):
    """Write runs as training leaves them: weights, last step, one snapshot; return the writer."""
    faces = programs["ag_fas_faces"]
    monkeypatch.setattr(programs["ag_fas_plan"], "RUNS", tmp_path / "runs")
    monkeypatch.setattr(faces, "CACHE", tmp_path / "cache")

    def write(domain, variant="", **cue):
        record = RECORDS["ag-fas"]
        torch.manual_seed(7)
        values = {**record.tiny, "cue": {**record.tiny["cue"], **cue}}
        system = record.make(values)
        folder = programs["ag_fas_plan"].folder(domain, variant)
        save_system(folder / "weights", record.name, system.config, system)
        write_yaml(folder / "experiment.yaml", {"data": {"dev": ["nuaa"]}})
        with torch.no_grad():
            for parameter in system.network.parameters():
                parameter.add_(0.01)
        last = {f"average/{name}": value for name, value in system.state_dict().items()}
        (folder / "cue").mkdir()
        write_tensors(folder / "cue" / "checkpoint.safetensors", last, {})
        (folder / "snapshots").mkdir()
        kept = {name: value * 1.05 for name, value in system.network.state_dict().items()}
        write_tensors(folder / "snapshots" / "step-000050.safetensors", kept, {})
        return folder

    return write


def load_made_up(programs):
    """Loader of made-up sets: another number of people for each set's name."""

    def load(name, run):
        live, names = people(4 + len(name) % 3, each=2)
        return faces_of(programs, live, names, name, run.system.config.crop.size)

    return load


def test_a_run_brings_the_chosen_the_last_and_the_kept_weights(programs, tiny_run):
    run = programs["ag_fas_faces"].load_run(tiny_run("nuaa"))
    assert set(run.checkpoints) == {"chosen", "last", "step 50"} and run.dev == ("nuaa dev",)
    network = programs["ag_fas_faces"].cue_network(run.system)
    for name, value in network.state_dict().items():
        assert torch.equal(run.checkpoints["chosen"][name], value)
        if value.is_floating_point():
            assert not torch.equal(run.checkpoints["last"][name], value) or "running" in name
    for weights in run.checkpoints.values():
        network.load_state_dict(weights)


def test_scores_on_kept_noise_are_the_systems_own(programs, tiny_run):
    faces = programs["ag_fas_faces"]
    run = faces.load_run(tiny_run("nuaa"))
    test = load_made_up(programs)("nuaa test", run)
    noise = faces.noise_in(run.system, test)
    again = faces.noise_in(run.system, test)
    assert torch.equal(noise, again) and len(list(faces.CACHE.iterdir())) == 1
    own = run.system.score(test.pixels()).double().numpy()
    found = faces.scores_of(run.system.network, test, noise)
    np.testing.assert_allclose(found.score, own, atol=1e-2)  # the noise was kept in half precision
    other = faces.noise_in(run.system, test, {"start": 201})
    assert not torch.equal(other, noise) and len(list(faces.CACHE.iterdir())) == 2


def test_without_a_cue_nothing_is_reconstructed(programs, tiny_run):
    faces = programs["ag_fas_faces"]
    run = faces.load_run(tiny_run("nuaa", "no_cue", fusion="none"))
    test = load_made_up(programs)("nuaa test", run)
    assert faces.noise_in(run.system, test) is None and not faces.CACHE.exists()
    own = run.system.score(test.pixels()).double().numpy()
    np.testing.assert_allclose(faces.scores_of(run.system.network, test, None).score, own)


@pytest.mark.slow
def test_rows_say_which_convention_they_follow(programs, tiny_run, monkeypatch, capsys):
    """Both conventions, the means, a difference in pairs, switches; absent runs are named."""
    monkeypatch.setattr(programs["ag_fas"], "DRAWS", 20)
    for domain in ("nuaa", "print"):
        tiny_run(domain)
        tiny_run(domain, "no_cue", fusion="none")
    load = load_made_up(programs)
    rows, means, gaps = programs["ag_fas"].measure_out(load, ["", "no_cue"])
    said = capsys.readouterr().out
    assert "absent, left out" in said and "ag_fas_without_celeba" in said
    assert len(rows) == 2 * 2 * 3
    for row in rows:
        oracle = row["convention"] == "published"
        assert oracle == ("oracle" in row["checkpoint"]) == ("oracle" in row["threshold_chosen"])
    strict = {row["eer"] for row in rows if row["convention"] == "strict"}
    assert min(strict) >= min(row["eer"] for row in rows if row["convention"] == "published")
    assert [mean["domains"] for mean in means] == [["nuaa", "print"]] * 2
    (gap,) = gaps
    assert gap["variant"] == "no_cue"
    difference = means[1]["auc"] - means[0]["auc"]
    assert gap["auc_difference"] == pytest.approx(difference)
    low, high = gap["auc_difference_ci95"]
    assert low <= high and 0 < gap["auc_p_bootstrap"] <= 1

    switches = programs["ag_fas"].measure_switches(load)
    taught = {row["left_out"]: row["auc"] for row in switches if row["switch"] == "as taught"}
    chosen = {r["left_out"]: r["auc"] for r in rows if (r["variant"], r["checkpoint"]) == CHOSEN}
    assert taught == pytest.approx(chosen)
    assert {row["switch"] for row in switches if "auc_difference" in row} == set(
        programs["ag_fas"].SWITCHES
    )
