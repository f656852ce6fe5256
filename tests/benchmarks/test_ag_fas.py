"""AG-FAS's evidence in small: made-up faces, a tiny system, runs that were never trained."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.metrics.scores import make_scores

pytest.importorskip("diffusers")
pytest.importorskip("transformers")
pytest.importorskip("sklearn")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = ("ag_fas", "ag_fas_faces", "ag_fas_plan", "ag_fas_probe")


@pytest.fixture(scope="module")
def programs():
    """The programs, imported as `python benchmarks/ag_fas.py` does."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield dict(zip(NAMES, map(importlib.import_module, NAMES), strict=True))
    finally:
        sys.path.remove(str(BENCHMARKS))


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
    assert "generator" not in plan.experiment(None).recipe
