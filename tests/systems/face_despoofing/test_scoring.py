import numpy as np
import pytest
import torch

from despoof.systems.face_despoofing.config import FaceDespoofingConfig, ScoreConfig
from despoof.systems.face_despoofing.scoring import CANDIDATES, fused, rank_rules
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.systems.records import RECORDS
from systems.test_every_system import faces_for

TINY = FaceDespoofingConfig.parse(RECORDS["face-despoofing"].tiny)
MAP, DEPTH, MAGNITUDE = CANDIDATES[:3]
LIVE = np.arange(40) < 20


def noisy_parts(seed=0, **informative):
    """Parts that say nothing but what is given."""
    rng = np.random.default_rng(seed)
    return {name: rng.random(len(LIVE)) for name in ("map", "depth", "magnitude")} | informative


@pytest.mark.parametrize("rule", CANDIDATES, ids=str)
def test_a_rule_means_the_same_here_and_in_the_system(rule):
    system = FaceDespoofing(TINY.model_copy(update={"score": rule})).eval()
    parts = noisy_parts()
    tensors = {name: torch.from_numpy(value) for name, value in parts.items()}
    np.testing.assert_allclose(fused(parts, rule), system.fuse(tensors).numpy(), rtol=1e-12)


@pytest.mark.parametrize("rule", [CANDIDATES[4], CANDIDATES[-1]], ids=str)
def test_the_parts_of_a_system_fuse_to_its_score(rule):
    system = FaceDespoofing(TINY.model_copy(update={"score": rule})).eval()
    faces = faces_for(system)
    parts = {name: value.double().numpy() for name, value in system.score_parts(faces).items()}
    np.testing.assert_allclose(fused(parts, rule), system.score(faces).numpy(), atol=1e-5)


def test_the_candidates_are_all_different_and_begin_with_the_parts():
    assert len({str(rule) for rule in CANDIDATES}) == len(CANDIDATES)
    assert ScoreConfig() in CANDIDATES
    assert [(r.map, r.depth, r.magnitude) for r in CANDIDATES[:3]] == [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "higher_for_live", "rule"),
    [("map", False, MAP), ("depth", True, DEPTH), ("magnitude", False, MAGNITUDE)],
)
def test_the_part_that_tells_is_picked(name, higher_for_live, rule):
    # The classes are 0.1 apart, so that any of the useless parts spoils the order.
    value = np.where(higher_for_live == LIVE, 0.6, 0.5)
    value += np.random.default_rng(1).uniform(0, 0.05, len(LIVE))
    ranked = rank_rules([(noisy_parts(seed, **{name: value}), LIVE) for seed in (2, 3)])
    assert ranked[0] == (1.0, rule)
    assert len(ranked) == len(CANDIDATES)
    scores = [score for score, _ in ranked]
    assert scores == sorted(scores, reverse=True) and scores[1] < 1


def test_ties_go_to_the_earlier_rule():
    perfect = {"map": 1.0 - LIVE, "depth": 1.0 * LIVE, "magnitude": 1.0 - LIVE}
    for rules in (CANDIDATES, CANDIDATES[::-1]):
        ranked = rank_rules([(perfect, LIVE)], rules)
        assert [rule for _, rule in ranked] == list(rules)
        assert {score for score, _ in ranked} == {1.0}


def test_every_set_counts_alike():
    good, bad = {"map": 1.0 - LIVE}, {"map": 1.0 * LIVE}
    few = np.r_[0:5, 20:25]
    thin = {name: value[few] for name, value in noisy_parts(**bad).items()}
    ((score, _),) = rank_rules([(noisy_parts(**good), LIVE), (thin, LIVE[few])], [MAP])
    assert score == 0.5
