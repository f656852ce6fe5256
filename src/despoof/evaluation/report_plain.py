"""A judgement as JSON values and as CSV lines."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from despoof.core.cells import guarded
from despoof.evaluation.report import Judgement
from despoof.evaluation.report_nonresponses import POLICY
from despoof.evaluation.rows import Row
from despoof.metrics.bootstrap import Interval
from despoof.metrics.delong import AucInterval
from despoof.metrics.folds import FoldMean, fold_table
from despoof.metrics.rates import MeanRate, Rate, make_rate

RATES = ("apcer_pooled", "apcer_max", "bpcer")
MEANS = ("acer_pooled", "acer_max", "hter")


def plain_judgement(found: Judgement) -> dict[str, Any]:
    """Return JSON values: rates as fractions, each with `_ci95`, `_k` and `_n`; null if unresolved.

    Of ACER, HTER and EER, means of an attack rate and a live rate, `_k` and `_n` are pairs:
    [attacks accepted, live rejected] and [attacks, live].
    """
    row = found.row
    values: dict[str, Any] = {
        "name": found.name,
        "scores": found.table.source,
        "n_live": row.n_live,
        "n_attack": row.n_attack,
        "n_live_subjects": row.live_groups,
        "n_attack_subjects": row.attack_groups,
        "threshold": row.threshold.value,
        "threshold_chosen": row.threshold.chosen,
        "oracle": found.oracle,
        "auc": row.auc,
        "auc_ci95": _ends(found.auc),
        **_eer(row),
        **rates(row),
        **_species(found),
    }
    for name in ("bpcer10", "bpcer20", "bpcer100"):
        point = found.at_apcer.get(name)
        values |= _rate(name, point.bpcer if point and point.resolved else None)
        values[f"{name}_threshold"] = point.threshold if point else None
        values[f"{name}_at_most"] = point.bpcer.value if point and not point.resolved else None
    values |= {f"{name}_group_ci95": _ends(one) for name, one in found.grouped.items()}
    values |= _missing(found)
    for name, parts in found.parts.items():
        values[f"by_{name}"] = {
            part.key: _rate("apcer", part.apcer) | _rate("bpcer", part.bpcer) for part in parts
        }
    if found.folds:
        values["folds"] = [_fold(fold) for fold in found.folds]
        values["fold_mean_sd"] = {
            name: [over.mean, over.sd] for name, over in fold_summary(found.folds).items()
        }
    values["notes"] = list(found.notes)
    return values


def rates(row: Row) -> dict[str, Any]:
    """Return the rates of a row at its threshold, as in `plain_judgement`."""
    values: dict[str, Any] = {}
    for name in RATES:
        values |= _rate(name, getattr(row, name))
    for name in MEANS:
        values |= _mean(name, getattr(row, name))
    return values


def fold_summary(folds: Sequence[Row]) -> dict[str, FoldMean]:
    """Return mean and standard deviation over folds, of the rates that every fold has."""
    names = [name for name in (*RATES, *MEANS) if all(getattr(fold, name) for fold in folds)]
    return fold_table([{name: getattr(fold, name).value for name in names} for fold in folds])


def table_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return CSV with the keys of all rows as columns, in order of appearance; lists as "a;b"."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = [_cell(row.get(column)) for column in columns]
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])
    return stream.getvalue()


def tables(found: Judgement) -> dict[str, list[dict[str, Any]]]:
    """Return what is written as CSV: the summary, and one table a breakdown."""
    flat = {
        key: value
        for key, value in plain_judgement(found).items()
        if not isinstance(value, dict) and key not in ("folds", "notes")
    }
    named: dict[str, list[dict[str, Any]]] = {"summary": [flat]}
    named["species"] = [
        {
            "species": species,
            **_rate("apcer", rate),
            "d_eer": found.species_eer[species].value if species in found.species_eer else None,
        }
        for species, rate in found.row.apcer_by_species.items()
    ]
    for name, parts in found.parts.items():
        named[name] = [
            {name: part.key, **_rate("apcer", part.apcer), **_rate("bpcer", part.bpcer)}
            for part in parts
        ]
    if found.folds:
        named["fold"] = [_fold(fold) for fold in found.folds]
    return {name: rows for name, rows in named.items() if rows}


def _fold(fold: Row) -> dict[str, Any]:
    limit = fold.threshold
    named = {"fold": fold.name, "threshold": limit.value, "threshold_chosen": limit.chosen}
    return named | rates(fold)


def _eer(row: Row) -> dict[str, Any]:
    if row.eer is None:
        return dict.fromkeys(("eer", "eer_ci95", "eer_k", "eer_n", "eer_threshold")) | {
            "eer_convention": None
        }
    k = [round(row.eer.far * row.n_attack), round(row.eer.frr * row.n_live)]
    attack, live = make_rate(k[0], row.n_attack), make_rate(k[1], row.n_live)
    half = [(attack.low + live.low) / 2, (attack.high + live.high) / 2]
    return {
        "eer": row.eer.value,
        "eer_ci95": half,
        "eer_k": k,
        "eer_n": [row.n_attack, row.n_live],
        "eer_threshold": row.eer.threshold,
        "eer_convention": row.eer.convention,
    }


def _species(found: Judgement) -> dict[str, Any]:
    rates_of = found.row.apcer_by_species
    return {
        "apcer_by_species": {name: rate.value for name, rate in rates_of.items()},
        "apcer_by_species_ci95": {name: _ends(rate) for name, rate in rates_of.items()},
        "apcer_by_species_k": {name: rate.k for name, rate in rates_of.items()},
        "apcer_by_species_n": {name: rate.n for name, rate in rates_of.items()},
        "eer_by_species": {name: one.value for name, one in found.species_eer.items()},
    }


def _missing(found: Judgement) -> dict[str, Any]:
    gone = found.missing
    attack = live = refused = None
    if gone is not None:
        n_attack, n_live = found.row.n_attack + gone.attack, found.row.n_live + gone.live
        attack = make_rate(gone.attack, n_attack) if n_attack else None
        live = make_rate(gone.live, n_live) if n_live else None
        if found.row.bpcer:
            refused = make_rate(found.row.bpcer.k + gone.live, n_live)
    values = _rate("apnrr", attack) | _rate("bpnrr", live)
    values |= _rate("bpcer_with_non_responses", refused)
    return values | {"non_response_policy": POLICY if gone is not None else None}


def _rate(name: str, rate: Rate | None) -> dict[str, Any]:
    return {
        name: rate.value if rate else None,
        f"{name}_ci95": _ends(rate),
        f"{name}_k": rate.k if rate else None,
        f"{name}_n": rate.n if rate else None,
    }


def _mean(name: str, mean: MeanRate | None) -> dict[str, Any]:
    return {
        name: mean.value if mean else None,
        f"{name}_ci95": _ends(mean),
        f"{name}_k": [mean.attack.k, mean.live.k] if mean else None,
        f"{name}_n": [mean.attack.n, mean.live.n] if mean else None,
    }


def _ends(of: Rate | MeanRate | Interval | AucInterval | None) -> list[float] | None:
    return [of.low, of.high] if of else None


def _cell(value: object) -> object:
    return ";".join(map(str, value)) if isinstance(value, list) else value  # pyright: ignore
