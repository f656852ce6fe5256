"""Everything that decides what AG-FAS is: generator and cue network (not how they are trained)."""

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.face.crop import CropConfig
from despoof.systems.ag_fas.cue_config import CueConfig
from despoof.systems.ag_fas.generator_config import GeneratorConfig


class AgFasConfig(StrictConfig):
    """System 2: preprocessing, the generator, the network that reads what it changed.

    The defaults are those of the small rung.
    """

    crop: CropConfig = CropConfig(size=64, scale=1.1)
    generator: GeneratorConfig = GeneratorConfig()
    cue: CueConfig = CueConfig()
    evidence_scale: float = Field(
        default=0.1, gt=0, description="mean |noise| of a cell whose evidence is one half"
    )

    @model_validator(mode="after")
    def _fits(self) -> "AgFasConfig":
        step = self.generator.multiple
        if self.crop.size % step:
            raise ValueError(
                f"crop.size {self.crop.size} must be a multiple of {step}, see generator"
            )
        return self
