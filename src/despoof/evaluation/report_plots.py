"""The pictures of a report, as SVG text: histograms, DET, rates against the threshold."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from despoof.core.extras import need
from despoof.metrics.curves import roc
from despoof.metrics.det import Det, det_by_species, det_worst
from despoof.metrics.scores import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EXTRA = "report"
LIVE, ATTACK, INK, FAINT = "#0b6e4f", "#b3261e", "#1c2430", "#c9ced6"
COLOURS = ("#1f5fa8", "#c05a00", "#7a3fa0", "#00808a", "#a3195b", "#5b6b00", "#6b4a2b", "#4a5568")
DASHES = ("-", "--", "-.", ":")
TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)
MOST_POINTS, MOST_CURVES = 1200, 8
_SIZE = (5.2, 4.2)
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # letters stay letters: small, searchable, in the page's own font
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7480",
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
}


def histogram(scores: Scores, threshold: float, key: str) -> str:
    """Draw the scores of both classes as shares of their class; the threshold as a line.

    Args:
        scores: N presentations.
        threshold: live iff score > threshold.
        key: tells the pictures of one page apart.
    """
    edges = _edges(scores.score, threshold)

    def draw(axes: "Axes") -> None:
        for of, colour, name in ((scores.live, LIVE, "live"), (~scores.live, ATTACK, "attack")):
            values = np.clip(scores.score[of], edges[0], edges[-1])
            if not len(values):
                continue
            share = 100 * np.histogram(values, edges)[0] / len(values)
            look: dict[str, Any] = {"fill": True, "facecolor": f"{colour}55", "edgecolor": colour}
            label = f"{name} (n = {len(values)})"
            dash = "-" if name == "live" else "--"
            axes.stairs(share, edges, label=label, linestyle=dash, linewidth=1.4, **look)
        axes.axvline(threshold, color=INK, linewidth=1, label=f"threshold {threshold:.4g}")
        axes.set_xlabel("score (higher = more live)")
        axes.set_ylabel("share of the class, %")

    return _drawn(key, draw)


def rates_by_threshold(scores: Scores, threshold: float, key: str) -> str:
    """Draw APCER of the worst species, pooled APCER, and BPCER as functions of the threshold."""
    worst, pooled = det_worst(scores), roc(scores)
    edges = _edges(scores.score, threshold)
    lines = (
        (worst.thresholds, worst.apcer, ATTACK, "-", "APCER, worst species"),
        (pooled.thresholds, pooled.far, ATTACK, ":", "APCER, pooled"),
        (worst.thresholds, worst.bpcer, LIVE, "--", "BPCER"),
    )

    def draw(axes: "Axes") -> None:
        for thresholds, values, colour, dash, name in lines:
            place = np.clip(thresholds, edges[0], edges[-1])
            keep = _thin(place, values, 1 / (edges[-1] - edges[0]), 1.0)
            look: dict[str, Any] = {"color": colour, "linestyle": dash, "label": name}
            axes.step(place[keep], 100 * values[keep], where="post", **look)
        axes.axvline(threshold, color=INK, linewidth=1, label=f"threshold {threshold:.4g}")
        axes.set_xlabel("threshold")
        axes.set_ylabel("error rate, %")
        axes.set_ylim(-2, 102)

    return _drawn(key, draw)


def det_of_species(scores: Scores, key: str) -> str:
    """Draw a DET curve for each species (the worst eight) and the worst-case envelope."""
    curves = det_by_species(scores)
    ease = {name: -float(np.minimum(c.apcer, c.bpcer).max()) for name, c in curves.items()}
    kept = sorted(sorted(curves, key=lambda name: ease[name])[:MOST_CURVES])
    lines: list[tuple[str, Det]] = [(name, curves[name]) for name in kept]
    left = len(curves) - len(kept)
    if len(curves) > 1:
        name = "worst case" + (f" ({left} species not drawn)" if left else "")
        lines.append((name, det_worst(scores)))
    return det_plot(lines, len(scores), key, envelope=len(curves) > 1)


def det_of_systems(systems: Sequence[tuple[str, Scores]], key: str) -> str:
    """Draw the worst-case DET envelope of each system over the others'."""
    lines = [(name, det_worst(scores)) for name, scores in systems[:MOST_CURVES]]
    return det_plot(lines, max(len(scores) for _, scores in systems), key)


def det_plot(
    lines: Sequence[tuple[str, Det]], size: int, key: str, *, envelope: bool = False
) -> str:
    """Draw DET curves on normal-deviate axes; rates are cut at 1 / (2 n) and its complement."""
    least = min(0.02, max(5e-4, 1 / (2 * size)))
    ends = (float(ndtri(least)), float(ndtri(0.97)))
    reach = 1 / (ends[1] - ends[0])
    shown = [tick for tick in TICKS if least <= tick]
    places, names = [float(ndtri(tick)) for tick in shown], [f"{100 * tick:g}" for tick in shown]

    def draw(axes: "Axes") -> None:
        for number, (name, curve) in enumerate(lines):
            x, y = (np.clip(ndtri(rate), *ends) for rate in (curve.apcer, curve.bpcer))
            keep = _thin(x, y, reach, reach)
            look: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "label": _said(name)}
            look["linestyle"] = DASHES[number % len(DASHES)]
            if envelope and number == len(lines) - 1:
                look |= {"color": INK, "linewidth": 4, "alpha": 0.3, "linestyle": "-", "zorder": 1}
            axes.step(x[keep], y[keep], where="post", **look)
        axes.plot(ends, ends, color=FAINT, linewidth=1, zorder=0)
        axes.set_xticks(places, names)
        axes.set_yticks(places, names)
        axes.grid(color="#e6e9ee", linewidth=0.8)
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.set_xlabel("APCER, %")
        axes.set_ylabel("BPCER, %")

    return _drawn(key, draw)


def _drawn(key: str, draw: "Callable[[Axes], None]") -> str:
    matplotlib = need("matplotlib", EXTRA)
    stream = io.StringIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": key}), warnings.catch_warnings():
        # Letters that the measuring font lacks are drawn by the browser's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure: Figure = need("matplotlib.figure", EXTRA).Figure(figsize=_SIZE)
        axes = figure.add_subplot()
        draw(axes)
        handles, names = axes.get_legend_handles_labels()
        columns = 1 if max(map(len, names)) > 24 else 2
        axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns)
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", bbox_inches="tight", metadata=metadata)
    return _inline(stream.getvalue(), key)


def _said(name: str) -> str:
    """Return a name as matplotlib prints it: no formulas; a leading _ would hide it."""
    return name.replace("$", r"\$").replace("_", " _", 1 if name.startswith("_") else 0)


def _inline(text: str, key: str) -> str:
    """Make an SVG file part of a page: no header, no fixed size, names of its own."""
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{key}-', text)
    text = re.sub(r"url\(#", f"url(#{key}-", text)
    # The page sets the size; a fixed one would make phones scroll sideways.
    head, rest = text.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    return f'{head} role="img">{rest}'


def _edges(score: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Forty bins over all but the outermost half per cent of scores, and the threshold."""
    low, high = np.quantile(score, [0.005, 0.995])
    low, high = min(float(low), threshold), max(float(high), threshold)
    room = 0.02 * (high - low) or max(abs(low), 1.0) * 0.05
    return np.linspace(low - room, high + room, 41)


def _thin(
    x: NDArray[np.float64], y: NDArray[np.float64], x_scale: float, y_scale: float
) -> NDArray[np.bool_]:
    """Keep points so that no drawn step differs visibly: one every 1 / MOST_POINTS of the path."""
    steps = (np.abs(np.diff(v, prepend=v[0])) * by for v, by in ((x, x_scale), (y, y_scale)))
    cell = np.floor(np.cumsum(sum(steps)) * MOST_POINTS / 2)
    keep = np.diff(cell, prepend=-1) > 0
    keep[-1] = True
    return keep
