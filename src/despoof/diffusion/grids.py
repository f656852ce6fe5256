"""Time grids: where a solver stops between the picture and the noise.

All are ascending arrays of steps + 1 times from `t_min` to `t_max`, ends included. Encoding walks
them upwards, decoding downwards (`grid[::-1]`). `t_min` is 1 unless asked otherwise: the first time
that networks are trained at. A `t_max` below the schedule's end truncates the bridge.
"""

from typing import Literal

import numpy as np

from despoof.core.errors import InputError
from despoof.diffusion.schedule import Float64s, NoiseSchedule

GridName = Literal["uniform", "quadratic", "log-snr", "edm", "karras"]
EDM_RHO = 7.0  # Karras et al. 2022 (EDM), equation 5
EDM_RANGE = (0.002, 80.0)  # sigma / alpha that EDM samples between, table 1


def time_grid(
    schedule: NoiseSchedule,
    kind: GridName,
    steps: int,
    *,
    t_min: float = 1.0,
    t_max: float | None = None,
    rho: float = EDM_RHO,
) -> Float64s:
    """Return steps + 1 ascending times from `t_min` to `t_max`.

    Args:
        schedule: whose times.
        kind: what is spaced evenly: t ("uniform"), the root of t ("quadratic"), the log-SNR, or
            (sigma / alpha)^(1 / rho) over the whole range ("edm") or over the part of it that EDM
            itself samples, sigma / alpha ≤ 80 ("karras": ends there even if `t_max` is later).
        steps: at least 1.
        t_min: at least 0; above 0 for "log-snr", whose log-SNR is infinite there.
        t_max: at most `schedule.length`, the default.
        rho: of "edm" and "karras"; above 0.

    Raises:
        InputError: an argument is outside its range, or so many steps that two times coincide.
    """
    end = float(schedule.length if t_max is None else t_max)
    if steps < 1:
        raise InputError(f"{steps} steps are no grid. Take at least 1.")
    if not 0 <= t_min < end <= schedule.length:
        raise InputError(
            f"A grid from {t_min:g} to {end:g} is not within 0 … {schedule.length}, ascending."
        )
    if kind == "log-snr" and t_min == 0:
        raise InputError("The log-SNR at t = 0 is infinite. Start a log-snr grid above 0, e.g. 1.")
    if not rho > 0:
        raise InputError(f"rho {rho:g} is not above 0. EDM takes 7.")
    times = _spaced(schedule, kind, steps, float(t_min), end, rho=rho)
    if not np.all(np.diff(times) > 0):
        raise InputError(f"{steps} steps of {kind!r} from {t_min:g} to {end:g} are too many.")
    return times


def _spaced(
    schedule: NoiseSchedule, kind: GridName, steps: int, start: float, end: float, *, rho: float
) -> Float64s:
    if kind == "uniform":
        return np.linspace(start, end, steps + 1)
    if kind == "quadratic":
        return _ends(np.linspace(start**0.5, end**0.5, steps + 1) ** 2, start, end)
    if kind == "log-snr":
        between = np.linspace(schedule.log_snr(start), schedule.log_snr(end), steps + 1)[1:-1]
        return _ends(_padded(schedule.t_of_log_snr(between)), start, end)
    low, high = float(schedule.noise_ratio(start)), float(schedule.noise_ratio(end))
    if kind == "karras":
        low, high = max(low, EDM_RANGE[0]), min(high, EDM_RANGE[1])
        if low >= high:
            raise InputError(f"A karras grid from t = {start:g} to {end:g} has no room.")
        start = start if start > 0 and low > EDM_RANGE[0] else float(schedule.t_of_noise_ratio(low))
        end = end if high < EDM_RANGE[1] else float(schedule.t_of_noise_ratio(high))
    between = np.linspace(low ** (1 / rho), high ** (1 / rho), steps + 1)[1:-1] ** rho
    return _ends(_padded(schedule.t_of_noise_ratio(between)), start, end)


def _padded(between: Float64s) -> Float64s:
    return np.concatenate([[0.0], between, [0.0]])


def _ends(times: Float64s, start: float, end: float) -> Float64s:
    """Put the exact ends where rounding may have moved them."""
    times[0], times[-1] = start, end
    return times
