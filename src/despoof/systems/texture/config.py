"""Everything that decides what the texture classifier is (not how it is trained)."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.nets.efficientnet_lite import EfficientNetLiteConfig
from despoof.systems.face_despoofing.config import FaceDespoofingConfig
from despoof.systems.pair_unet.config import PairUnetConfig


class TextureConfig(StrictConfig):
    """Preprocessing, backbone, heads, and how their logits become a score."""

    crop: CropConfig = CropConfig(size=192, scale=1.2)
    backbone: EfficientNetLiteConfig = EfficientNetLiteConfig()
    stop: Literal[16, 32] = Field(
        default=32, description="stride of the map that the face's logit is read from"
    )
    hidden: int = Field(default=128, ge=1, description="channels within each head")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="before the face's logit")
    mix: float = Field(
        default=0.5, ge=0, le=1, description="share of the face's logit in the score; rest: cells"
    )

    decomposer: FaceDespoofingConfig | PairUnetConfig | None = Field(
        default=None,
        description="a trained system that finds the genuine face; joined for use, not trained",
    )

    @model_validator(mode="after")
    def _divisible(self) -> "TextureConfig":
        if self.crop.size % 32:
            raise ValueError(f"crop.size {self.crop.size} must be a multiple of 32")
        return self
