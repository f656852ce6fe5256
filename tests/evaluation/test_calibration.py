import json
import math

import numpy as np
import pytest
from scipy.stats import binom

from despoof.core.errors import DataError, InputError, WeightsError
from despoof.evaluation.calibration import calibrate, calibrate_live_only
from despoof.evaluation.calibration_bounds import Criterion, needed, parse_criterion
from despoof.evaluation.calibration_record import save_threshold, weights_folder
from despoof.metrics.intervals import clopper_pearson
from despoof.metrics.scores import make_scores
from despoof.weights.record import read_record


def sample(n_live, n_attack, seed=0, species=("print", "replay"), groups=10**6):
    rng = np.random.default_rng(seed)
    total = n_live + n_attack
    kinds = ["live"] * n_live + [species[i % len(species)] for i in range(n_attack)]
    score = rng.normal(0, 1, total) + 2.0 * (np.arange(total) < n_live)
    return make_scores(
        score, np.arange(total) < n_live, kinds, [str(i % groups) for i in range(total)]
    )


def test_criteria():
    assert parse_criterion(" EER ") == Criterion("eer") and str(Criterion("eer")) == "eer"
    assert str(parse_criterion("apcer=1e-2")) == "apcer=0.01"
    for bad in ("", "eer=0.1", "apcer", "apcer=0", "bpcer=1", "bpcer=x", "hter=0.1", "apcer=nan"):
        with pytest.raises(InputError, match=r"unknown. Expected eer, apcer=X"):
            parse_criterion(bad)


@pytest.mark.parametrize(("rate", "confidence"), [(0.01, 0.95), (0.05, 0.95), (0.1, 0.9)])
def test_needed_is_the_smallest_sample_without_errors(rate, confidence):
    n = needed(rate, confidence)
    assert (1 - rate) ** n <= 1 - confidence < (1 - rate) ** (n - 1)


@pytest.mark.parametrize("kind", ["apcer", "bpcer"])
def test_the_rank_is_the_largest_that_a_binomial_tail_allows(kind):
    scores = sample(500, 500, species=("print",))
    found = calibrate(scores, Criterion(kind, 0.05))
    bound, other = found.bounds
    # k errors seen; "rate > 5 %" would have to make <= k errors in 500 rarer than 5 %.
    k = bound.observed.k
    assert binom.cdf(k, 500, 0.05) <= 0.05 < binom.cdf(k + 1, 500, 0.05)
    assert found.attained == pytest.approx(1 - binom.cdf(k, 500, 0.05))
    assert bound.upper <= 0.05 and bound.rate == kind
    assert {bound.rate, other.rate} == {"apcer", "bpcer"} and other.observed.n == 500
    assert other.upper == pytest.approx(clopper_pearson(other.observed.k, 500, 0.9)[1])
    assert f"{100 * found.attained:.1f} % confidence" in found.guarantee


def test_each_species_keeps_the_rate_at_the_one_threshold():
    scores = sample(50, 900, species=("print", "replay", "mask"))
    found = calibrate(scores, parse_criterion("apcer=0.05"))
    assert [b.of for b in found.bounds] == ["mask", "print", "replay", "live"]
    assert all(b.upper <= 0.05 + 1e-12 for b in found.bounds[:-1])
    pooled = calibrate(scores, parse_criterion("apcer=0.05"), pooled=True)
    assert [b.of for b in pooled.bounds] == ["all attacks", "live"]
    assert pooled.threshold < found.threshold


@pytest.mark.parametrize("kind", ["apcer", "bpcer"])
def test_the_stated_confidence_is_true_in_simulation(kind):
    draws, rate, n, held = 400, 0.1, 60, 0
    for seed in range(draws):
        found = calibrate(sample(n, n, seed, species=("a",)), Criterion(kind, rate), confidence=0.8)
        true = math.erfc((found.threshold - 2 * (kind == "bpcer")) / math.sqrt(2)) / 2
        held += (true if kind == "apcer" else 1 - true) <= rate
    # attained here is 0.8 or a little more; 400 draws: sd 2 %.
    assert found.attained - 0.06 < held / draws < found.attained + 0.06


def test_live_only_covers_as_split_conformal_promises():
    draws, rate, n = 3000, 0.05, 50
    rng = np.random.default_rng(1)
    rejected, above = 0.0, 0
    for _ in range(draws):
        found = calibrate_live_only(
            make_scores(rng.random(n), np.ones(n)), Criterion("bpcer", rate)
        )
        rejected += found.threshold  # uniform scores: the true BPCER is the threshold itself
        above += found.threshold > found.bounds[0].upper
    assert rejected / draws == pytest.approx(2 / 51, abs=0.003) and rejected / draws <= rate
    assert above / draws == pytest.approx(0.05, abs=0.015)
    assert "2/51" in found.guarantee and "Nothing is promised about APCER" in found.limits[0]
    assert found.attained is None and found.n_attack == 0


def test_samples_that_are_too_small_are_refused_with_the_number_needed():
    few = sample(18, 40)
    with pytest.raises(
        DataError, match=r"18 live presentations cannot support bpcer=0.05 .* 59 or"
    ):
        calibrate(few, parse_criterion("bpcer=0.05"))
    with pytest.raises(
        DataError, match=r"20 print attacks cannot support apcer=0.01 .* 299 or more"
    ):
        calibrate(few, parse_criterion("apcer=0.01"))
    with pytest.raises(DataError, match=r"18 live and 40 attack .* Collect at least 47 of each"):
        calibrate(few, parse_criterion("eer"))
    with pytest.raises(DataError, match=r"18 live presentations .* 1 in 19. Collect 19 or more"):
        calibrate_live_only(few, parse_criterion("bpcer=0.05"))
    one = make_scores([0.5], [1])
    with pytest.raises(DataError, match="no attack"):
        calibrate(one, parse_criterion("apcer=0.1"))
    with pytest.raises(DataError, match="0 live presentations cannot support"):
        calibrate(make_scores([0.5], [0]), parse_criterion("bpcer=0.1"))
    with pytest.raises(DataError, match="1 live presentation cannot support"):
        calibrate_live_only(one, parse_criterion("bpcer=0.1"))
    assert (
        calibrate_live_only(sample(19, 0), parse_criterion("bpcer=0.05")).bounds[0].observed.k == 0
    )


def test_live_only_is_about_live():
    with pytest.raises(InputError, match="say nothing about attacks"):
        calibrate_live_only(sample(99, 99), parse_criterion("apcer=0.1"))
    with pytest.raises(InputError, match="between 0 and 1"):
        calibrate(sample(99, 99), parse_criterion("eer"), confidence=1)


def test_ties_never_break_the_bound():
    tied = make_scores([1.0] * 100 + [0.0] * 100, [1] * 100 + [0] * 100)
    found = calibrate(tied, parse_criterion("bpcer=0.1"))
    assert 0 <= found.threshold < 1 and found.bounds[0].observed.k == 0
    assert calibrate(tied, parse_criterion("apcer=0.1")).threshold == 0
    assert calibrate_live_only(tied, parse_criterion("bpcer=0.1")).threshold < 1


def test_an_eer_threshold_has_bounds_for_both_rates():
    found = calibrate(sample(300, 400), parse_criterion("eer"))
    assert [b.rate for b in found.bounds] == ["apcer", "bpcer"]
    margin = math.sqrt(math.log(40) / 2 / 300)
    assert found.bounds[1].upper == pytest.approx(found.bounds[1].observed.value + margin)
    assert "both at once" in found.guarantee and found.attained is None


def test_subjects_as_the_unit():
    alike = sample(600, 600, groups=100)
    found = calibrate(alike, parse_criterion("bpcer=0.1"))
    assert "come from 100 subjects" in found.limits[-1]
    strict = calibrate(alike, parse_criterion("bpcer=0.1"), by="subject")
    assert strict.threshold < found.threshold and len(strict.limits) == 1
    with pytest.raises(DataError, match=r"100 print attacks \(subjects are the unit\)"):
        calibrate(
            sample(1, 200, groups=100, species=("print",)),
            parse_criterion("apcer=0.01"),
            by="subject",
        )
    with pytest.raises(DataError, match="40 live and 40 attack subjects"):
        calibrate(sample(400, 400, groups=40), parse_criterion("eer"), by="subject")
    assert calibrate_live_only(alike, parse_criterion("bpcer=0.1"), by="subject").by == "subject"


@pytest.fixture
def score_file(tmp_path):
    path = tmp_path / "dev.csv"
    path.write_text("anything: only its hash is taken")
    return path


def test_a_threshold_is_written_beside_the_weights(make_weights, tmp_path, score_file):
    make_weights(tmp_path / "run" / "weights", threshold=None)
    found = calibrate(sample(300, 400), parse_criterion("bpcer=0.05"))
    before = read_record(tmp_path / "run" / "weights")
    saved = save_threshold(tmp_path / "run", found, score_file, oracle=True)
    after = read_record(tmp_path / "run" / "weights")
    assert saved.record == tmp_path / "run" / "weights" / "record.json"
    limit = after.threshold
    assert (limit.value, limit.criterion) == (found.threshold, "bpcer=0.05 (oracle)")
    assert limit.chosen_on == "dev.csv" and limit.method == "order statistic"
    assert (limit.n_live, limit.n_attack, limit.confidence) == (300, 400, 0.95)
    assert limit.bounds[0]["n"] == 300 and limit.guarantee == found.guarantee
    assert limit.preprocessing_hash == after.preprocessing_hash == saved.preprocessing_hash
    assert len(limit.data_sha256) == 64 and limit.date.endswith("+00:00")
    assert after.model_copy(update={"threshold": None, "seal": before.seal}) == before
    assert after.sealed and after.seal != before.seal


def test_a_run_without_a_record_gets_one(make_weights, tmp_path, score_file):
    folder = make_weights(tmp_path / "mine" / "weights")
    (folder / "record.json").unlink()
    save_threshold(folder, calibrate(sample(300, 400), parse_criterion("eer")), score_file)
    record = read_record(folder)
    assert record.name == "mine" and record.system == "face-despoofing"
    assert record.licence == "not stated" and record.threshold.criterion == "eer"


def test_what_is_no_folder_of_weights_is_refused(make_weights, tmp_path, score_file, monkeypatch):
    found = calibrate(sample(300, 400), parse_criterion("eer"))
    with pytest.raises(WeightsError, match="holds no weights"):
        weights_folder(tmp_path)
    folder = make_weights(tmp_path / "w", preprocessing_hash="0" * 16)
    with pytest.raises(WeightsError, match=r"preprocessing 0000000000000000.*do not belong"):
        save_threshold(folder, found, score_file)
    (folder / "record.json").unlink()
    (folder / "config.json").write_text(json.dumps({"system": "nobody's", "config": {}}))
    with pytest.raises(WeightsError, match="does not describe a system"):
        save_threshold(folder, found, score_file)
    from despoof.weights import registry

    make_weights(tmp_path / "files" / "shipped")
    monkeypatch.setattr(registry, "FILES", tmp_path / "files")
    with pytest.raises(WeightsError, match="shipped with despoof and is not changed"):
        weights_folder("shipped")
