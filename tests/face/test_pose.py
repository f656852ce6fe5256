import numpy as np
import pytest

from despoof.face import roll

UPRIGHT = np.array([[35.0, 40], [65, 40], [50, 55], [38, 72], [62, 72]])


def turned(degrees):
    angle = np.radians(degrees)
    return (UPRIGHT - 50) @ np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    )


@pytest.mark.parametrize("degrees", [-179, -120, -30, 0, 0.5, 45, 91, 179])
def test_roll_is_the_angle_by_which_the_face_was_turned(degrees):
    assert np.degrees(roll(turned(degrees))) == pytest.approx(degrees, abs=1e-6)


def test_one_bad_landmark_moves_it_little():
    for bad in range(5):
        points = turned(10)
        points[bad] += [6, 15]
        assert np.degrees(roll(points)) == pytest.approx(10, abs=13)
    points = turned(10)
    points[4] += [0, 30]
    eyes_and_mouth = np.degrees(np.arctan2(*(points[1] - points[0] + points[4] - points[3])[::-1]))
    assert abs(np.degrees(roll(points)) - 10) < abs(eyes_and_mouth - 10)


def test_points_that_say_nothing_give_zero():
    assert roll(np.zeros((5, 2))) == 0
    assert roll(np.full((5, 2), np.nan)) == 0
