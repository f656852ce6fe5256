"""Everything that decides what the student is (not how it is trained)."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.nets.spectrum import octave_count
from despoof.nets.unet import check_side, check_widths
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
        check_widths(self.widths)
        return self


class StudentConfig(StrictConfig):
    """The student: preprocessing, the network for the noise, the detector that reads it."""

    crop: CropConfig = CropConfig(size=64, scale=1.25)
    network: NetworkConfig = NetworkConfig()
    detector: DetectorConfig = Field(
        default=LIGHT, description="replaced by the teacher's where `recipe.head` is `teacher`"
    )
    octave_gains: tuple[float, ...] | None = Field(
        default=None,
        description="of the predicted noise, one an octave, see equaliser.py; measured after "
        "training (benchmarks/equalise_student.py)",
    )

    @model_validator(mode="after")
    def _divisible(self) -> "StudentConfig":
        check_side(self.crop.size, self.network.widths)
        count = octave_count(self.crop.size)
        if self.octave_gains is not None and len(self.octave_gains) != count:
            raise ValueError(
                f"octave_gains has {len(self.octave_gains)} numbers; {self.crop.size} px have "
                f"{count} octaves"
            )
        return self
