from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import permutation_test as scipy_permutation

from despoof.core.errors import InputError
from despoof.metrics import curves, rates, weighted
from despoof.metrics.compare import paired_bootstrap, permutation_test, permutation_test_auc
from despoof.metrics.delong import delong_test
from despoof.metrics.scores import make_scores
from despoof.metrics.significance import holm, mcnemar
from metrics.score_strategies import calm


def pair(seed, groups=20, per_group=3, second=1.0, noise=0.7):
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(2 * groups), per_group)
    live = subject < groups
    shared = rng.normal(0, 0.7, 2 * groups)[subject]
    names = [f"s{i}" for i in subject]
    return [
        make_scores(shift * live + shared + rng.normal(0, noise, len(live)), live, group=names)
        for shift in (1.0, second)
    ]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_mcnemar_is_the_binomial_test_of_discordant_pairs(errors):
    first, second = np.array(errors, bool).reshape(-1, 2).T
    found = mcnemar(first, second)
    assert found.only_first == sum(a and not b for a, b in errors)
    n = found.only_first + found.only_second
    expected = binomtest(found.only_first, n, 0.5).pvalue if n else 1.0
    assert found.p == pytest.approx(expected, abs=1e-12)


def test_mcnemar_wants_bool_arrays_of_one_shape():
    a = np.array([True, False])
    for b in (np.array([True]), np.array([1, 0]), a[None]):
        with pytest.raises(InputError, match="two bool arrays"):
            mcnemar(a, b)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [  # by hand: sorted p times 3, 2, 1, made monotone, in the order given
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.01, 0.04], [0.08, 0.03, 0.08]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm_by_hand(given_, expected):
    assert holm(given_) == pytest.approx(expected, abs=1e-15)


@calm
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_nothing_and_bonferroni_and_keeps_the_order(p):
    found = holm(p)
    for raw, adjusted in zip(p, found, strict=True):
        assert raw <= adjusted <= min(1, len(p) * raw) + 1e-15
    assert [found[i] for i in np.argsort(p)] == sorted(found)


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [float("nan")]])
def test_holm_wants_p_values(bad):
    with pytest.raises(InputError, match="not p-values"):
        holm(bad)


def test_the_permutation_test_is_exact_for_few_groups():
    first, second = pair(4, groups=4, second=2.0)
    found = permutation_test(first, second, (0.5, 0.5))
    names = np.unique(first.group)
    wrong = [(s.score > 0.5) != s.live for s in (first, second)]

    def hter(errors):
        return (errors[first.live].mean() + errors[~first.live].mean()) / 2

    gaps = []
    for flip in product([False, True], repeat=len(names)):
        swap = np.array(flip)[np.searchsorted(names, first.group)]
        a, b = np.where(swap, wrong[1], wrong[0]), np.where(swap, wrong[0], wrong[1])
        gaps.append(hter(b) - hter(a))
    expected = np.mean(np.abs(gaps) >= abs(gaps[0]) - 1e-12)
    assert found.difference == pytest.approx(
        rates.hter(second, 0.5).value - rates.hter(first, 0.5).value
    )
    assert found.p == pytest.approx(expected)
    assert found.groups == 8


def test_many_groups_agree_with_scipy():
    first, second = pair(5, groups=40, per_group=1, second=1.8)
    wrong = [((s.score > 0.5) != s.live).astype(float) for s in (first, second)]
    theirs = scipy_permutation(
        wrong,
        lambda a, b, axis: (b - a).mean(axis=axis),
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(0),
    )
    found = permutation_test(first, second, (0.5, 0.5))
    assert found.difference == pytest.approx(theirs.statistic)  # as many live as attacks
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)


def test_the_auc_permutation_test_agrees_with_delong():
    first, second = pair(7, groups=60, per_group=1, second=1.5)
    found = permutation_test_auc(first, second, swaps=2000)
    assert found.difference == pytest.approx(curves.auc(second) - curves.auc(first))
    assert found.p == pytest.approx(delong_test(first, second).p, abs=0.03)
    scaled = make_scores(np.exp(9 * second.score), second.live, group=second.group)
    assert permutation_test_auc(first, scaled, swaps=2000).p == found.p


def test_auc_permutations_of_few_groups_are_all_looked_at():
    first, second = pair(7, groups=3, per_group=2)
    found = permutation_test_auc(first, second)
    assert (found.swaps, found.groups) == (64, 6)
    assert found.p * 64 == pytest.approx(round(found.p * 64))
    assert found.p >= 2 / 64


def test_identical_systems_do_not_differ():
    first, _ = pair(0)
    assert permutation_test(first, first, (0.5, 0.5)).p == 1
    assert permutation_test_auc(first, first, swaps=20).p == 1
    found = paired_bootstrap(first, first, weighted.auc, draws=50)
    assert (found.p, found.difference.low, found.difference.high) == (1, 0, 0)


def test_pairing_narrows_the_interval_and_finds_the_difference():
    first, second = pair(3, groups=60, second=2.5, noise=0.3)
    found = paired_bootstrap(first, second, weighted.auc, draws=1000, method="bca")
    assert found.difference.value == pytest.approx(found.second - found.first)
    assert found.difference.low > 0
    assert found.p == pytest.approx(2 / 1001)
    assert found.first == curves.auc(first)
    test = delong_test(first, second)
    width = found.difference.high - found.difference.low
    assert width == pytest.approx(test.high - test.low, rel=0.25)


def test_thresholds_are_each_systems_own():
    first, second = pair(3)
    moved = make_scores(second.score + 10, second.live, group=second.group)
    fixed = paired_bootstrap(first, moved, weighted.hter, thresholds=(0.5, 10.5), draws=100)
    assert fixed.second == pytest.approx(rates.hter(second, 0.5).value)
    dev = pair(4)
    dev[1] = make_scores(dev[1].score + 10, dev[1].live, group=dev[1].group)
    chosen = paired_bootstrap(first, moved, weighted.acer_max, devs=tuple(dev), draws=100)
    assert chosen.second == rates.acer_max(moved, curves.eer(dev[1]).threshold).value


def test_bootstrap_and_permutation_keep_their_level():
    small = [0, 0]
    for seed in range(120):
        first, second = pair(seed, groups=25)
        small[0] += paired_bootstrap(first, second, weighted.auc, draws=200, seed=seed).p < 0.05
        small[1] += permutation_test(first, second, (0.5, 0.5), swaps=500).p < 0.05
    assert 0 < small[0] <= 16
    assert small[1] <= 13


def test_other_presentations_are_refused():
    first, second = pair(0, groups=3)
    base = (second.score, second.live, second.species, second.group)
    for column, what in ((1, "class"), (2, "species"), (3, "group")):
        changed = list(base)
        changed[column] = base[column][::-1] if column != 2 else np.where(second.live, "x", "y")
        with pytest.raises(InputError, match=f"The {what} at position"):
            permutation_test_auc(first, make_scores(*changed))
    for call in (
        lambda: delong_test(first, make_scores([1, 0], [1, 0])),
        lambda: paired_bootstrap(first, make_scores([1, 0], [1, 0]), weighted.auc),
    ):
        with pytest.raises(InputError, match="cannot be compared in pairs"):
            call()
    with pytest.raises(InputError, match="hold a NaN"):
        permutation_test(first, second, (0.5, float("nan")))
    with pytest.raises(InputError, match="swaps=0"):
        permutation_test(first, second, (0.5, 0.5), swaps=0)
    with pytest.raises(InputError, match="seed=-1"):
        permutation_test_auc(first, second, seed=-1)
    only = make_scores([1, 0], [1, 1])
    for call in (
        lambda: permutation_test(only, only, (0, 0)),
        lambda: permutation_test_auc(only, only),
    ):
        with pytest.raises(InputError, match="needs both classes"):
            call()
