"""Everything that decides what the student is (not how it is trained)."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.nets.unet import multiple_of
from despoof.systems.despoofing_diffusion.config import LIGHT, DetectorConfig


class NetworkConfig(StrictConfig):
    """Geometry of the UNet that predicts the noise; the defaults have 2.1 million parameters."""

    widths: tuple[int, ...] = Field(
        default=(32, 64, 112, 128), min_length=2, description="channels at 1/2, 1/4, 1/8 … size"
    )
    blocks: int = Field(default=2, ge=1, description="residual blocks a level, each way")
    calls: Literal[1, 2] = Field(
        default=1, description="2: a second call, same weights, sees and corrects the first answer"
    )

    @model_validator(mode="after")
    def _eights(self) -> "NetworkConfig":
        if any(width < 8 or width % 8 for width in self.widths):
            raise ValueError(f"widths {self.widths} must be multiples of 8 (groups of the norm)")
        return self


class StudentConfig(StrictConfig):
    """The student: preprocessing, the network for the noise, the detector that reads it."""

    crop: CropConfig = CropConfig(size=64, scale=1.25)
    network: NetworkConfig = NetworkConfig()
    detector: DetectorConfig = Field(
        default=LIGHT, description="replaced by the teacher's where `recipe.head` is `teacher`"
    )

    @model_validator(mode="after")
    def _divisible(self) -> "StudentConfig":
        step = multiple_of(self.network.widths)
        if self.crop.size % step:
            raise ValueError(
                f"crop.size {self.crop.size} must be a multiple of {step} for "
                f"{len(self.network.widths)} levels"
            )
        return self
