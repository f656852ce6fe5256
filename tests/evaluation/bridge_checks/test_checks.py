import numpy as np
import pytest
import torch

from despoof.core.errors import InputError, WeightsError
from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.bridge_checks import order
from despoof.evaluation.bridge_checks.latency import latency_check
from despoof.evaluation.bridge_checks.null import null_check
from despoof.evaluation.bridge_checks.round_trip import round_trip_check
from despoof.evaluation.bridge_checks.run import NAMES, bridge_checks
from despoof.evaluation.bridge_checks.scores import labelled
from despoof.evaluation.bridge_checks.subject import Crossed, as_bridge, make_subject
from despoof.evaluation.bridge_checks.task import noise_scores, task_check
from despoof.metrics.curves import auc
from despoof.systems.records import RECORDS

SHORT = {"solver": "dpm-solver", "steps": 4, "t_max": 300.0}


def swapped(own, noise):
    return Crossed(noise, own.latent, own.nfe)


def test_an_invertible_bridge_comes_back_and_a_coarse_one_does_not(subject_of):
    made = subject_of({"solver": "o-belm", "steps": 6, "t_max": 300.0}, n=4)
    exact = round_trip_check(made, made.cross())
    assert exact.passed and exact.figures["rms_fp32"] < 1e-5 and "fp32 ≤ 1e-4" in exact.target
    rough = subject_of({"solver": "ddim", "grid": "uniform", "steps": 2, "t_max": 300.0}, n=4)
    found = round_trip_check(rough, rough.cross())
    assert found.passed is False and "rms_fp32" not in found.figures


def test_a_round_trip_is_held_against_the_live_noise_too(subject_of):
    made = subject_of({"solver": "o-belm", "steps": 6, "t_max": 300.0}, n=4)
    own = made.cross()
    found = round_trip_check(made, swapped(own, own.noise * 1e-9))
    assert found.passed is False and found.figures["share_of_live_noise"] > 0.1


def test_crossing_does_not_depend_on_chunks_and_is_the_systems_own(subject_of):
    one, two = subject_of(chunk=2), subject_of(chunk=6)
    torch.testing.assert_close(one.cross().noise, two.cross().noise, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(two.cross().noise, two.system.bridged(two.pixels).noise)
    assert two.cross().nfe == 8
    assert two.spread(4).tolist() == [0, 1, 3, 4] and len(two.spread(99)) == 6
    some = two.cross(count=2).noise
    torch.testing.assert_close(some, two.cross().noise[[0, 3]], rtol=1e-4, atol=1e-5)


def test_the_null_test_sees_noise_that_tells_attacks(subject_of, monkeypatch):
    made = subject_of(n=20)
    own = made.cross("live", "live")
    assert null_check(made).figures["auc_low"] <= null_check(made).figures["auc"]
    size = torch.where(made.live, 0.1, 1.0).view(-1, 1, 1, 1)
    telling = own.noise / own.noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1) * size
    monkeypatch.setattr(type(made), "cross", lambda *_: swapped(own, telling))
    found = null_check(made)
    assert found.passed is False and found.figures["auc"] == 1
    one = telling[::2].repeat_interleave(2, dim=0)  # a live face and an attack have the same:
    even = one / one.flatten(1).norm(dim=1).view(-1, 1, 1, 1)  # ties that no rounding decides
    order = torch.linspace(1, 2, 10).repeat_interleave(2).view(-1, 1, 1, 1)
    monkeypatch.setattr(type(made), "cross", lambda *_: swapped(own, even * order))
    found = null_check(made)
    assert found.passed and found.figures["auc"] == pytest.approx(0.5, abs=0.03)


def test_one_person_has_no_interval(make_system, make_faces):
    made = make_subject(make_system(), make_faces(4, people=1))
    found = null_check(made)
    assert found.passed is None and "1 live and 1 attack people" in found.words
    own = made.cross()
    assert task_check(made, own, own).passed is None


def test_the_same_noise_is_the_same_task(subject_of):
    made = subject_of()
    own = made.cross()
    found = task_check(made, own, own)
    assert found.passed and found.figures["auc_change"] == 0 == found.figures["acer_change_high"]
    scores = noise_scores(made.system, made.pixels, own.noise, chunk=2)
    np.testing.assert_allclose(scores, made.system.score(made.pixels).numpy(), atol=1e-5)
    assert found.figures["auc"] == pytest.approx(auc(labelled(made.faces, scores)))
    assert "the reverse is not measured" in found.words


def test_noise_that_changes_the_answers_fails_and_the_reverse_is_measured(subject_of, make_system):
    made = subject_of(n=20)
    own = made.cross()
    other = own.noise.clone()
    other[made.live] *= 40
    found = task_check(made, swapped(own, other), own, make_system())
    assert abs(found.figures["auc_change"]) > 0.003
    assert found.passed is False
    assert found.figures["reverse_auc"] == found.figures["auc"]  # the same weights again


def test_the_reverse_needs_the_same_fields(subject_of, make_system):
    made, other = subject_of(), make_system()
    with torch.no_grad():
        next(other.fields.parameters()).add_(1)
    own = made.cross()
    with pytest.raises(WeightsError, match="same fields"):
        task_check(made, own, own, other)
    with pytest.raises(WeightsError, match="sees no noise"):
        task_check(made, own, own, make_system(inputs="rgb"))


@pytest.mark.parametrize(
    ("detector", "reason"), [({"inputs": "rgb"}, "no noise"), ({"noise_scale": None}, "trained")]
)
def test_without_a_detector_on_noise_there_is_no_task(subject_of, detector, reason):
    made = subject_of(n=4, **detector)
    own = made.cross()
    found = task_check(made, own, own)
    assert found.passed is None and reason in found.words and not found.figures


def test_latency_has_a_limit_only_where_one_is_given(subject_of):
    made = subject_of(n=4)
    own = made.cross()
    found = latency_check(made, own, repeats=2)
    assert found.passed is None and found.figures["nfe"] == 8
    assert 0 < found.figures["ms_median"] <= found.figures["ms_p95"]
    assert latency_check(made, own, repeats=1, limit_ms=1e6).passed is True
    assert latency_check(made, own, repeats=1, limit_ms=1e-6).passed is False
    untrained = subject_of(n=4, noise_scale=None)
    assert "not trained" in latency_check(untrained, own).words


def test_all_eight_are_given_in_order_and_what_is_missing_is_no_pass(subject_of, monkeypatch):
    monkeypatch.setattr(order, "PLACES", (0.5,))
    seen = []
    made = subject_of(SHORT | {"steps": 2}, n=4)
    reference = BridgeConfig(solver="dpm-solver", steps=4, t_max=300)
    found = list(bridge_checks(made, reference=reference, show=seen.append))
    assert tuple(check.name for check in found) == NAMES == tuple(seen)
    by_name = {check.name: check for check in found}
    for name in ("latent", "identity", "latency"):
        assert by_name[name].passed is None and by_name[name].words
    assert all(np.isfinite(list(check.figures.values())).all() for check in found)


def test_what_cannot_be_checked_is_refused(make_system, make_faces):
    with pytest.raises(InputError, match="1 live faces and 1 attacks"):
        make_subject(make_system(), make_faces(2))
    with pytest.raises(InputError, match=r"expected \(32, 32, 3\)"):
        make_subject(make_system(), make_faces(4, side=16))
    other = RECORDS["rgb-baseline"]
    with pytest.raises(WeightsError, match="which has no bridge"):
        as_bridge(other.make(other.tiny))
