"""The report as one page that needs nothing else: text, tables, inline SVG, thumbnails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from despoof._version import __version__
from despoof.core.extras import need
from despoof.core.files import sha256
from despoof.evaluation.report import Judgement, Part
from despoof.evaluation.report_compare import Pair
from despoof.evaluation.report_errors import WorstError
from despoof.evaluation.report_nonresponses import POLICY
from despoof.evaluation.report_plain import fold_summary
from despoof.evaluation.report_plots import (
    EXTRA,
    det_of_species,
    det_of_systems,
    histogram,
    rates_by_threshold,
)
from despoof.metrics.bootstrap import Interval
from despoof.metrics.delong import AucInterval
from despoof.metrics.rates import MeanRate, Rate

HTML = Path(__file__).parent / "html"
MOST_PARTS = 40


@dataclass(frozen=True)
class View:
    """What the page shows of one system, beside the judgement itself."""

    found: Judgement
    worst: str
    figures: Sequence[tuple[str, str]]
    parts: Sequence[tuple[str, Sequence[Part], int]]
    over: Mapping[str, object]
    errors: Sequence[WorstError]
    pictures: bool


def render(
    systems: Sequence[Judgement],
    pairs: Sequence[Pair] = (),
    errors: Sequence[Sequence[WorstError]] = (),
    audit: Mapping[str, Any] | None = None,
    title: str | None = None,
    *,
    left_out: bool = False,
) -> str:
    """Return the page.

    Args:
        systems: at least one.
        pairs: of several systems.
        errors: the worst errors of each system.
        audit: what `scored_audit.audit_section` returns, or what `despoof data audit --json`
            prints, for the section on trivial cues.
        title: of the page.
        left_out: pictures were left out on purpose.

    Raises:
        MissingExtraError: the `report` extra is not installed.
    """
    jinja2 = need("jinja2", EXTRA)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HTML),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
    )
    helpers = (percent, span, plain_span, counts, number, p_value)
    environment.globals.update({helper.__name__: helper for helper in helpers})
    page: str = environment.get_template("report.html.j2").render(
        title=title or f"Report: {', '.join(found.name for found in systems)}",
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        css=(HTML / "report.css").read_text(encoding="utf-8"),
        views=[
            _view(found, errors[i] if i < len(errors) else (), f"s{i + 1}")
            for i, found in enumerate(systems)
        ],
        pairs=pairs,
        overlay=_overlay(systems),
        audit=audit,
        left_out=left_out,
        policy=POLICY,
        files=_files(systems),
    )
    return page


def percent(share: float) -> str:
    """Format a fraction as per cent: two digits, more where it is tiny."""
    value = 100 * share
    return f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


def span(of: Rate | MeanRate | Interval) -> str:
    """Format an interval of a fraction as per cent."""
    return f"{percent(of.low)} to {percent(of.high)}\N{NO-BREAK SPACE}%"


def plain_span(of: Interval | AucInterval) -> str:
    """Format an interval of an AUC."""
    return f"{of.low:.4f} to {of.high:.4f}"


def counts(of: Rate | MeanRate) -> str:
    """Format k/n, of a mean both."""
    if isinstance(of, MeanRate):
        return f"{of.attack.k}/{of.attack.n} and {of.live.k}/{of.live.n}"
    return f"{of.k}/{of.n}"


def number(value: float) -> str:
    """Format a score or threshold."""
    return f"{value:.5g}"


def p_value(p: float) -> str:
    """Format a p-value."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.1 else f"{p:.2f}"


def _view(found: Judgement, errors: Sequence[WorstError], key: str) -> View:
    row = found.row
    species = row.apcer_by_species
    worst = [name for name, rate in species.items() if rate == row.apcer_max]
    return View(
        found=found,
        worst=worst[0] if worst and row.apcer_max and row.apcer_max.k else "",
        figures=[(_labelled(svg, text), text) for svg, text in _figures(found, key)],
        parts=[
            (name, sorted(_most_wrong(parts), key=lambda part: part.key), len(parts))
            for name, parts in found.parts.items()
        ],
        over=fold_summary(found.folds) if found.folds else {},
        errors=errors,
        pictures=any(error.picture for error in errors),
    )


def _most_wrong(parts: Sequence[Part]) -> list[Part]:
    def wrong(part: Part) -> int:
        return -sum(rate.k for rate in (part.apcer, part.bpcer) if rate)

    return sorted(parts, key=wrong)[:MOST_PARTS]


def _figures(found: Judgement, key: str) -> list[tuple[str, str]]:
    scores, limit = found.table.scores(), found.row.threshold.value
    oracle = " The threshold is an oracle." if found.oracle else ""
    figures = [(histogram(scores, limit, f"{key}h"), f"Scores of both classes.{oracle}")]
    if scores.n_live and scores.n_attack:
        figures += [
            (
                det_of_species(scores, f"{key}d"),
                "DET on normal-deviate axes: one curve per species, and the worst species at "
                "every threshold. Lower left is better.",
            ),
            (
                rates_by_threshold(scores, limit, f"{key}r"),
                f"Error rates if the threshold were elsewhere.{oracle}",
            ),
        ]
    return figures


def _labelled(svg: str, text: str) -> str:
    return svg.replace('role="img"', f'role="img" aria-label="{text}"', 1)


def _overlay(systems: Sequence[Judgement]) -> str:
    scored = [(found.name, found.table.scores()) for found in systems]
    both = [(name, scores) for name, scores in scored if scores.n_live and scores.n_attack]
    return _labelled(det_of_systems(both, "all"), "DET curves") if len(both) > 1 else ""


def _files(systems: Sequence[Judgement]) -> list[tuple[str, str]]:
    sources = dict.fromkeys(found.table.source for found in systems)
    return [(name, sha256(name)) for name in sources if Path(name).is_file()]
