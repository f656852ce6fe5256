"""The product: it decides by the threshold, and whatever goes wrong is undecided, never live."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import despoof
from despoof.core.errors import InputError, MediaError, WeightsError
from despoof.core.types import Decomposition, Face, FaceDetector, Frame, Verdict
from despoof.core.verdicts import whole_clip, worst_face
from despoof.detector import Detector
from despoof.face.crop import CropConfig
from despoof.weights.seal import seal_of

FACE = (170.0, 60.0, 280.0, 190.0)  # of the portrait
CROP = CropConfig(size=32, scale=1.25)


class Fixed:
    """A system that says what it is told."""

    def __init__(self, score=0.5):
        self.config = SimpleNamespace(crop=CROP)
        self.value = score
        self.batches = []

    def decompose(self, faces):
        return Decomposition(
            genuine=faces * 0.9,
            noise=faces * 0.1,
            evidence=torch.zeros(len(faces), 32, 32),
            score=self.score(faces),
        )

    def score(self, faces):
        self.batches.append(len(faces))
        return torch.full((len(faces),), self.value)


class Eyes:
    """A face detector that sees the given boxes everywhere."""

    def __init__(self, *boxes):
        self.boxes = boxes

    def __call__(self, image):
        return [Face(box) for box in self.boxes]


def detector(score=0.5, threshold=0.0, boxes=(FACE,), **options):
    return Detector(Fixed(score), CROP, threshold, face_detector=Eyes(*boxes), **options)


@pytest.fixture(scope="module")
def real(weights):
    return despoof.load(weights)


def test_live_iff_the_score_is_above_the_threshold(portrait):
    labels = [detector(score).check(portrait)[0].label for score in (0.1, 0.0, -0.1)]
    assert labels == ["live", "spoof", "spoof"]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_network_that_gives_no_number_is_undecided(portrait, score):
    made = detector(score)
    verdict = made.check(portrait)[0]
    assert verdict.label == "undecided" and verdict.score is None
    assert "not a number" in verdict.reason
    assert made.decompose(portrait)[0].verdict == verdict


def test_without_a_threshold_nothing_is_decided(portrait):
    verdict = detector(threshold=None).check(portrait)[0]
    assert (verdict.label, verdict.score, verdict.threshold) == ("undecided", 0.5, None)
    assert "no threshold" in verdict.reason


def test_a_threshold_that_is_not_a_number_never_makes_live(portrait):
    assert detector(threshold=float("nan")).check(portrait)[0].label != "live"


def test_a_gated_face_is_undecided_with_its_reason_and_judged_without_the_gate(portrait):
    small = (200.0, 100.0, 220.0, 120.0)
    verdict = detector(boxes=(small,)).check(portrait)[0]
    assert (verdict.label, verdict.reason) == ("undecided", "face is 20 px, need 48")
    assert detector(boxes=(small,), quality=None).check(portrait)[0].label == "live"


def test_no_face_is_one_undecided_verdict_and_no_parts(portrait):
    made = detector(boxes=())
    (verdict,) = made.check(portrait)
    assert (verdict.label, verdict.reason, verdict.box) == ("undecided", "no face found", None)
    assert made.decompose(portrait) == []


def test_a_users_own_face_detector_is_asked(weights, portrait):
    eyes = Eyes(FACE, (0.0, 0.0, 100.0, 100.0))
    assert isinstance(eyes, FaceDetector)
    made = despoof.load(weights, face_detector=eyes)
    assert [v.box for v in made.check(portrait)] == list(eyes.boxes)


def test_given_boxes_replace_detection(portrait):
    made = detector(boxes=())
    verdicts = made.check(portrait, boxes=[FACE, (10, 20, 110, 130)])
    assert [v.box for v in verdicts] == [FACE, (10.0, 20.0, 110.0, 130.0)]


@pytest.mark.parametrize("box", [(1, 2, 3), (1, 2, float("nan"), 4), (50, 50, 40, 60)])
def test_a_malformed_box_is_an_error(portrait, box):
    with pytest.raises(InputError, match="x1"):
        detector().check(portrait, boxes=[box])


def test_boxes_of_a_cropped_picture_are_a_contradiction(portrait):
    with pytest.raises(InputError, match="both given"):
        detector().check(portrait, boxes=[FACE], cropped=True)


def test_a_cropped_picture_needs_no_detection(portrait):
    x1, y1, x2, y2 = (int(v) for v in FACE)
    (verdict,) = detector(boxes=()).check(
        portrait[y1 - 10 : y2 + 10, x1 - 10 : x2 + 10], cropped=True
    )
    assert verdict.label == "live" and verdict.box is not None


def test_every_kind_of_source_gives_the_same_verdict(real, portrait, tmp_path):
    path = tmp_path / "p.png"
    Image.fromarray(portrait).save(path)
    tensor = torch.from_numpy(portrait).permute(2, 0, 1).float() / 127.5 - 1
    with path.open("rb") as file:
        sources = [path, str(path), path.read_bytes(), file, Image.open(path), portrait, tensor]
        verdicts = [real.check(source)[0] for source in sources]
    assert len({(v.label, v.score, v.box) for v in verdicts}) == 1


def test_frames_that_were_read_before_are_taken_as_they_are(real, portrait):
    frames = [Frame(portrait, "clip", 0, 0.0), Frame(portrait, "clip", 3, 1.5)]
    verdicts = real.check(frames)
    assert [(v.source, v.index, v.time) for v in verdicts] == [("clip", 0, 0.0), ("clip", 3, 1.5)]


@pytest.mark.parametrize("source", [[], [1, 2], [[1, 2], [3, 4]]])
def test_other_lists_are_no_pictures(real, source):
    with pytest.raises(InputError, match="no picture"):
        real.check(source)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.full((3, 64, 64), float("nan")),
        torch.full((3, 64, 64), float("inf")),
        torch.zeros(64, 64),
        torch.zeros(1, 3, 64, 64),
        torch.zeros(3, 64, 64, dtype=torch.int64),
        torch.full((3, 64, 64), 255.0),
    ],
    ids=["nan", "inf", "two axes", "batch", "int64", "0 to 255"],
)
def test_a_malformed_tensor_is_an_error(real, tensor):
    with pytest.raises(InputError, match="Expected"):
        real.check(tensor)


@pytest.mark.parametrize("array", [np.zeros((4, 4, 2), np.uint8), np.full((4, 4, 3), np.nan)])
def test_a_malformed_array_is_an_error(real, array):
    with pytest.raises(InputError, match="Expected"):
        real.check(array)


def test_a_missing_file_is_an_error(real, tmp_path):
    with pytest.raises(MediaError, match="no file"):
        real.check(tmp_path / "none.jpg")


def test_batching_changes_neither_order_nor_scores(portrait, make_weights, tmp_path):
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 300, size=(7, 2))
    boxes = [(x, y, x + 120, y + 140) for x, y in corners.tolist()]
    made = despoof.load(make_weights(tmp_path / "w"), quality=None)
    whole = [v.score for v in made.check(portrait, boxes=boxes)]
    alone = [made.check(portrait, boxes=[box])[0].score for box in boxes]
    np.testing.assert_allclose(whole, alone, atol=1e-5)
    assert np.ptp(whole) > 1e-4  # the boxes do differ


def test_a_batch_is_never_larger_than_asked(portrait):
    made = detector(batch_size=3)
    made.check(portrait, boxes=[FACE] * 7)
    made.decompose(portrait, boxes=[FACE] * 4)
    assert made.system.batches == [3, 3, 1, 3, 1]


def test_decompose_agrees_with_check_and_adds_up(real, portrait):
    (parts,) = real.decompose(portrait)
    (verdict,) = real.check(portrait)
    assert parts.verdict.label == verdict.label and parts.verdict.box == verdict.box
    assert parts.verdict.score == pytest.approx(verdict.score, abs=1e-5)
    size = real.crop.size
    assert parts.genuine.shape == parts.noise.shape == (size, size, 3)
    assert parts.genuine.dtype == np.uint8 and parts.evidence.shape == (32, 32)
    seen = parts.crop.image / 127.5 - 1
    assert np.abs(seen - parts.noise - (parts.genuine / 127.5 - 1)).max() < 0.5 / 127.5 + 1e-5


def test_threads_share_a_detector(real, portrait):
    pictures = [np.roll(portrait, 8 * i, axis=1) for i in range(8)]
    alone = [real.check(picture) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(real.check, pictures))
    assert together == alone


def test_weights_bring_their_threshold_and_a_given_one_wins(weights):
    assert despoof.load(weights).threshold == -1.0
    assert despoof.load(weights, threshold=0.25).threshold == 0.25


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_threshold_must_be_finite(weights, value):
    with pytest.raises(InputError, match="finite"):
        despoof.load(weights, threshold=value)


def test_a_threshold_of_another_preprocessing_is_refused(make_weights, tmp_path):
    folder = make_weights(tmp_path / "w", preprocessing_hash="0" * 16)
    with pytest.raises(WeightsError, match="preprocessing 0000000000000000"):
        despoof.load(folder)
    assert despoof.load(folder, threshold=0.5).threshold == 0.5


def test_weights_without_a_threshold_load_and_stay_undecided(make_weights, tmp_path, portrait):
    made = despoof.load(make_weights(tmp_path / "w", threshold=None))
    assert {v.label for v in made.check(portrait)} == {"undecided"}


def test_a_record_of_another_system_is_refused(make_weights, tmp_path):
    folder = make_weights(tmp_path / "w")
    path = folder / "record.json"
    values = json.loads(path.read_text()) | {"system": "rgb-baseline"}
    path.write_text(json.dumps(values | {"seal": seal_of(values)}))
    with pytest.raises(WeightsError, match="'rgb-baseline'"):
        despoof.load(folder)


def test_every_system_loads_and_judges(make_weights, tmp_path, portrait):
    made = despoof.load(make_weights(tmp_path / "w", system="rgb-baseline", threshold=-99.0))
    assert [v.label for v in made.check(portrait)] == ["live"]


def test_the_worst_face_decides_for_a_picture():
    live, low = Verdict("live", 0.9, 0.5), Verdict("live", 0.6, 0.5)
    gated, spoof = Verdict("undecided", 0.95, 0.5, "blurred"), Verdict("spoof", 0.2, 0.5)
    assert worst_face([live, low]) is low
    assert worst_face([live, gated, low]) is gated
    assert worst_face([live, gated, spoof]) is spoof


def test_a_face_that_is_set_aside_has_no_say():
    live = Verdict("live", 0.9, 0.5)
    for label in ("live", "spoof", "undecided"):
        phantom = Verdict(label, 0.1, 0.5, aside="too small")
        assert worst_face([live, phantom]) is live and worst_face([phantom]) is phantom
        assert whole_clip([live, phantom]) is live
    spoof = Verdict("spoof", 0.2, 0.5)
    assert worst_face([live, spoof, Verdict("live", 0.1, 0.5, aside="x")]) is spoof


def test_a_phantom_beside_a_face_is_reported_and_does_not_decide(portrait):
    """The same small face turns the picture away alone, and as the one that was meant."""
    small = (400.0, 30.0, 426.0, 62.0)
    made = detector(boxes=(FACE, small))
    first, second = made.check(portrait)
    assert (first.label, first.aside) == ("live", "")
    assert second.label == "undecided" and "need 48" in second.reason
    assert second.aside == "0.25 of the first face's size, 0.33 would decide"
    assert made.judge(portrait) == first
    assert made.judge(portrait, boxes=[FACE, small]).label == "undecided"
    assert detector(boxes=(small,)).judge(portrait).label == "undecided"


class ByBrightness(Fixed):
    """Dark faces are attacks."""

    def score(self, faces):
        return faces.mean((1, 2, 3)) + 0.35


@pytest.mark.parametrize(("share", "label"), [(1.0, "spoof"), (0.5, "spoof"), (0.3, "live")])
def test_an_attack_beside_a_live_face_decides_unless_it_is_small(portrait, share, label):
    canvas = np.full((512, 1024, 3), 127, np.uint8)
    canvas[:, :512] = portrait
    side = round(512 * share)
    dark = np.asarray(Image.fromarray(portrait // 2).resize((side, side)))
    canvas[:side, 512 : 512 + side] = dark
    made = Detector(ByBrightness(), CROP, 0.0, quality=None)
    verdicts = made.check(canvas)
    assert [v.label for v in verdicts] == ["live", "spoof"]
    assert made.judge(canvas).label == label and bool(verdicts[1].aside) == (label == "live")


def clip(*frames):
    return [
        Verdict(label, score, 0.5, "" if label != "undecided" else "blurred", index=i)
        for i, faces in enumerate(frames)
        for label, score in faces
    ]


def test_a_clip_is_as_bad_as_its_worst_frames_worst_faces():
    assert whole_clip(clip([("live", 0.9)], [("spoof", 0.3)])).score == 0.3
    assert whole_clip(clip([("live", 0.9)], [("spoof", 0.3)])).label == "spoof"
    assert whole_clip(clip([("live", 0.6)], [("live", 0.9), ("spoof", 0.1)])).label == "spoof"
    eight = [[("live", 0.9)]] * 6 + [[("live", 0.7)], [("live", 0.6), ("live", 0.8)]]
    assert whole_clip(clip(*eight)).score == 0.6
    assert whole_clip(clip(*eight)).label == "live"
    twenty = [[("live", 0.9)]] * 18 + [[("live", 0.7)], [("spoof", 0.4)]]
    assert whole_clip(clip(*twenty)).score == pytest.approx(0.55)
    assert whole_clip(clip(*twenty)).label == "live"


def test_a_clip_that_was_mostly_not_judged_is_undecided():
    gated = [("undecided", None)]
    whole = whole_clip(clip([("live", 0.9)], gated, gated))
    assert (whole.label, whole.score) == ("undecided", None)
    assert whole.reason == "2 of 3 frames could not be judged: blurred"
    assert whole_clip(clip([("live", 0.9)], gated)).label == "live"


def test_a_live_bystander_does_not_vouch_for_a_face_that_cannot_be_judged():
    frame = [("live", 0.9), ("undecided", 0.4)]
    assert whole_clip(clip(frame)).label == "undecided"
    assert whole_clip(clip(frame, frame, [("live", 0.9)])).label == "undecided"


def test_judge_sums_up(portrait):
    assert detector().judge(portrait, boxes=[FACE, (0, 0, 20, 20)]).label == "undecided"


def test_the_shipped_weights_tell_the_sample_apart():
    from despoof.weights.registry import records

    if "face-despoofing" not in records():
        pytest.skip("the shipped weights are not there yet")
    from despoof.evaluation.sample import TRUTH, sample_pictures

    made = despoof.load()
    labels = {name: made.judge(picture).label for name, picture in sample_pictures().items()}
    assert labels == {name: {"live": "live", "attack": "spoof"}[t] for name, t in TRUTH.items()}
