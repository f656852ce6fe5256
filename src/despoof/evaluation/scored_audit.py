"""The shortcut audit as a section of a report: trivial cues, and each system against the best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from despoof.core.errors import InputError
from despoof.core.types import FaceDetector
from despoof.evaluation.audit import AuditReport, CueRow, audit, measure_all
from despoof.evaluation.clip_scoring import BulkSettings
from despoof.evaluation.cue_comparison import CueComparison, against_best_cue
from despoof.evaluation.report import Judgement
from despoof.evaluation.score_file import ScoreRow
from despoof.evaluation.scored_clips import FoundClips
from despoof.metrics.significance import holm

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class AgainstCue:
    """One system against the best cue.

    Attributes:
        system: its name.
        result: None where it could not be tested.
        p_holm: adjusted for all systems of the report; None without a result.
        why_not: the reason; empty with a result.
    """

    system: str
    result: CueComparison | None
    p_holm: float | None = None
    why_not: str = ""

    @property
    def finding(self) -> str:
        """Who is better, in words, at 5 % after Holm's adjustment; "" without a result."""
        if self.result is None or self.p_holm is None:
            return ""
        if self.p_holm > SIGNIFICANT:
            return "not shown to differ from the cue"
        return "better than the cue" if self.result.difference > 0 else "worse than the cue"

    def plain(self) -> dict[str, Any]:
        """Return JSON values; the difference is system - cue."""
        values: dict[str, Any] = {"system": self.system}
        if self.result is None:
            return values | {"not_tested": self.why_not}
        found = self.result
        return values | {
            "cue": found.cue,
            "higher_means": found.higher_means,
            "n_live": found.n_live,
            "n_attack": found.n_attack,
            "system_auc": found.system_auc,
            "cue_auc": found.cue_auc,
            "difference": found.difference,
            "difference_ci95": [found.low, found.high],
            "p": found.p_value,
            "p_holm": self.p_holm,
            "draws": found.draws,
            "finding": self.finding,
            "beaten": self.finding.startswith("better"),
        }


def against_cues(
    systems: Sequence[Judgement], rows: Sequence[CueRow], *, draws: int = 2000
) -> list[AgainstCue]:
    """Test each system against the best cue of the clips that both have; Holm over the systems.

    Args:
        systems: judged on the same clips.
        rows: cues of some of these clips.
        draws: of the paired bootstrap over subjects.
    """
    if draws < 1:
        why_not = "no bootstrap draws (--draws 0)"
        return [AgainstCue(system.name, None, why_not=why_not) for system in systems]
    tests: list[AgainstCue] = []
    for system in systems:
        try:
            result = against_best_cue(_scores(system, rows), rows, draws=draws)
        except InputError as error:
            tests.append(AgainstCue(system.name, None, why_not=str(error)))
        else:
            tests.append(AgainstCue(system.name, result))
    adjusted = iter(holm([test.result.p_value for test in tests if test.result]))
    return [
        AgainstCue(test.system, test.result, next(adjusted)) if test.result else test
        for test in tests
    ]


def audit_section(
    systems: Sequence[Judgement],
    found: FoundClips,
    settings: BulkSettings | None = None,
    detector: FaceDetector | None = None,
    *,
    draws: int = 2000,
    show: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Measure trivial cues, and test every system against the best of them.

    Args:
        systems: that the report is about.
        found: their clips that are at hand.
        settings: `cropped`, as in scoring.
        detector: finds the face where a clip has no box.
        draws: of the bootstraps over subjects.
        show: called with each clip's name when its turn comes.

    Returns:
        JSON values, which page and table are made from, too: `AuditReport.plain` with `sample`,
        `not_measured` and `systems`; or, where a class has no measured clip, `not_run`: why, and
        what to do.
    """
    if found.why_incomplete:
        return {"not_run": found.why_incomplete}
    settings = settings or BulkSettings()
    rows, failed = measure_all(found.clips, settings, detector, show)
    if len({row.label for row in rows}) < 2:
        why = f"{len(failed)} of {len(found.clips)} clips could not be measured, all of one class"
        return {"not_run": f"{why} among them. The first: {failed[0][1]}"}
    report = audit(rows, draws=min(draws, 1000))
    return report.plain() | {
        "sample": _sample(report, found, len(failed), settings.cropped),
        "not_measured": [{"path": path, "reason": reason} for path, reason in failed],
        "systems": [test.plain() for test in against_cues(systems, rows, draws=draws)],
    }


def _sample(report: AuditReport, found: FoundClips, failed: int, cropped: bool) -> str:
    total = found.n_live + found.n_attack
    gone = found.n_looked - len(found.clips)
    boxes = sum(clip.box is not None for clip in found.clips)
    rest = "the whole picture (--cropped)" if cropped else "what the face detector found"
    parts = [
        f"Measured on {report.n_live} of {found.n_live} live and {report.n_attack} of "
        f"{found.n_attack} attack clips",
        f"{found.n_looked} were looked for, evenly spread" if found.n_looked < total else "",
        f"the pictures of {gone} are not at hand" if gone else "",
        f"{failed} could not be measured" if failed else "",
    ]
    faces = [f"the manifest's box ({boxes})" if boxes else "", rest]
    if boxes == len(found.clips):
        faces = ["the manifest's box"]
    return f"{'; '.join(filter(None, parts))}. Face: {', else '.join(filter(None, faces))}."


def _scores(system: Judgement, rows: Sequence[CueRow]) -> list[ScoreRow]:
    wanted = {row.path for row in rows}
    table = system.table
    return [
        ScoreRow(path, table.subject[i], "live" if table.live[i] else "attack", "", score)
        for i, (path, score) in enumerate(zip(table.path, table.score.tolist(), strict=True))
        if path in wanted
    ]
