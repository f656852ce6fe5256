"""Evaluation rows as Markdown for people and as JSON for programs."""

import json
from collections.abc import Sequence

from despoof.evaluation.rows import Row
from despoof.metrics.bootstrap import Interval
from despoof.metrics.rates import MeanRate, Rate

_HEADER = (
    "system and set",
    "live",
    "attack",
    "groups",
    "AUC [95 %]",
    "EER % [95 %]",
    "threshold",
    "HTER % [95 %]",
    "APCER pooled % [95 %]",
    "APCER max % [95 %]",
    "BPCER % [95 %]",
)


def to_markdown(rows: Sequence[Row]) -> str:
    """Render a GitHub table, one line a row, ending with a note on the intervals.

    Rates are percentages with k/n and the Wilson interval; a dash stands for what a missing class
    or too few groups leave open.
    """
    table = [_HEADER, ("---",) + ("---:",) * (len(_HEADER) - 1)]
    table += [_cells(row) for row in rows]
    note = (
        "AUC, EER and HTER: bootstrap over groups (live/attack groups). Rates: Wilson, "
        "presentations taken as independent. A score must exceed the threshold to be live."
    )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table) + f"\n\n{note}\n"


def to_plain(row: Row) -> dict[str, object]:
    """Flatten a row to JSON values: rates as fractions, `<rate>_ci95`, `<rate>_k`, `<rate>_n`."""
    values: dict[str, object] = {
        "name": row.name,
        "n_live": row.n_live,
        "n_attack": row.n_attack,
        "live_groups": row.live_groups,
        "attack_groups": row.attack_groups,
        "threshold": row.threshold.value,
        "threshold_chosen": row.threshold.chosen,
        "auc": row.auc,
        "auc_ci95": _ends(row.auc_interval),
        "eer": row.eer and row.eer.value,
        "eer_group_ci95": _ends(row.eer_interval),
        "eer_threshold": row.eer and row.eer.threshold,
        "eer_convention": row.eer and row.eer.convention,
    }
    for name in ("apcer_pooled", "apcer_max", "bpcer"):
        rate: Rate | None = getattr(row, name)
        values |= {
            name: rate and rate.value,
            f"{name}_ci95": _ends(rate),
            f"{name}_k": rate and rate.k,
            f"{name}_n": rate and rate.n,
        }
    for name in ("acer_pooled", "acer_max", "hter"):
        mean: MeanRate | None = getattr(row, name)
        values |= {name: mean and mean.value, f"{name}_ci95": _ends(mean)}
    values["hter_group_ci95"] = _ends(row.hter_interval)
    values["apcer_by_species"] = {
        species: {"value": rate.value, "ci95": _ends(rate), "k": rate.k, "n": rate.n}
        for species, rate in row.apcer_by_species.items()
    }
    return values


def to_json(rows: Sequence[Row]) -> str:
    """Render strict JSON (no NaN, no infinity): a list with `to_plain` of each row."""
    return json.dumps([to_plain(row) for row in rows], indent=2, allow_nan=False) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name.replace("|", "\\|"),
        str(row.n_live),
        str(row.n_attack),
        f"{row.live_groups}/{row.attack_groups}",
        "–" if row.auc is None else f"{row.auc:.3f}" + _span(row.auc_interval, 1, 3),
        "–" if row.eer is None else f"{100 * row.eer.value:.1f}" + _span(row.eer_interval),
        f"{row.threshold.value:.4g}, {row.threshold.chosen}",
        "–" if row.hter is None else f"{100 * row.hter.value:.1f}" + _span(row.hter_interval),
        _rate(row.apcer_pooled),
        _rate(row.apcer_max),
        _rate(row.bpcer),
    )


def _rate(rate: Rate | None) -> str:
    return "–" if rate is None else f"{100 * rate.value:.1f} ({rate.k}/{rate.n})" + _span(rate)


def _span(of: Rate | Interval | None, scale: float = 100, digits: int = 1) -> str:
    return f" [{scale * of.low:.{digits}f}, {scale * of.high:.{digits}f}]" if of else ""


def _ends(of: Rate | MeanRate | Interval | None) -> list[float] | None:
    return [of.low, of.high] if of else None
