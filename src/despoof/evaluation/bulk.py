"""Score a manifest into a score file: resumable, failures counted and named."""

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from despoof._version import __version__
from despoof.core.cells import guarded
from despoof.core.config import StrictConfig
from despoof.core.errors import DataError, InputError
from despoof.core.files import atomic_path
from despoof.core.locks import only_writer
from despoof.data.manifest import Clip
from despoof.detector import Detector
from despoof.evaluation.clip_scoring import BulkSettings, score_clips
from despoof.evaluation.score_file import ScoreRow, write_scores
from despoof.evaluation.score_journal import Outcome, ScoreJournal

ERROR_COLUMNS = ("path", "subject", "label", "species", "split", "outcome", "score", "reason")


@dataclass(frozen=True)
class BulkResult:
    """What became of every clip, in the manifest's order.

    Attributes:
        clips: as they were given.
        outcomes: one each.
        resumed: how many were taken over from an earlier, interrupted run.
        output: the score file.
        errors: `<output>.errors.csv`; None when there was nothing to list.
    """

    clips: tuple[Clip, ...]
    outcomes: tuple[Outcome, ...]
    resumed: int
    output: Path
    errors: Path | None

    @property
    def failed(self) -> list[tuple[Clip, Outcome]]:
        """The non-responses: unreadable, or no face."""
        return [item for item in self._items if item[1].score is None]

    @property
    def undecided(self) -> list[tuple[Clip, Outcome]]:
        """Scored, but `despoof check` would not decide (the quality gate)."""
        return [item for item in self._items if item[1].reason and item[1].score is not None]

    @property
    def rows(self) -> list[ScoreRow]:
        """The rows of the score file."""
        return [_score_row(clip, out.score) for clip, out in self._items if out.score is not None]

    @property
    def _items(self) -> list[tuple[Clip, Outcome]]:
        return list(zip(self.clips, self.outcomes, strict=True))


def score_manifest(
    detector: Detector,
    clips: Sequence[Clip],
    output: str | Path,
    settings: BulkSettings | None = None,
    *,
    resume: bool = True,
    begin: Callable[[int], None] = lambda count: None,
    show: Callable[[str], None] = lambda name: None,
) -> BulkResult:
    """Score clips into a score file; go on where an interrupted run of the same kind stopped.

    While it works there are `<output>.journal` and `<output>.lock`. At the end
    `<output>.errors.csv` lists what could not be scored (`failed`) and what has a score but would
    be undecided in `despoof check` (`undecided`, with the quality gate's reason); then `output`
    appears, whole; then the journal goes. A clip whose file or row changed since it was scored is
    scored again.

    Args:
        detector: what scores; its threshold plays no part.
        clips: with distinct names.
        output: the score file, see `score_file`. Its folder is made where it is missing.
        settings: frames, cropped, detect.
        resume: False begins anew.
        begin: called once with the number of clips that are left to score.
        show: called with each clip's name when its turn comes.

    Raises:
        DataError: no clips, a name comes twice, or not one clip could be scored.
        InputError: the unfinished run had other settings or weights, or another process scores
            into the same file.
    """
    output, settings = Path(output), settings or BulkSettings()
    names = {clip.name for clip in clips}
    if len(names) < len(clips) or not clips:
        raise DataError(f"{len(clips)} clips with {len(names)} names: expected one name each.")
    if output.is_dir():
        raise InputError(
            f"{output} is a folder; name the score file, e.g. {output / 'scores.csv'}."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    busy = InputError(
        f"{output} is being written by another process, which scores clips into it. Wait for it, "
        "stop it, or name another file."
    )
    with only_writer(_beside(output, ".lock"), busy):
        return _score_into(output, detector, clips, settings, resume=resume, begin=begin, show=show)


def _score_into(
    output: Path,
    detector: Detector,
    clips: Sequence[Clip],
    settings: BulkSettings,
    *,
    resume: bool,
    begin: Callable[[int], None],
    show: Callable[[str], None],
) -> BulkResult:
    """Score into a file that nobody else writes to."""
    states = {clip.name: _state(clip) for clip in clips}
    journal_path = _beside(output, ".journal")
    with ScoreJournal(journal_path, _identity(detector, settings), resume=resume) as journal:
        done = journal.outcomes
        left = [c for c in clips if c.name not in done or done[c.name][0] != states[c.name]]
        begin(len(left))
        for batch in score_clips(detector, left, settings, show):
            journal.add({clip.name: (states[clip.name], out) for clip, out in batch})
        outcomes = tuple(journal.outcomes[clip.name][1] for clip in clips)
    errors = _beside(output, ".errors.csv")
    result = BulkResult(tuple(clips), outcomes, len(clips) - len(left), output, errors)
    if any(out.reason for out in outcomes):
        _write_errors(errors, result)
    else:
        errors.unlink(missing_ok=True)  # of an earlier run
        result = replace(result, errors=None)
    if not result.rows:
        raise DataError(
            f"None of {len(clips)} clips could be scored, so there is no {output}. The reasons are "
            f"in {errors}; the first: {outcomes[0].reason}"
        )
    write_scores(output, result.rows)
    journal_path.unlink()
    return result


def _score_row(clip: Clip, score: float) -> ScoreRow:
    return ScoreRow(clip.name, clip.subject, clip.label, clip.species, score, clip.split)


def _write_errors(path: Path, result: BulkResult) -> None:
    listed = [("failed", *item) for item in result.failed]
    listed += [("undecided", *item) for item in result.undecided]
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(ERROR_COLUMNS)
        for kind, clip, out in listed:
            score = "" if out.score is None else out.score
            texts = (clip.name, clip.subject, clip.label, clip.species, clip.split, kind)
            reason = guarded(" ".join(out.reason.split()))
            writer.writerow([*map(guarded, texts), score, reason])


def _beside(output: Path, ending: str) -> Path:
    return output.with_name(output.name + ending)


def _state(clip: Clip) -> str:
    """Return what changes when the clip's file or face does."""
    try:
        about = clip.path.stat()
        file = [about.st_size, about.st_mtime_ns]
    except (OSError, ValueError):  # reading it will say why
        file = []
    points = None if clip.landmarks is None else clip.landmarks.tolist()
    text = repr([str(clip.path), file, clip.box, points])
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _identity(detector: Detector, settings: BulkSettings) -> dict[str, object]:
    """Return everything but the clip that decides a score."""
    system = detector.system
    digest = hashlib.sha256()
    if isinstance(system, torch.nn.Module):
        for name, tensor in sorted(system.state_dict().items()):
            plain = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(name.encode() + plain.numpy().tobytes())
    config = system.config
    return {
        "version": __version__,
        "system": type(system).__name__,
        "config": config.digest() if isinstance(config, StrictConfig) else str(config),
        "weights": digest.hexdigest()[:16],
        "crop": detector.crop.digest(),
        "quality": detector.quality.digest() if detector.quality else None,
        "face_detector": type(detector.face_detector).__name__,
        "clip": "the worst frames",
        **vars(settings),
    }
