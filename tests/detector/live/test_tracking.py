"""Tracks: numbers stay with faces, through jitter and gaps, and are never given twice."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.types import Face
from despoof.detector.live.config import TrackingConfig
from despoof.detector.live.tracking import ended, follow, iou, match

QUICK = settings(deadline=None, max_examples=40)
CONFIG = TrackingConfig()
boxes = st.tuples(
    st.floats(-50, 600), st.floats(-50, 400), st.floats(1, 300), st.floats(1, 300)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def face(x, y, side=100.0):
    return Face((x, y, x + side, y + side))


def rasterised(one, other):
    """Intersection over union of whole-numbered boxes by counting pixels."""
    grid = np.zeros((2, 64, 64), bool)
    for plane, (x1, y1, x2, y2) in zip(grid, (one, other), strict=True):
        plane[y1:y2, x1:x2] = True
    return (grid[0] & grid[1]).sum() / (grid[0] | grid[1]).sum()


whole = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 30)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@QUICK
@given(whole, whole)
def test_iou_counts_pixels(one, other):
    assert iou(one, other) == pytest.approx(rasterised(one, other))


@QUICK
@given(boxes, boxes)
def test_iou_is_symmetric_bounded_and_one_only_with_itself(one, other):
    assert 0 <= iou(one, other) <= 1 + 1e-9
    assert iou(one, other) == pytest.approx(iou(other, one))
    assert iou(one, one) == pytest.approx(1)


@pytest.mark.parametrize("bad", [(5, 5, 5, 9), (9, 9, 5, 5), (float("nan"),) * 4])
def test_iou_of_an_empty_box_is_zero(bad):
    assert iou(bad, (0, 0, 10, 10)) == 0 == iou((0, 0, 10, 10), bad)


@QUICK
@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
def test_pairs_are_one_to_one_overlap_enough_and_leave_no_better_pair(before, after):
    tracks = follow([], [Face(b) for b in before], 0.0, 1, CONFIG)
    faces = [Face(b) for b in after]
    pairs = match(tracks, faces, CONFIG.min_iou)
    assert len(set(pairs.values())) == len(pairs)
    overlap = {
        (t, f): iou(before[t], after[f])
        for t, f in itertools.product(*map(range, _sizes(before, after)))
    }
    for t, f in pairs.items():
        assert overlap[t, f] >= CONFIG.min_iou
    for (t, f), value in overlap.items():
        if value >= CONFIG.min_iou and pairs.get(t) != f:  # someone of the two has a better one
            kept = [overlap[pair] for pair in pairs.items() if pair[0] == t or pair[1] == f]
            assert kept and max(kept) >= value


def _sizes(*lists):
    return [len(items) for items in lists]


@QUICK
@given(st.data())
def test_numbers_are_stable_under_jitter_any_order_and_short_gaps(data):
    """Faces 200 px apart, 100 px large, that jitter by up to 15 px and are sometimes missed."""
    count = data.draw(st.integers(1, 4), "faces")
    tracks, time = [], 0.0
    for turn in range(12):
        jitter = data.draw(st.lists(st.floats(-15, 15), min_size=2 * count, max_size=2 * count))
        shown = range(count)
        if turn:
            shown = data.draw(st.permutations(shown))
            shown = shown[: data.draw(st.integers(0, count))]
        faces = [face(200 * i + jitter[2 * i], 50 + jitter[2 * i + 1]) for i in shown]
        # Seen at least every fourth time: within the gap of 0.5 s at 0.08 s a search.
        late = [t.number - 1 for t in tracks if time + 0.08 - t.seen > 0.3]
        faces += [face(200 * i, 50) for i in late if i not in shown]
        time += 0.08
        kept = [t for t in tracks if not ended(t, time, CONFIG)]
        tracks = follow(kept, faces, time, len(tracks) + 1, CONFIG)
        assert [t.number for t in tracks] == list(range(1, count + 1))
        for track in tracks:
            assert abs(track.face.box[0] - 200 * (track.number - 1)) <= 15


def test_a_track_ends_after_the_gap_and_its_number_is_not_given_again():
    (track,) = follow([], [face(0, 0)], 1.0, 1, CONFIG)
    assert not ended(track, 1.5, CONFIG) and ended(track, 1.51, CONFIG)
    assert ended(track, 0.9, CONFIG)  # time went back: another clip
    (again,) = follow([], [face(0, 0)], 2.0, 2, CONFIG)
    assert again.number == 2 and again.hits == 1


def test_a_missed_face_stands_still_and_says_so():
    (track,) = follow([], [face(0, 0)], 0.0, 1, CONFIG)
    (missed,) = follow([track], [], 0.1, 2, CONFIG)
    assert not missed.found and missed.seen == 0 and missed.face is track.face
    (back,) = follow([missed], [face(5, 5)], 0.2, 2, CONFIG)
    assert back.found and back.number == 1 and back.hits == 2


def test_two_faces_that_pass_each_other_keep_the_better_overlap():
    tracks = follow([], [face(0, 0), face(60, 0)], 0.0, 1, CONFIG)
    after = follow(tracks, [face(50, 0), face(10, 0)], 0.1, 3, CONFIG)
    assert [t.face.box[0] for t in after] == [10, 50]
