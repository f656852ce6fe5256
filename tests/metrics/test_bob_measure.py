"""The answers of bob.measure, the reference of the field; see make_bob_measure.py."""

import json
from pathlib import Path

import pytest

from despoof.metrics import curves, rates
from despoof.metrics.scores import make_scores

ANSWERS = json.loads(Path(__file__).with_name("bob_measure.json").read_text())


def far_frr(scores, threshold):
    return [rates.apcer(scores, threshold).value, rates.bpcer(scores, threshold).value]


@pytest.mark.parametrize("answer", ANSWERS)
def test_rates_eer_and_thresholds_agree_with_bob_measure(answer):
    live, attack = answer["live"], answer["attack"]
    scores = make_scores(live + attack, [1] * len(live) + [0] * len(attack))
    assert far_frr(scores, 0.5) == answer["half"]
    assert curves.eer(scores).value == pytest.approx(sum(answer["eer"]) / 2, abs=1e-15)
    for bound, expected in answer["frr"].items():
        found = far_frr(scores, curves.threshold_at_frr(scores, float(bound)))
        assert found == pytest.approx(expected, abs=1e-15)
    for bound, (far, frr) in answer["far"].items():
        found = far_frr(scores, curves.threshold_at_far(scores, float(bound)))
        assert found[0] == far
        # bob stops at the next attack above; live scores below that one are lost for nothing.
        assert found[1] <= frr
