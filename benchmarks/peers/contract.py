"""What is compared: a candidate, and what it says of one face."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from despoof.core.types import Face, Image


@dataclass(frozen=True)
class Judged:
    """What a candidate says of one face.

    Attributes:
        score: finite, higher = more live, in a unit of its own.
        live: by the candidate's documented rule; None where the rule is a threshold on the score.
    """

    score: float
    live: bool | None = None


Judge = Callable[[Image, Face], Judged]
"""(H, W, 3) uint8 RGB picture and the face in it -> what is said of it; crops by itself."""


@dataclass(frozen=True)
class Candidate:
    """One system to be compared.

    Attributes:
        name: in tables; unique in a run.
        kind: "peer" is public weights, "csv" somebody's scores, "ours" weights of this project.
        trained_on: in words.
        datasets: those of ours that its training held; None where nobody says.
        rule: how it decides, in words.
        open: threads -> judge; None for scores from a file.
        scores: by picture name, for scores from a file.
        threshold: live iff score > threshold; None with another rule, or to be chosen on `dev`.
        dev: names of the sets that the threshold is chosen on where it has none.
        files: its weights.
        parameters: numbers in the weights; None where that is not known.
    """

    name: str
    kind: Literal["peer", "csv", "ours"]
    trained_on: str
    datasets: frozenset[str] | None
    rule: str
    open: Callable[[int], Judge] | None = None
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    threshold: float | None = None
    dev: tuple[str, ...] = ("nuaa dev", "celeba-spoof dev")
    files: tuple[Path, ...] = ()
    parameters: int | None = None
