"""Geometry of the cue network (not how it is trained)."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.systems.ag_fas.generator_config import eights

Fusion = Literal["cross-attention", "concat", "none"]
"""Where image and cue meet: in every block; once, behind both branches; nowhere."""

CueKind = Literal["reconstruction", "vae"]
"""What is subtracted from the face: the generator's answer, or the autoencoder's alone."""


class CueConfig(StrictConfig):
    """The transformer, the cue's encoder and the heads.

    The defaults are the small rung's: for 64-pixel faces 64 image tokens and 64 cue tokens.
    """

    fusion: Fusion = Field(default="cross-attention", description="none: the plain transformer")
    kind: CueKind = Field(
        default="reconstruction",
        description="vae: control, what the autoencoder drops and no prior has touched",
    )
    image_size: int = Field(default=64, ge=16, description="side of the transformer's picture")
    patch: int = Field(default=8, ge=2, description="side of a patch, pixels")
    width: int = Field(default=96, ge=8)
    depth: int = Field(default=5, ge=1, description="blocks")
    heads: int = Field(default=3, ge=1, description="of self-attention and cross-attention")
    mlp_ratio: float = Field(default=2.0, gt=0, description="hidden width of a block / width")
    cue_width: float = Field(default=0.125, gt=0, description="multiplies ResNet-18's widths")
    cue_stride: Literal[8, 16, 32] = Field(
        default=8,
        description="pixels a cue token; below 32 the stem does not pool, below 16 not stride",
    )
    output_std: float = Field(
        default=0.0,
        ge=0,
        description="of the cross-attention's last weights at the start; 0, as published: the "
        "network then starts as the plain transformer",
    )
    embedding: int = Field(default=64, ge=2, description="width of the feature that is judged")
    normalised: Literal["feature", "class"] = Field(
        default="feature",
        description="which weights of the classifier have norm 1 together: an input feature's "
        "two (published, axis 0) or a class's",
    )
    domains: int = Field(default=3, ge=1, description="of live faces, that a critic tells apart")

    @model_validator(mode="after")
    def _fits(self) -> "CueConfig":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        if self.image_size % self.patch:
            raise ValueError(
                f"image_size {self.image_size} must be a multiple of patch {self.patch}"
            )
        return self

    @property
    def needs_cue(self) -> bool:
        """Whether the answer depends on the generator at all."""
        return self.fusion != "none"

    @property
    def cue_widths(self) -> tuple[int, int, int, int]:
        """Channels of the cue encoder's four stages."""
        first, second, third, fourth = (eights(64 * self.cue_width) << k for k in range(4))
        return first, second, third, fourth


PAPER = CueConfig(
    image_size=224,
    patch=16,
    width=768,
    depth=12,
    heads=12,
    mlp_ratio=4.0,
    cue_width=1.0,
    cue_stride=32,
    embedding=512,
)
"""ViT-B/16 on 224 pixels; a cue of 256 pixels gives 64 tokens of 512."""
