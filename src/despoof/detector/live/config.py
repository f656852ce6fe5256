"""What is asked of tracks, of evidence and of the machine's time, and why these numbers."""

from typing import Self

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig


class TrackingConfig(StrictConfig):
    """When two boxes are one face.

    Attributes:
        min_iou: least intersection over union of a face's boxes in two looks for faces.
        gap: seconds without the face after which its track ends.
        confirm: a track that was found less often is a false alarm for the summary.
    """

    min_iou: float = Field(default=0.3, gt=0, lt=1)
    gap: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    confirm: int = Field(default=3, ge=1)


class EvidenceConfig(StrictConfig):
    """When a face is decided, and when no longer.

    A face that turns from live to spoof is no longer `live` after at most
    `time_constant · ln(1 / keep)` seconds and one more look (0.41 s and a look), and `spoof` after
    at most `time_constant · ln(1 / (1 − agree))` and one more look (1.29 s and a look).

    Attributes:
        time_constant: seconds after which a look counts 1/e of what it did.
        min_seconds: least time from the first look to a decision.
        min_looks: least number of looks that were judged.
        agree: share of the evidence that must say the same for a decision.
        keep: share below which a decision falls; less than `agree`, so that it does not flicker.
        stale: seconds without any look after which the evidence before them does not count.
    """

    time_constant: float = Field(default=0.8, ge=0.01, le=60)
    min_seconds: float = Field(default=0.8, gt=0, allow_inf_nan=False)
    min_looks: int = Field(default=4, ge=1)
    agree: float = Field(default=0.8, gt=0.5, lt=1)
    keep: float = Field(default=0.6, gt=0.5, lt=1)
    stale: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _keeps_less_than_it_asks(self) -> Self:
        if self.keep > self.agree:
            raise ValueError(f"keep is {self.keep}, above agree, {self.agree}")
        return self


class LiveConfig(StrictConfig):
    """How often there is a look, and what becomes of it.

    Looking for faces and scoring them are what costs; in the frames between, boxes stand still and
    decisions stay. A face is scored only in a frame in which it was found.

    Attributes:
        detect_every: seconds between two searches for faces; 0 searches every frame.
        score_every: seconds between two looks at a face; 0 scores it whenever it is found.
    """

    detect_every: float = Field(default=0.08, ge=0, allow_inf_nan=False)
    score_every: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    tracking: TrackingConfig = TrackingConfig()
    evidence: EvidenceConfig = EvidenceConfig()

    @model_validator(mode="after")
    def _looks_often_enough(self) -> Self:
        if self.detect_every >= self.tracking.gap:
            raise ValueError(
                f"detect_every is {self.detect_every} s: every track would end before the next "
                f"search, after tracking.gap, {self.tracking.gap} s"
            )
        if self.detect_every + self.score_every >= self.evidence.stale:
            raise ValueError(
                f"detect_every + score_every is {self.detect_every + self.score_every} s: evidence "
                f"would be stale before the next look, after {self.evidence.stale} s"
            )
        return self
