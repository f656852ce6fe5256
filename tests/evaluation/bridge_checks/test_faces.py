from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from despoof.core.errors import DataError
from despoof.core.types import Face
from despoof.data.manifest import Clip
from despoof.data.samples import Sample
from despoof.evaluation.bridge_checks.faces import (
    bare_crop_face,
    cut_faces,
    finder,
    sample_clip,
)
from despoof.face.crop import CropConfig

CROP = CropConfig(size=32, scale=1.25)
POINTS = np.float32([[20, 22], [40, 22], [30, 32], [22, 42], [38, 42]])


@pytest.fixture
def clips(tmp_path):
    """Six pictures of noise, every second one live, two of a person; white at the nose."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(6):
        picture = rng.integers(0, 100, (64, 64, 3)).astype(np.uint8)
        picture[30:34, 28:32] = 255
        path = tmp_path / f"{i}.png"
        Image.fromarray(picture).save(path)
        label = "attack" if i % 2 else "live"
        made.append(Clip(path, f"{i}.png", label, "d", f"p{i // 2}", box=(10.0, 10, 50, 50)))
    return made


def none(image):
    raise AssertionError("asked although the box is known")


def test_faces_are_cut_and_half_of_them_live(clips):
    found = cut_faces(clips, CROP, 4, none)
    assert found.images.shape == (4, 32, 32, 3) and found.images.dtype == np.uint8
    assert found.live.tolist() == [True, True, False, False]
    assert found.groups == ("d/p0", "d/p1", "d/p0", "d/p1") and found.landmarks == (None,) * 4
    assert len(cut_faces(clips, CROP, 99, none)) == 6
    assert cut_faces(clips[::2], CROP, 4, none).live.all()


def test_landmarks_go_where_the_picture_goes(clips):
    level = [replace(clip, landmarks=POINTS) for clip in clips]
    found = cut_faces(level, CROP, 6, none)
    for image, points in zip(found.images, found.landmarks, strict=True):
        # The middle of the white square (30, 32), from the edge, is 25.5 of 50 px across the crop.
        x, y = points[2]
        assert image[round(y), round(x)].min() > 200
        assert points[0][1] == pytest.approx(points[1][1])


def test_what_cannot_be_read_is_left_out_and_named(clips, tmp_path):
    (tmp_path / "0.png").write_text("no picture")
    bare = [replace(clip, box=None) for clip in clips]
    found = cut_faces(bare, CROP, 6, lambda image: Face((8.0, 8, 56, 56)))
    assert found.skipped == ("0.png",) and len(found) == 5
    with pytest.raises(DataError, match="None of 6 clips shows a readable face"):
        cut_faces(bare, CROP, 6, lambda image: None)


def test_faces_without_a_box_are_found(portrait):
    whole = finder(cropped=True)(portrait)
    assert whole.box[2] - whole.box[0] == pytest.approx(512 / 1.2)
    assert bare_crop_face(portrait).box[2] > whole.box[2] - 20
    face = finder(cropped=False)(portrait)
    assert 170 < face.box[0] < face.box[2] < 290
    assert finder(cropped=False)(np.zeros((64, 64, 3), np.uint8)) is None


def test_a_row_of_the_data_at_hand_is_a_clip(tmp_path):
    box = (1.0, 2, 3, 4)
    row = Sample(tmp_path, "a/b.png", "nuaa", "dev", "7", "1", "attack", "print/a4", box, POINTS, 3)
    clip = sample_clip(row)
    assert (clip.name, clip.label, clip.group, clip.box) == ("a/b.png", "attack", "nuaa/7", box)
    assert clip.landmarks is POINTS and clip.species == "print/a4" and clip.split == "dev"
