"""What a bulk scoring run has done so far, on the disk: kill it at any moment and go on.

One line a batch, so that a torn line costs its whole batch and a resumed run forms the same batches
again: the scores then agree bit for bit with those of a run that never was interrupted.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from despoof.core.errors import DataError, InputError

_KIND = "despoof score journal 1"


@dataclass(frozen=True)
class Outcome:
    """What became of one clip.

    Attributes:
        score: the worst frames, each its worst face, higher = more live; None = a non-response.
        reason: why there is no score, or why `despoof check` would leave the clip undecided
            although it has one; "" for a clip without complaint.
    """

    score: float | None
    reason: str = ""


class ScoreJournal:
    """An open journal; use it as a context.

    Attributes:
        path: of the file.
        outcomes: name of the clip → (state of its file and row when it was scored, outcome).
    """

    def __init__(self, path: Path, identity: Mapping[str, object], *, resume: bool = True) -> None:
        """Open or begin the journal of one run.

        Args:
            path: of the file.
            identity: everything but the clip that decides a score, as plain JSON values.
            resume: go on where an earlier run stopped; False begins anew.

        Raises:
            DataError: the file is not such a journal.
            InputError: the earlier run had another identity; its scores must not be mixed in.
        """
        self.path = path
        self.outcomes: dict[str, tuple[str, Outcome]] = {}
        self._stream: BufferedRandom = path.open("r+b" if path.exists() else "w+b")
        try:
            keep = self._read(dict(identity)) if resume else 0
            self._stream.truncate(keep)  # a line that was torn by a kill
            self._stream.seek(keep)
            if not keep:
                self._write({"kind": _KIND, "identity": dict(identity)})
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def add(self, batch: Mapping[str, tuple[str, Outcome]]) -> None:
        """Put one batch on the disk; when this returns, no kill can lose it."""
        self.outcomes.update(batch)
        self._write({name: [state, asdict(outcome)] for name, (state, outcome) in batch.items()})

    def _write(self, value: Mapping[str, object]) -> None:
        self._stream.write(json.dumps(value).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _read(self, identity: dict[str, object]) -> int:
        """Take the whole lines in; return how many bytes they are."""
        keep = 0
        for line in self._stream:
            if not line.endswith(b"\n"):
                break
            values = self._parse(line)
            if keep == 0:
                self._check(values, identity)
            else:
                for name, (state, outcome) in values.items():
                    self.outcomes[name] = (state, Outcome(**outcome))
            keep += len(line)
        return keep

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            return dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{self.path} is no journal of despoof score, or it is damaged: {line[:40]!r}. "
                "Remove it, or begin anew with --fresh."
            ) from error

    def _check(self, header: dict[str, Any], identity: dict[str, object]) -> None:
        if header.get("kind") != _KIND:
            raise DataError(f"{self.path} is no journal of despoof score. Remove it.")
        before: dict[str, object] = header["identity"]
        now = json.loads(json.dumps(identity))
        other = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
        if other:
            raise InputError(
                f"{self.path} is of an unfinished run with another {', '.join(other)}; scores of "
                "both must not be mixed. Finish that run, choose another output, or begin anew "
                "with --fresh."
            )
