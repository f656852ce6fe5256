"""Everything that decides what the two-view classifier is (not how it is trained)."""

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.nets.efficientnet_lite import EfficientNetLiteConfig
from despoof.systems.texture.config import TextureConfig


class WideConfig(StrictConfig):
    """What the wide expert sees, and its network."""

    side: int = Field(default=128, ge=32, multiple_of=16, description="of its view, pixels")
    antialias: bool = Field(
        default=True,
        description="average where its view is smaller than the crop. False: one bilinear sample "
        "a pixel, as MiniFASNet sees; what aliases tells a screen or print from a face",
    )
    aspect: float = Field(
        default=0.74, gt=0, description="width / height of a face's box: CenterFace's median"
    )
    backbone: EfficientNetLiteConfig = EfficientNetLiteConfig()
    hidden: int = Field(default=192, ge=1, description="channels behind the backbone")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="before the logits")


class FusionConfig(StrictConfig):
    """How three logits become one score; see `system.fused`.

    Each weight is a pair: of a picture that ends at the face, and of one with room around it.
    Between `reach` they are interpolated.
    """

    near: tuple[float, float] = (0.5, 0.5)
    taught: tuple[float, float] = (0.5, 0.5)
    labelled: tuple[float, float] = (0.5, 0.5)
    bias: tuple[float, float] = (0.0, 0.0)
    reach: tuple[float, float] = Field(
        default=(1.1, 1.6), description="height of the window / the face's, of both ends"
    )

    @model_validator(mode="after")
    def _rising(self) -> "FusionConfig":
        if not self.reach[0] < self.reach[1]:
            raise ValueError(f"reach {self.reach} must rise")
        return self


class TwoViewsConfig(StrictConfig):
    """One square crop that holds both views: its middle is the near one, all of it the wide one."""

    crop: CropConfig = CropConfig(size=256, scale=1.66, align=False)
    near: TextureConfig = TextureConfig(crop=CropConfig(size=224, scale=1.45))
    wide: WideConfig = WideConfig()
    fusion: FusionConfig = FusionConfig()

    @model_validator(mode="after")
    def _near_is_within(self) -> "TwoViewsConfig":
        near, crop = self.near.crop, self.crop
        wanted = near.scale / crop.scale * crop.size
        if (crop.size - near.size) % 2 or abs(wanted - near.size) > 2 or crop.align:
            raise ValueError(
                f"near.crop ({near.size} px, {near.scale} × the face) must be the middle of crop "
                f"({crop.size} px, {crop.scale} ×, not turned), pixel upon pixel: {wanted:.1f} px"
            )
        return self
