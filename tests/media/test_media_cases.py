"""Small inputs that once went wrong, where they are at hand (../shared/cases)."""

from pathlib import Path

import numpy as np
import pytest

from despoof.cli.watch_source import video_frames
from despoof.data.frames import count_frames
from despoof.media import read_frames, read_image

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"there is no {CASES}")


def frames(name, count=8):
    return read_frames(CASES / "media" / name, count)


def apart(one, other):
    return np.abs(one.image.astype(int) - other.image).mean()


def test_the_film_and_not_its_cover():
    covered, film = frames("attack_cover_genuine_first.mp4"), frames("attack.mp4")
    assert all(np.array_equal(a.image, b.image) for a, b in zip(covered, film, strict=True))


@pytest.mark.parametrize(
    ("name", "count", "seconds"), [("live_then_attack.ts", 48, 4), ("lfa_short_header.mp4", 72, 6)]
)
def test_all_that_is_there_is_covered(name, count, seconds):
    found = frames(name)
    expected = (np.arange(8) + 0.5) * seconds / 8
    assert [frame.time for frame in found] == pytest.approx(expected, abs=0.1)
    path = CASES / "media" / name
    assert count_frames(path) == count == len(list(video_frames(str(path))))


def test_hlg_is_the_film_in_sdr():
    assert apart(frames("hlg.mp4", 99)[0], frames("plain.mp4", 99)[0]) < 4


@pytest.mark.parametrize("name", ["hflip.mp4", "transpose.mp4"])
def test_mirrored_films_are_shown_upright(name):
    turned, plain = frames(name, 99)[0], frames("plain.mp4", 99)[0]
    mirrored = np.abs(turned.image[:, ::-1].astype(int) - plain.image).mean()
    assert apart(turned, plain) < 25
    assert mirrored > 60


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linear_named_Linear_RGB", "linear_named_Linear_sRGB"),
        ("grey_L_linear", "grey_LA_linear"),
    ],
)
def test_profiles_go_by_content(one, other):
    a, b = (read_image(CASES / "pictures" / f"{name}.png") for name in (one, other))
    assert np.array_equal(a, b)
