"""Evidence: nothing before enough of it, changes in the stated time, never live after an error."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError
from despoof.detector.live.config import EvidenceConfig, LiveConfig
from despoof.detector.live.evidence import Evidence, Look, weigh

QUICK = settings(deadline=None, max_examples=40)
CONFIG = EvidenceConfig()
LIVE_ENDS = CONFIG.time_constant * math.log(1 / CONFIG.keep)
SPOOF_COMES = CONFIG.time_constant * math.log(1 / (1 - CONFIG.agree))

gaps = st.floats(0.01, 0.9)
live_scores = st.floats(0.01, 1e6)
spoof_scores = st.floats(-1e6, 0)


def look(time, score, reason=""):
    label = "undecided" if reason else "live" if score > 0 else "spoof"
    return Look(time, label, score, 0.0, reason)


def told(looks, config=CONFIG):
    """The evidence after each look."""
    evidence, course = Evidence(), []
    for one in looks:
        evidence = weigh(evidence, one, config)
        course.append(evidence)
    return course


@st.composite
def any_looks(draw, most=25):
    """Looks at any times, forward, of any kind."""
    time, made = 0.0, []
    for _ in range(draw(st.integers(0, most))):
        time += draw(st.floats(0.001, 1.5))
        kind = draw(st.sampled_from(["live", "live", "spoof", "gated", "broken", "nan"]))
        score = draw(live_scores if kind != "spoof" else spoof_scores)
        if kind == "broken":
            made.append(Look(time, "undecided", reason="it failed", broken=True))
        elif kind == "nan":
            made.append(Look(time, "live", math.nan, 0.0))
        else:
            made.append(look(time, score, "too dark" if kind == "gated" else ""))
    return made


@QUICK
@given(any_looks())
def test_undecided_has_a_reason_and_shares_are_shares(looks):
    for evidence in told(looks):
        assert (evidence.label == "undecided") == bool(evidence.reason)
        shares = [evidence.share(label) for label in ("live", "spoof", "undecided")]
        assert all(0 <= share <= 1 for share in shares)
        assert sum(shares) == pytest.approx(1) or sum(shares) == 0
        assert evidence.live + evidence.spoof + evidence.unjudged <= 1 + 1e-9


@QUICK
@given(any_looks())
def test_no_decision_before_enough_evidence_since_the_latest_error(looks):
    since, judged, before = None, 0, -math.inf
    for one, evidence in zip(looks, told(looks), strict=True):
        failed = one.broken or (one.score is not None and math.isnan(one.score))
        if failed or one.time - before > CONFIG.stale:
            since, judged = None, 0
        if not failed:
            since = one.time if since is None else since
            judged += one.label != "undecided"
            before = one.time
        else:
            before = -math.inf
        if evidence.label != "undecided":
            assert judged >= CONFIG.min_looks
            assert since is not None and one.time - since >= CONFIG.min_seconds - 1e-6


@QUICK
@given(any_looks())
def test_live_needs_a_mean_above_the_threshold_and_most_of_the_evidence(looks):
    for evidence in told(looks):
        if evidence.label == "live":
            assert evidence.score > 0 and evidence.share("live") >= CONFIG.keep
        if evidence.label == "spoof":
            assert evidence.share("spoof") >= CONFIG.keep


@QUICK
@given(st.lists(gaps, min_size=1, max_size=20), st.lists(gaps, min_size=1, max_size=40), st.data())
def test_a_switch_from_live_to_spoof_is_seen_in_the_stated_time(first, second, data):
    """However often the face was looked at, and however sure the network was before."""
    times = np.cumsum([*first, *second])
    scores = [data.draw(live_scores) for _ in first] + [data.draw(spoof_scores) for _ in second]
    course = told([look(t, s) for t, s in zip(times, scores, strict=True)])
    last_live = times[len(first) - 1]
    for time, evidence in list(zip(times, course, strict=True))[len(first) :]:
        if time - last_live >= LIVE_ENDS + 1e-6:
            assert evidence.label != "live"
        enough = evidence.looks >= CONFIG.min_looks and time - evidence.since >= 0.8
        if time - last_live >= SPOOF_COMES + 1e-6 and enough:
            assert evidence.label == "spoof"


def test_the_stated_times_are_those_of_the_documentation():
    assert pytest.approx(0.41, abs=0.005) == LIVE_ENDS
    assert pytest.approx(1.29, abs=0.005) == SPOOF_COMES


@QUICK
@given(any_looks(), st.lists(gaps, max_size=8))
def test_nothing_is_live_after_an_error_until_there_is_enough_again(before, after):
    start = before[-1].time if before else 0.0
    broken = Look(start + 0.1, "undecided", reason="the network failed", broken=True)
    times = start + 0.1 + np.cumsum(after) if after else []
    course = told([*before, broken, *(look(t, 5.0) for t in times)])[len(before) :]
    assert course[0].label == "undecided" and course[0].reason == "the network failed"
    for number, (time, evidence) in enumerate(zip(times, course[1:], strict=True), start=1):
        if number < CONFIG.min_looks or time - times[0] < CONFIG.min_seconds - 1e-6:
            assert evidence.label == "undecided"


@pytest.mark.parametrize(
    "bad",
    [
        Look(math.nan, "live", 1.0, 0.0),
        Look(3.0, "live", math.nan, 0.0),
        Look(3.0, "live", math.inf, 0.0),
        Look(3.0, "spoof", None, 0.0),
        Look(3.0, "live", 1.0, 0.0, broken=True),
    ],
    ids=repr,
)
def test_what_is_no_number_forgets_everything(bad):
    course = told([*(look(0.2 * i, 1.0) for i in range(15)), bad])
    assert course[-2].label == "live"
    assert course[-1].label == "undecided" and course[-1].reason and course[-1].since is None


@pytest.mark.parametrize("time", [2.8, 2.0, -5.0, 2.8 + CONFIG.stale + 0.01])
def test_a_look_that_is_not_later_or_too_late_begins_anew(time):
    course = told([*(look(0.2 * i, 1.0) for i in range(15)), look(time, 1.0)])
    assert course[-2].label == "live"
    assert course[-1].label == "undecided" and course[-1].looks == 1


def test_without_a_threshold_nothing_is_decided():
    looks = [Look(0.2 * i, "undecided", 9.0, None, "no threshold") for i in range(20)]
    assert {(e.label, e.reason) for e in told(looks)} == {("undecided", "no threshold")}


def test_faces_that_cannot_be_judged_take_live_away_but_a_blink_does_not():
    looks = [look(0.2 * i, 1.0) for i in range(15)]
    blink = told([*looks, look(3.0, 1.0, "blurred"), look(3.2, 1.0)])
    assert [e.label for e in blink[-2:]] == ["live", "live"]
    dark = told([*looks, *(look(2.8 + 0.2 * i, 1.0, "too dark") for i in range(1, 6))])
    assert dark[-1].label == "undecided" and dark[-1].reason == "too dark"


def test_a_decision_does_not_flicker_where_looks_waver():
    """One look in four says spoof: never a decision without hysteresis' lower bar, but it stays."""
    start = [look(0.2 * i, 1.0) for i in range(15)]
    mixed = [look(3.0 + 0.2 * i, -0.1 if i % 4 == 0 else 1.0) for i in range(40)]
    assert {e.label for e in told([*start, *mixed])[14:]} == {"live"}


def test_alternating_looks_are_never_decided():
    course = told([look(0.2 * i, 1.0 if i % 2 else -1.0) for i in range(40)])
    assert {e.label for e in course} == {"undecided"}
    assert "disagree" in course[-1].reason


def test_a_few_sure_looks_do_not_outvote_many_spoofs():
    looks = [look(0.2 * i, 1e6 if i % 10 == 0 else -1.0) for i in range(60)]
    assert told(looks)[-1].label in ("spoof", "undecided")
    assert "live" not in {e.label for e in told(looks)}


@QUICK
@given(st.lists(st.tuples(gaps, st.floats(-10, 10)), min_size=1, max_size=12))
def test_the_score_is_the_faded_mean_by_its_definition(steps):
    times = np.cumsum([gap for gap, _ in steps])
    scores = np.array([score for _, score in steps])
    weights = np.diff(times, prepend=times[0] - CONFIG.min_seconds / CONFIG.min_looks)
    weights = -np.expm1(-weights / CONFIG.time_constant)
    weights *= np.exp((times - times[-1]) / CONFIG.time_constant)
    expected = (weights * scores).sum() / weights.sum()
    last = told([look(t, s) for t, s in zip(times, scores, strict=True)])[-1]
    assert last.score == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"evidence": {"keep": 0.9}}, "above agree"),
        ({"detect_every": 0.6}, "every track would end"),
        ({"score_every": 2}, "stale"),
        ({"evidence": {"agree": 0.4}}, "0.5"),
        ({"evidence": {"time_konstant": 1}}, "time_constant"),
        ({"score_every": math.inf}, "finite"),
    ],
)
def test_settings_that_could_never_decide_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        LiveConfig.parse(values)
