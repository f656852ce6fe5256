"""Everything that decides what System 1 is: fields, bridge and detector (not how it is trained)."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.diffusion.bridge import BridgeConfig
from despoof.diffusion.network import NetworkConfig
from despoof.diffusion.schedule import NoiseSchedule
from despoof.face.crop import CropConfig
from despoof.systems.despoofing_diffusion.config import DetectorConfig

SAFE_BRIDGE = BridgeConfig(solver="dpm-solver", grid="log-snr", steps=20)
"""20 + 20 second-order steps whose latent is right, too (docs/solvers.md)."""


class DespoofingDiffusionConfig(StrictConfig):
    """System 1: preprocessing, the two fields, the way between them, and the detector."""

    crop: CropConfig = CropConfig(size=256, scale=1.25)
    schedule: NoiseSchedule = NoiseSchedule()
    fields: NetworkConfig = NetworkConfig()
    bridge: BridgeConfig = SAFE_BRIDGE
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32", description="of the fields' networks in use; the bridge's state is fp32"
    )
    detector: DetectorConfig = DetectorConfig()

    @model_validator(mode="after")
    def _fits(self) -> "DespoofingDiffusionConfig":
        step = self.fields.multiple
        if self.crop.size % step:
            raise ValueError(f"crop.size {self.crop.size} must be a multiple of {step}, see fields")
        if self.fields.channels != 3:
            raise ValueError(f"fields.channels is {self.fields.channels}; pictures have 3")
        return self
