"""Everything that decides what the supervised UNet is (not how it is trained)."""

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.nets.unet import check_side, check_widths


class NetworkConfig(StrictConfig):
    """Geometry of the UNet; the defaults have 2.1 million parameters."""

    widths: tuple[int, ...] = Field(
        default=(32, 64, 112, 128), min_length=2, description="channels at 1/2, 1/4, 1/8 … size"
    )
    blocks: int = Field(default=2, ge=1, description="residual blocks a level, each way")
    head: int = Field(default=64, ge=1, description="hidden units of the live/attack head")

    @model_validator(mode="after")
    def _eights(self) -> "NetworkConfig":
        check_widths(self.widths)
        return self


class PairUnetConfig(StrictConfig):
    """The supervised UNet: preprocessing, network, and the unit of the evidence."""

    crop: CropConfig = CropConfig(size=112, scale=1.25)
    network: NetworkConfig = NetworkConfig()
    evidence_unit: float = Field(
        default=0.15, gt=0, description="local noise RMS, [-1, 1] units, that shows as 0.63"
    )

    @model_validator(mode="after")
    def _divisible(self) -> "PairUnetConfig":
        check_side(self.crop.size, self.network.widths)
        return self
