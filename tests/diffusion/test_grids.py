import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.diffusion.grids import time_grid
from despoof.diffusion.schedule import NoiseSchedule

KINDS = ("uniform", "quadratic", "log-snr", "edm", "karras")


@given(
    st.sampled_from(["linear", "cosine", "scaled-linear"]),
    st.sampled_from(KINDS),
    st.integers(1, 120),
    st.floats(0.01, 50),
    st.floats(60, 1000),
)
def test_grids_rise_from_end_to_end(kind, grid, steps, t_min, t_max):
    schedule = NoiseSchedule(kind=kind)
    times = time_grid(schedule, grid, steps, t_min=t_min, t_max=t_max)
    assert times.dtype == np.float64 and len(times) == steps + 1
    assert np.all(np.diff(times) > 0)
    if grid != "karras":
        assert times[0] == t_min and times[-1] == t_max


def test_each_kind_is_even_in_what_it_says(schedule):
    def spread(values):
        return np.ptp(np.diff(values)) / abs(np.diff(values)).mean()

    grids = {kind: time_grid(schedule, kind, 20) for kind in KINDS}
    assert spread(grids["uniform"]) < 1e-12
    assert spread(grids["quadratic"] ** 0.5) < 1e-12
    assert spread(schedule.log_snr(grids["log-snr"])) < 1e-9
    assert spread(schedule.noise_ratio(grids["edm"]) ** (1 / 7)) < 1e-9
    karras = schedule.noise_ratio(grids["karras"])
    assert spread(karras ** (1 / 7)) < 1e-9 and karras[-1] == pytest.approx(80)


@pytest.mark.parametrize("kind", ["uniform", "quadratic", "edm", "karras"])
def test_grids_may_start_at_the_clean_picture(schedule, kind):
    times = time_grid(schedule, kind, 10, t_min=0)
    assert (times[0] == 0) == (kind != "karras") and np.all(np.diff(times) > 0)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"t_min": -1},
        {"t_min": 500, "t_max": 500},
        {"t_max": 1001},
        {"t_max": float("nan")},
        {"rho": 0},
        {"kind": "log-snr", "t_min": 0},
        {"kind": "karras", "t_min": 980},
    ],
)
def test_bad_grids_are_errors(schedule, change):
    asked = {"kind": "edm", "steps": 10} | change
    with pytest.raises(InputError):
        time_grid(schedule, asked.pop("kind"), asked.pop("steps"), **asked)
