"""Everything that decides what System 3 is (not how it is trained)."""

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.systems.face_despoofing.colour import ColourSpace


class NetworkConfig(StrictConfig):
    """Geometry of the three networks. The defaults are the published ones (SPEC §3.2, §3.3)."""

    colour: ColourSpace = Field(
        default="hsv", description="the three channels put before R, G, B; hsv is the published one"
    )
    encoder_width: float = Field(
        default=1.0, gt=0, description="multiplies encoder and 0/1-map widths"
    )
    decoder_width: float = Field(
        default=1.0, gt=0, description="multiplies the noise decoder's widths"
    )
    decoder_sees_photo: bool = Field(
        default=False, description="ours: the decoder gets the photograph beside the features"
    )
    quality_width: float = Field(default=1.0, gt=0, description="multiplies DQ-Net's widths")
    critic_width: float = Field(default=1.0, gt=0, description="multiplies VQ-Net's widths")
    noise_gain: float = Field(default=45.0, gt=0, description="Î = ReLU(I − N/gain)")


class ScoreConfig(StrictConfig):
    """score = depth·mean(DQ(I)) − map·mean(01map) − magnitude·mean|N|; weights chosen on dev.

    Source: SPEC §3.6: s = mean(01map) − mean(depth) + a·mean|N|, higher = spoof. Ours is its
    negative, so that higher = more live.
    """

    map: float = Field(default=1.0, ge=0, description="weight of the mean 0/1 map")
    depth: float = Field(
        default=1.0, ge=0, description="weight of the mean estimated depth of the input"
    )
    magnitude: float = Field(default=0.0, ge=0, description="weight a of mean |N| (raw unit)")

    @model_validator(mode="after")
    def _some_weight(self) -> "ScoreConfig":
        if not (self.map or self.depth or self.magnitude):
            raise ValueError("all three score weights are 0; give at least one")
        return self


class FaceDespoofingConfig(StrictConfig):
    """System 3: preprocessing, networks and score rule."""

    crop: CropConfig = CropConfig(size=256, scale=2.5)
    network: NetworkConfig = NetworkConfig()
    score: ScoreConfig = ScoreConfig()
