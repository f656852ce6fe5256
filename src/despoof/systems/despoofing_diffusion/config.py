"""Everything that decides what the two-stream detector is (not how it is trained)."""

from typing import Literal, NamedTuple

from pydantic import Field

from despoof.core.config import StrictConfig

Inputs = Literal["rgb", "noise", "rgb+rgb", "rgb+noise"]
"""What the streams see; the four rows of the paper's ablation."""

Fusion = Literal["f1", "f2", "f3"]
"""Where two streams meet, see `fusion.py`."""

View = Literal["centre", "whole"]
"""The middle `rgb_share` of the face crop, or all of it."""


class Stream(NamedTuple):
    """One stream: what it sees, and how much of it."""

    kind: Literal["rgb", "noise"]
    view: View


class DetectorConfig(StrictConfig):
    """Geometry of the detector. The defaults are the published ones (SPEC §1.4)."""

    inputs: Inputs = "rgb+noise"
    fusion: Fusion = Field(
        default="f1",
        description="f1: whole trunks; f2: their last blocks alone; f3: after each one's own head",
    )
    width: float = Field(default=1.0, gt=0, description="multiplies the trunks' and head's widths")
    fold: Literal[1, 2] = Field(
        default=1, description="ours: 2 folds 2×2 pixels into channels; a quarter of the cost"
    )
    theta: float = Field(default=0.7, ge=0, le=1, description="share of central differences")
    positive: bool = Field(
        default=True, description="ReLU after the last layer, as published; false: ours, linear"
    )
    rgb_share: float = Field(
        default=0.8, gt=0, le=1, description="side of the RGB stream's centre crop / whole side"
    )
    noise_view: View = Field(
        default="whole", description="of the noise, and of the second RGB of rgb+rgb in its place"
    )
    noise_form: Literal["magnitude", "signed"] = Field(
        default="magnitude", description="|N| as published, or N with its sign (ours)"
    )
    noise_scale: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="the noise is divided by it: |N| of the training faces at `noise_percentile`; "
        "null = not measured yet",
    )
    noise_percentile: float = Field(default=99.0, gt=0, le=100)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams, in order."""
        rgb, noise = Stream("rgb", "centre"), Stream("noise", self.noise_view)
        return {
            "rgb": (rgb,),
            "noise": (noise,),
            "rgb+rgb": (rgb, Stream("rgb", self.noise_view)),
            "rgb+noise": (rgb, noise),
        }[self.inputs]

    @property
    def needs_noise(self) -> bool:
        """Whether a stream sees the noise."""
        return any(stream.kind == "noise" for stream in self.streams)


PAPER = DetectorConfig()
"""Full widths on 320-pixel crops: the RGB stream sees their middle 256 pixels."""

LIGHT = DetectorConfig(width=0.375, fold=2, positive=False)
"""For two cores and crops of about a hundred pixels: 0.63 M parameters."""
