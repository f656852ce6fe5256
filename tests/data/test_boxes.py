import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import DataError
from despoof.data.boxes import (
    find_box_file,
    read_box_file,
    read_celeba_face,
    read_msu_faces,
    read_oulu_eyes,
    read_replay_faces,
    read_siw_faces,
)
from despoof.data.manifest import Clip

SIZE = (240, 320)
READERS = {
    "replay-attack": read_replay_faces,
    "msu-mfsd": read_msu_faces,
    "siw": read_siw_faces,
    "celeba-spoof": read_celeba_face,
    "oulu-npu": read_oulu_eyes,
}


def boxes(reader, path, text, size=SIZE):
    path.write_text(text)
    return {number: face and face.box for number, face in reader(path, size).items()}


@pytest.fixture
def table(tmp_path):
    return tmp_path / "table"


def test_each_format_reads_its_columns(table):
    # Replay: x y w h.  MSU: corners, then eyes.  SiW: corners, the line is the frame.
    assert boxes(read_replay_faces, table, "0 100 50 80 90\n1 0 0 0 0\n") == {
        0: (100, 50, 180, 140),
        1: None,
    }
    assert boxes(read_msu_faces, table, "0, 100, 50, 180, 140, 120, 80, 160, 80\n") == {
        0: (100, 50, 180, 140)
    }
    assert boxes(read_siw_faces, table, "100 50 180 140\n0 0 0 0\n\n101 50 181 140\n") == {
        0: (100, 50, 180, 140),
        1: None,
        2: None,
        3: (101, 50, 181, 140),
    }


@settings(deadline=None)  # each writes a file
@given(st.integers(50, 4000), st.integers(50, 4000))
def test_celeba_boxes_scale_with_the_picture(tmp_path_factory, height, width):
    path = tmp_path_factory.getbasetemp() / "1_BB.txt"
    got = boxes(read_celeba_face, path, "56 28 112 168 0.998\n", (height, width))[0]
    # A quarter from the left, an eighth from the top, half as wide, three quarters as high.
    assert np.allclose(got, (width / 4, height / 8, 3 * width / 4, 7 * height / 8))


@settings(deadline=None)  # each writes a file
@given(st.floats(-0.5, 0.5), st.floats(10, 200), st.booleans())
def test_eye_boxes_turn_scale_and_do_not_mind_the_eyes_order(tmp_path_factory, angle, d, swapped):
    path = tmp_path_factory.getbasetemp() / "1_1_01_1.txt"
    across = d / 2 * np.array([np.cos(angle), np.sin(angle)])
    eyes = np.array([500 - across, 500 + across])
    one, two = eyes[::-1] if swapped else eyes
    x1, y1, x2, y2 = boxes(
        read_oulu_eyes, path, f"0,{one[0]},{one[1]},{two[0]},{two[1]}\n3,0,0,0,0\n"
    )[0]
    assert (x2 - x1) / d == pytest.approx(2.15) and (y2 - y1) / d == pytest.approx(2.70)
    below = np.array([-np.sin(angle), np.cos(angle)]) * 0.30 * d
    assert np.allclose([(x1 + x2) / 2, (y1 + y2) / 2], 500 + below)


def test_the_eye_rule_agrees_with_the_detector_on_the_portrait(portrait, table):
    from despoof.face.detect import CenterFace

    face = CenterFace()(portrait)[0]
    (ax, ay), (bx, by) = face.landmarks[:2]
    x1, y1, x2, y2 = boxes(read_oulu_eyes, table, f"0,{ax},{ay},{bx},{by}\n", (512, 512))[0]
    theirs = face.box
    width = min(x2, theirs[2]) - max(x1, theirs[0])
    height = min(y2, theirs[3]) - max(y1, theirs[1])
    union = (x2 - x1) * (y2 - y1) + np.prod(np.subtract(theirs[2:], theirs[:2])) - width * height
    assert width * height / union > 0.7


GOOD = {
    "replay-attack": ("{n} 1 2 8 7", (1, 2, 9, 9)),
    "msu-mfsd": ("{n} 1 2 9 9", (1, 2, 9, 9)),
    "siw": ("1 2 9 9", (1, 2, 9, 9)),
    "oulu-npu": ("{n},100,100,200,100", (42.5, -5, 257.5, 265)),
}


@pytest.mark.parametrize("dataset", GOOD)
@pytest.mark.parametrize(
    "bad",
    [
        "",
        "   ",
        "1 2 3",
        "1 2 3 4 5 6 7",
        "a b c d e",
        "1 2 nan 4 5",
        "1 2 inf 4 5",
        "{n} 1_0 2 90 90",
        "{n} ١ 2 9 9",
        "{n} \xff 2 9 9",
        "# frame",
        "-1 -1 -1 -1",
        "{n} -1 -1 -1 -1",
        "0 0 0 0",
        "{n} 0 0 0 0",
        "{n} 9 9 -1 -1",
        "{n} 0 0 0 5",
        "9 9 1 1",
    ],
)
def test_a_bad_row_is_its_frames_alone(dataset, bad, table):
    line, box = GOOD[dataset]
    lines = [line.format(n=0), bad.format(n=1), line.format(n=2)]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = {n: face and face.box for n, face in READERS[dataset](table, SIZE).items()}
    assert found.pop(1, None) is None and found == {0: box, 2: box}


@pytest.mark.parametrize("dataset", sorted(GOOD.keys() - {"siw"}))  # its frames are counted
def test_a_frame_that_is_named_twice_has_no_face(dataset, table):
    line, box = GOOD[dataset]
    text = "\n".join(line.format(n=n) for n in (0, 3, 3, 3))
    assert boxes(READERS[dataset], table, text) == {0: box, 3: None}


@pytest.mark.parametrize("eyes", ["5,5,0,0", "0,0,5,5", "-1,-1,5,5", "5,5,5,5", "5,-1,9,9"])
def test_one_eye_is_no_face(eyes, table):
    assert boxes(read_oulu_eyes, table, f"0,100,100,200,100\n1,{eyes}\n")[1] is None


def test_bytes_around_the_rows_are_no_rows(table):
    table.write_bytes(b"\xef\xbb\xbf1 2 9 9\r\n\x0c\r\n1 2 8 8")
    found = {n: face and face.box for n, face in read_siw_faces(table, SIZE).items()}
    assert found == {0: (1, 2, 9, 9), 1: None, 2: (1, 2, 8, 8)}


@pytest.mark.parametrize(
    ("dataset", "text", "says"),
    [
        ("replay-attack", "0.5 1 1 9 9\n", "no line begins with a frame"),
        ("replay-attack", "-1 1 1 9 9\n", "no line begins with a frame"),
        ("replay-attack", "\n1 2 3\n", r"line 2.*'1 2 3'; expected 5 finite numbers"),
        ("msu-mfsd", "a b\n", "expected 5 or 9 finite"),
        ("celeba-spoof", "1 1 9 9 1\n1 1 9 9 1\n", "2 lines"),
        ("celeba-spoof", "1 1 9 9\n", "line 1.*expected 5"),
        ("siw", "0 1 2 9 9\n0 1 2 9 9\n", "line 1.*expected 4"),
        ("siw", "\n", "no lines"),
        ("oulu-npu", "", "no lines"),
    ],
)
def test_a_file_of_another_format_is_refused(dataset, text, says, table):
    table.write_text(text)
    with pytest.raises(DataError, match=says):
        READERS[dataset](table, SIZE)


def clip(path, dataset):
    return Clip(path, path.name, "live", dataset=dataset)


def test_files_are_found_where_the_datasets_keep_them(tmp_path):
    places = {
        ("replay-attack", "test/attack/fixed/a.mov"): "face-locations/test/attack/fixed/a.face",
        ("replay-attack", "train/real/b.mov"): "face-locations/train/real/b.face",
        ("msu-mfsd", "scene01/real/c.mp4"): "scene01/real/c.face",
        ("siw", "Train/live/003/003-1-1-1-1.mov"): "Train/live/003/003-1-1-1-1.face",
        ("celeba-spoof", "Data/train/1/live/7.png"): "Data/train/1/live/7_BB.txt",
        ("oulu-npu", "Train_files/1_1_01_1.avi"): "Train_files/1_1_01_1.txt",
    }
    for (dataset, name), place in places.items():
        there = clip(tmp_path / name, dataset)
        assert find_box_file(there) is None
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
        assert find_box_file(there) == tmp_path / place
    assert find_box_file(clip(tmp_path / "Train_files/1_1_01_1.avi", "nuaa")) is None


def test_a_box_outside_the_picture_tells_of_a_rotated_clip(table, tmp_path):
    table.write_text("100 300 180 400\n")
    with pytest.raises(DataError, match=r"140, 350.*320x240.*rotated"):
        read_box_file(clip(tmp_path / "a.mov", "siw"), table, SIZE)
    with pytest.raises(DataError, match="not readable"):
        read_box_file(clip(tmp_path / "a.mov", "siw"), tmp_path / "none", SIZE)


def test_one_box_outside_the_picture_is_its_frames_alone(table, tmp_path):
    table.write_text("100 50 180 140\n100 300 180 400\n10 10 3000 200\n" + "9 9 90 90\n" * 3)
    faces = read_box_file(clip(tmp_path / "a.mov", "siw"), table, SIZE)
    assert [number for number, face in faces.items() if face is None] == [1, 2]


def test_a_name_that_no_file_can_have_has_no_box_file(tmp_path):
    for name in ("x" * 300, "a\0b"):
        assert find_box_file(clip(tmp_path / f"{name}.avi", "oulu-npu")) is None
