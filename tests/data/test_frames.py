import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from despoof.core.errors import InputError, MediaError
from despoof.data.frames import count_frames, pick_frames, pick_one, read_numbered
from despoof.media.videos import read_video


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Thirty frames; frame n is grey 8 n."""
    path = tmp_path_factory.mktemp("numbered") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(30):
            grey = np.full((48, 64, 3), 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return path


def shade(image):
    return round(float(image.mean()) / 8)


@given(st.integers(1, 3000), st.integers(1, 40))
def test_uniform_frames_are_spread_evenly_and_symmetrically(total, count):
    picks = pick_frames(total, count)
    assert len(picks) == min(total, count) == len(set(picks))
    assert picks[0] >= 0 and picks[-1] < total
    gaps = np.diff(picks)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1
    # Each is in the middle of its part, to within a frame: as many frames lie before as after.
    assert abs(picks[0] - (total - 1 - picks[-1])) <= 1


def test_all_frames_and_the_published_pairs():
    assert pick_frames(5, None) == [0, 1, 2, 3, 4]
    assert pick_frames(100, 1, "ssdg") == [6]  # "7th frame"
    assert pick_frames(101, 2, "ssdg") == [6, 56]  # "6 and 6 + n / 2"
    assert pick_frames(8, 2, "ssdg") == [6, 7] and pick_frames(4, 2, "ssdg") == [3]


@pytest.mark.parametrize("wrong", [(0, 3), (3, 0), (9, 8, "ssdg"), (9, None, "ssdg")])
def test_impossible_wishes_are_refused(wrong):
    with pytest.raises(InputError):
        pick_frames(*wrong)
    with pytest.raises(InputError):
        pick_one(0, 1, 2, "clip")


@given(st.integers(0, 2**40), st.integers(1, 500))
def test_one_random_frame_hangs_on_seed_epoch_and_name_alone(seed, total):
    assert 0 <= pick_one(total, seed, 3, "a") == pick_one(total, seed, 3, "a") < total


def test_random_frames_differ_between_epochs_and_clips_and_are_uniform():
    picks = np.array([[pick_one(10, 7, epoch, f"{c}") for epoch in range(200)] for c in range(20)])
    counts = np.bincount(picks.ravel(), minlength=10)
    expected = picks.size / 10
    assert ((counts - expected) ** 2 / expected).sum() < 27.9  # chi-square, 9 degrees, p = .001
    assert abs(np.corrcoef(picks[0], picks[1])[0, 1]) < 0.3
    assert abs(np.corrcoef(picks[:, :-1].ravel(), picks[:, 1:].ravel())[0, 1]) < 0.06


def test_frames_come_by_number_in_order_of_show(numbered):
    # With B frames, so the order in the file is not that on the screen.
    assert count_frames(numbered) == 30
    got = {number: shade(image) for number, image in read_numbered(numbered, [0, 7, 8, 29])}
    assert got == {0: 0, 7: 7, 8: 8, 29: 29}
    assert not list(read_numbered(numbered, [])) and not list(read_numbered(numbered, [30]))


def test_uniform_numbers_are_the_frames_that_the_product_looks_at(numbered):
    ours = [image for _, image in read_numbered(numbered, pick_frames(30, 6))]
    theirs = [frame.image for frame in read_video(numbered, 6)]
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_a_cut_clip_gives_what_is_there(numbered, tmp_path):
    path = tmp_path / "cut.ts"
    with av.open(str(numbered)) as source, av.open(str(path), "w", format="mpegts") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    total = count_frames(path)
    assert 5 < total < 30
    got = list(read_numbered(path, range(30)))
    assert total - 4 <= len(got) <= total


def test_a_picture_is_a_clip_of_one_frame(tmp_path):
    path = tmp_path / "a.png"
    Pillow.fromarray(np.full((9, 7, 3), 40, np.uint8)).save(path)
    assert count_frames(path) == 1
    [(number, image)] = read_numbered(path, [0])
    assert number == 0 and image.shape == (9, 7, 3)
    assert not list(read_numbered(path, [1]))


def test_bad_files_and_numbers_are_named(numbered, tmp_path):
    with pytest.raises(InputError, match="ascending"):
        list(read_numbered(numbered, [3, 3]))
    with pytest.raises(InputError, match="ascending"):
        list(read_numbered(numbered, [-1]))
    for name, content in (("no.mp4", None), ("text.mp4", b"hello" * 50)):
        path = tmp_path / name
        if content:
            path.write_bytes(content)
        with pytest.raises(MediaError, match=name):
            count_frames(path)
