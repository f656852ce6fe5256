import math

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import norm

from despoof.core.errors import InputError
from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.delong import auc_interval, delong_test
from despoof.metrics.resample import resample
from despoof.metrics.scores import make_scores
from metrics.score_strategies import calm, random_scores, tied_scores


def by_hand(tables):
    """DeLong's covariance matrix from the pairs themselves, presentations independent."""
    placements = []
    for scores in tables:
        live, attack = scores.score[scores.live], scores.score[~scores.live]
        psi = (live[:, None] > attack) + (live[:, None] == attack) / 2
        placements.append((psi.mean(1), psi.mean(0)))
    v10, v01 = (np.array([p[i] for p in placements]) for i in (0, 1))
    return np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]


def pair(seed, n=60, second=1.0):
    rng = np.random.default_rng(seed)
    live = np.arange(2 * n) < n
    shared = rng.normal(0, 1, 2 * n)
    return [
        make_scores(np.round(shift * live + shared + rng.normal(0, 0.7, 2 * n), 1), live)
        for shift in (1.0, second)
    ]


@calm
@given(tied_scores())
def test_the_variance_is_the_definition(scores):
    if min(scores.n_live, scores.n_attack) < 2:
        return
    found = auc_interval(scores)
    assert found.value == pytest.approx(auc(scores), abs=1e-12)
    assert found.variance == pytest.approx(by_hand([scores, scores])[0, 0], abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_worked_example():
    # Placements of live: 1, 1, 1/2; of attacks: 1, 2/3 … computed on paper.
    scores = make_scores([3, 2, 0.5, 1, 0], [1, 1, 1, 0, 0])
    found = auc_interval(scores)
    v10, v01 = np.var([1, 1, 0.5], ddof=1), np.var([2 / 3, 1], ddof=1)
    assert found.value == pytest.approx(5 / 6)
    assert found.variance == pytest.approx(v10 / 3 + v01 / 2)


def test_the_test_is_the_definition_and_reads_ranks_only():
    first, second = pair(0, second=1.6)
    found = delong_test(first, second)
    cov = by_hand([first, second])
    variance = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    assert found.variance == pytest.approx(variance, rel=1e-9)
    z = (auc(second) - auc(first)) / math.sqrt(variance)
    assert (found.z, found.p) == pytest.approx((z, 2 * norm.sf(abs(z))), rel=1e-9)
    assert (found.low + found.high) / 2 == pytest.approx(found.difference)
    other = make_scores(np.exp(second.score), second.live)
    assert delong_test(first, other).p == pytest.approx(found.p, rel=1e-9)
    assert delong_test(second, first).z == pytest.approx(-found.z)


def test_equal_systems_are_rejected_as_often_as_the_level_says():
    p = np.array([delong_test(*pair(seed)).p for seed in range(300)])
    assert 0.02 <= np.mean(p < 0.05) <= 0.09


def test_the_variance_agrees_with_the_bootstrap():
    scores = random_scores(0, 400, 30)
    drawn = resample(scores, {"auc": weighted.auc}, strata="class", draws=3000)["auc"].draws
    assert auc_interval(scores).variance == pytest.approx(drawn.var(), rel=0.1)


def test_with_groups_it_agrees_with_the_bootstrap_of_groups():
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(80), 10)
    score = (subject < 40) + rng.normal(0, 1, 80)[subject] + rng.normal(0, 0.3, 800)
    group = [f"s{i}" for i in subject]
    scores = make_scores(score, subject < 40, group=group)
    found = auc_interval(scores)
    drawn = resample(scores, {"auc": weighted.auc}, draws=3000)["auc"].draws
    assert found.variance == pytest.approx(drawn.var(), rel=0.15)
    assert found.variance > 4 * auc_interval(make_scores(score, subject < 40)).variance
    assert (found.live_groups, found.attack_groups) == (40, 40)


def test_subjects_in_both_classes_share_their_luck():
    rng = np.random.default_rng(2)
    values = []
    for _ in range(400):
        luck = rng.normal(0, 1, 30)
        score = np.concatenate([luck + 1, luck]) + rng.normal(0, 0.5, 60)
        names = [f"s{i}" for i in range(30)] * 2
        found = auc_interval(make_scores(score, [1] * 30 + [0] * 30, group=names))
        values.append((found.value, found.variance))
    value, variance = np.transpose(values)
    assert variance.mean() == pytest.approx(value.var(), rel=0.25)


def test_logit_intervals_stay_inside_and_are_lopsided():
    scores = make_scores([3, 2, 0.5, 1, 0], [1, 1, 1, 0, 0])
    plain, logit = auc_interval(scores), auc_interval(scores, scale="logit")
    assert plain.high == 1
    assert logit.high < 1
    assert logit.value - logit.low > logit.high - logit.value
    apart = auc_interval(make_scores([3, 2, 1, 0], [1, 1, 0, 0]), scale="logit")
    assert (apart.low, apart.high, apart.variance) == (1, 1, 0)


def test_an_identical_ranking_is_no_difference():
    scores = random_scores(1)
    found = delong_test(scores, scores)
    assert (found.difference, found.z, found.p, found.low, found.high) == (0, 0, 1, 0, 0)


def test_bad_requests_are_refused():
    scores = random_scores(1)
    for call in (lambda: auc_interval(scores, 95), lambda: delong_test(scores, scores, 95)):
        with pytest.raises(InputError, match="between 0 and 1"):
            call()
    with pytest.raises(InputError, match="scale='log' is unknown"):
        auc_interval(scores, scale="log")
    with pytest.raises(InputError, match="1 live and 2 attack group"):
        auc_interval(make_scores([2, 1, 0], [1, 0, 0]))
    live = [1, 1, 0, 0]
    with pytest.raises(InputError, match="have no variance"):
        delong_test(make_scores([3, 2, 1, 0], live), make_scores([1, 1, 1, 1], live))
