"""Clips to training tables: pixels, faces and reliefs as the frames have them."""

from collections import Counter
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from despoof.core.errors import DataError
from despoof.core.types import Face
from despoof.data.cutting import CutConfig, Cutter
from despoof.data.depth_labels import depth_in_crop, read_depth
from despoof.data.manifest import Clip
from despoof.data.samples import read_samples
from despoof.data.store import build_store, face_of
from despoof.data.training_tables import around, relief_of, write_training_tables
from despoof.face.crop import CropConfig, crop_face
from despoof.face.depth import LandmarkDepth
from despoof.media.images import read_image

MARKS = np.float32([[202, 102], [249, 103], [224, 126], [204, 146], [244, 147]])
FACE = Face((179.4, 57.4, 272.8, 184.3), MARKS)


def cutter(frames=2, faces=lambda image: [FACE]):
    config = CutConfig(frames=frames, crop=CropConfig(size=64, scale=1.2))
    return Cutter(config, detector=faces)


@pytest.fixture
def clips(tmp_path, portrait):
    """A picture and a video of the portrait, of two datasets."""
    Image.fromarray(portrait).save(tmp_path / "a b.png")
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv444p"
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(portrait, format="rgb24")))
        container.mux(stream.encode())
    return [
        Clip(tmp_path / "a b.png", "x/a b.png", "live", "own-set", "Ann", split="train"),
        Clip(path, "clip.mp4", "attack", "other", "", species="print/a4", split="test"),
    ]


def test_tables_are_read_back_with_the_same_pixels_and_faces(clips, tmp_path, portrait):
    out = tmp_path / "out"
    written = write_training_tables(clips, out, cutter(), LandmarkDepth())
    assert [w.table.name for w in written] == ["other.csv", "own-set.csv"]
    assert written[0].pictures == Counter({("test", "attack"): 2})
    (sample,) = read_samples(out, "own-set")
    assert (sample.subject, sample.split, sample.species) == ("Ann", "train", "live")
    config = CropConfig(size=96, scale=1.85)
    kept = crop_face(read_image(sample.path), face_of(sample, read_image(sample.path)), config)
    whole = crop_face(portrait, FACE, config)
    assert np.abs(kept.image.astype(int) - whole.image).mean() < 0.5, "only boxes are rounded"
    frames = read_samples(out, "other")
    assert len(frames) == 2 and len({s.group for s in frames}) == 1, "one clip is one person"
    assert {s.species for s in frames} == {"print/a4"} and len({s.name for s in frames}) == 2
    store = build_store(frames, config, out, tmp_path / "cache")
    assert store.images.shape == (2, 96, 96, 3) and not store.live.any()
    assert store.depth.max() > 200


def test_bad_rows_of_a_box_file_cost_no_clip(clips, tmp_path):
    """The n-th line is frame n; what a bad line does not tell, the detector does."""
    clip = replace(clips[1], dataset="siw")
    asked = []

    def detector(image):
        asked.append(image)
        return [FACE]

    rows = ["170 50 270 180", "", "-1 -1 -1 -1", "170 50 270", "171 51 271 181", "172 52 272 182"]
    clip.path.with_suffix(".face").write_text("\n".join(rows) + "\n")
    write_training_tables([clip], tmp_path / "out", cutter(6, detector), LandmarkDepth())
    samples = read_samples(tmp_path / "out", "siw")
    sides = [(s.box[2] - s.box[0], s.box[3] - s.box[1]) for s in samples]
    told, found = pytest.approx((100, 130)), pytest.approx((93.4, 126.9), abs=0.2)
    assert sides == [told, found, found, found, told, told] and len(asked) == 3


def test_the_relief_lies_on_the_face(portrait):
    picture, face = around(portrait, FACE)
    relief = relief_of(picture, face, LandmarkDepth())
    assert relief.shape == (32, 32) and relief.max() > 200 and not relief[0].any()
    crop = crop_face(picture, face, CropConfig(size=64, scale=1.3))
    seen = depth_in_crop(relief, picture.shape[:2], crop.matrix, 64, 32) / 255
    assert np.corrcoef(seen.ravel(), LandmarkDepth()(crop).ravel())[0, 1] > 0.97


def test_a_face_at_the_border_keeps_its_place(portrait):
    face = Face((-20, 400, 130, 520), MARKS)
    picture, placed = around(portrait, face)
    x1, y1 = (round(a - b) for a, b in zip(face.box[:2], placed.box[:2], strict=True))
    assert (x1, y1) == (0, 265)
    assert np.array_equal(picture, portrait[265:, : picture.shape[1]])
    assert np.allclose(placed.landmarks, MARKS - np.float32([x1, y1]))


def test_a_face_outside_its_picture_is_refused(portrait):
    with pytest.raises(DataError, match="lies outside its 512x512 picture"):
        around(portrait, Face((900, 100, 990, 200)))


def test_a_clip_without_a_face_is_named(clips, tmp_path):
    written = write_training_tables(
        clips[1:], tmp_path / "o", cutter(faces=lambda image: []), LandmarkDepth()
    )
    assert written[0].without_face == ("clip.mp4",) and not written[0].pictures
    assert read_samples(tmp_path / "o", "other") == []
    assert read_depth(tmp_path / "o", "other").shape == (0, 32, 32)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"split": ""}, "despoof data protocol"), ({"dataset": "../x"}, "names the table")],
)
def test_what_cannot_be_a_table_is_refused(clips, tmp_path, changes, words):
    from dataclasses import replace

    with pytest.raises(DataError, match=words):
        write_training_tables(
            [replace(clips[0], **changes)], tmp_path / "o", cutter(), LandmarkDepth()
        )
    with pytest.raises(DataError, match="no clips"):
        write_training_tables([], tmp_path / "o", cutter(), LandmarkDepth())
