"""Check 6: the latent must be white noise of unit variance."""

from torch import Tensor

from despoof.evaluation.bridge_checks.check import Check, not_finite
from despoof.evaluation.bridge_checks.subject import Crossed, Subject

LIMIT = 0.05
LAGS = (1, 2, 4, 8)
TARGET = "mean, variance − 1 and correlation of pixels: each below 0.05"


def latent_check(subject: Subject, own: Crossed) -> Check:
    """Look at the state where the bridge turns round."""
    config, schedule = subject.system.config.bridge, subject.system.config.schedule
    end = float(config.times(schedule)[-1])
    if (left := float(schedule.alpha(end))) > LIMIT:
        words = (
            f"Not measured: this bridge turns round at t = {end:.4g}, where {left:.0%} of the "
            "picture is left. Take t_max away to see its latent."
        )
        return Check("latent", None, TARGET, {}, words)
    if (broken := not_finite("latent", TARGET, own.latent)) is not None:
        return broken
    figures = latent_figures(own.latent)
    worst = max(abs(value) for value in figures.values())
    words = f"Correlation: the largest at distances of {', '.join(map(str, LAGS))} pixels."
    return Check("latent", worst < LIMIT, TARGET, figures, words)


def latent_figures(latent: Tensor) -> dict[str, float]:
    """Return what is 0 for white noise of unit variance.

    Args:
        latent: (N, C, S, S), S > 8.

    Returns:
        `mean`, `variance_excess`; `across`, `down` and `colours`: the correlation of largest size
        among pixels at `LAGS` in a row, in a column, and among the channels of a pixel.
    """
    x = latent.double()
    mean, variance = x.mean(), x.var(correction=0)
    y = (x - mean) / variance.sqrt().clamp(min=1e-30)
    across = [float((y[..., lag:] * y[..., :-lag]).mean()) for lag in LAGS]
    down = [float((y[..., lag:, :] * y[..., :-lag, :]).mean()) for lag in LAGS]
    colours = [float((y * y.roll(i, dims=1)).mean()) for i in range(1, x.shape[1])]
    return {
        "mean": float(mean),
        "variance_excess": float(variance - 1),
        "across": max(across, key=abs),
        "down": max(down, key=abs),
        "colours": max(colours, key=abs, default=0.0),
    }
