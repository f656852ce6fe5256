import time

import numpy as np
import pytest
from scipy.stats import norm

from despoof.core.errors import InputError
from despoof.metrics.bootstrap import bootstrap
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores


def clustered(seed, groups=20, frames=10, spread=1.0):
    """Frames of one subject share most of what decides their score."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(2 * groups), frames)
    live = subject < groups
    score = live + rng.normal(0, spread, 2 * groups)[subject] + rng.normal(0, 0.3, subject.size)
    return make_scores(score, live, group=[f"s{i}" for i in subject])


def test_group_intervals_cover_and_frame_intervals_do_not():
    truth = norm.cdf(1 / np.sqrt(2 * (1 + 0.3**2)))
    covered = {"group": 0, "frame": 0}
    for seed in range(60):
        scores = clustered(seed)
        alone = make_scores(scores.score, scores.live)
        for name, table in (("group", scores), ("frame", alone)):
            interval = bootstrap(table, auc, draws=200, seed=seed)
            covered[name] += interval.low <= truth <= interval.high
    assert covered["group"] >= 51  # 95 % of 60 is 57; the percentile rule is a little narrow
    assert covered["frame"] <= 40


def test_same_seed_same_interval_and_it_holds_the_value():
    scores = clustered(1)
    first = bootstrap(scores, auc, draws=100, seed=3)
    assert first == bootstrap(scores, auc, draws=100, seed=3)
    assert first != bootstrap(scores, auc, draws=100, seed=4)
    assert first.low <= first.value <= first.high
    assert first.value == auc(scores)
    assert (first.live_groups, first.attack_groups, first.draws) == (20, 20, 100)


def test_a_draw_takes_whole_groups_and_as_many_as_there_are():
    group = ["a"] * 3 + ["b"] * 3 + ["c"] + ["a"] * 3 + ["d"] * 3  # "a" is in both classes
    scores = make_scores(range(13), [1] * 7 + [0] * 6, group=group)
    seen = []

    def look(drawn):
        seen.append(drawn)
        return 0.0

    interval = bootstrap(scores, look, draws=50)
    assert (interval.live_groups, interval.attack_groups) == (3, 2)
    for drawn in seen[:-1]:
        assert drawn.n_attack == 6
        rows, times = np.unique(drawn.score, return_counts=True)
        count = dict(zip(rows.astype(int).tolist(), times.tolist(), strict=True))
        for members in ([0, 1, 2], [3, 4, 5], [7, 8, 9], [10, 11, 12]):
            assert len({count.get(row, 0) for row in members}) == 1
        assert count.get(0, 0) + count.get(3, 0) + count.get(6, 0) == 3


def test_a_thousand_draws_of_two_thousand_scores_take_seconds():
    scores = clustered(0, groups=50, frames=20)
    start = time.perf_counter()
    bootstrap(scores, auc, draws=1000)
    assert time.perf_counter() - start < 5


def test_bad_requests_are_refused():
    scores = clustered(0, groups=3, frames=2)
    with pytest.raises(InputError, match="draws=0"):
        bootstrap(scores, auc, draws=0)
    with pytest.raises(InputError, match="confidence=95"):
        bootstrap(scores, auc, confidence=95)
    with pytest.raises(InputError, match="not finite on a resampled set"):
        bootstrap(scores, lambda _: float("nan"), draws=2)
    with pytest.raises(InputError, match=r"1 live and 2 attack group\(s\)"):
        bootstrap(make_scores([1, 2, 0, 1], [1, 1, 0, 0], group=list("aabc")), auc)
    with pytest.raises(InputError, match="needs both classes"):
        bootstrap(make_scores([1, 2], [1, 1]), auc)
