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

    side: int | None = Field(
        default=None, ge=32, description="of what the network sees, pixels; null = crop.size"
    )
    zooms: tuple[float, ...] = Field(
        default=(1.0,),
        min_length=1,
        description="shares of the crop's side, around its middle: the network looks at each, and "
        "the logits are averaged. 1 = the whole crop",
    )
    decomposer: FaceDespoofingConfig | PairUnetConfig | None = Field(
        default=None,
        description="a trained system that finds the genuine face; joined for use, not trained",
    )

    @model_validator(mode="after")
    def _divisible(self) -> "TextureConfig":
        if self.seen % 32:
            name = "crop.size" if self.side is None else "side"
            raise ValueError(f"{name} {self.seen} must be a multiple of 32")
        if any(not 0 < zoom <= 1 for zoom in self.zooms):
            raise ValueError(f"zooms {self.zooms} must be shares of the crop, above 0 and up to 1")
        return self

    @property
    def seen(self) -> int:
        """Return the side of what the network sees, pixels."""
        return self.side or self.crop.size
