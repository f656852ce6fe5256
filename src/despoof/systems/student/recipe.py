"""How the student is taught."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.diffusion.bridge import BridgeConfig
from despoof.systems.despoofing_diffusion.losses import LossConfig
from despoof.systems.despoofing_diffusion.system_config import SAFE_BRIDGE
from despoof.systems.student.losses import NoiseLossConfig


class RecipeConfig(StrictConfig):
    """The teacher, how its bridge is crossed, what counts how much, and where the head is from."""

    teacher: str | None = Field(
        default=None,
        description="weights of a trained System 1, e.g. runs/despoofing_diffusion/weights; null: "
        "the simulator's exact noise is the only teacher",
    )
    bridge: BridgeConfig = Field(
        default=SAFE_BRIDGE, description="how the teacher's noise is computed: the reference"
    )
    precision: Literal["fp32", "bf16"] | None = Field(
        default=None, description="of the teacher's fields; null = as the teacher has it"
    )
    views: float = Field(
        default=2.0, gt=0, description="cached views of a training picture, on average"
    )
    begin: str | None = Field(
        default=None, description="weights of a student whose noise network learns on; null: none"
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    mirror: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the teacher's pairs that are mirrored; its fields are no mirror "
        "images of themselves, so that this adds pairs that are not quite its own",
    )
    noise: NoiseLossConfig = NoiseLossConfig()
    identity: float = Field(
        default=0.0,
        ge=0,
        description="weight of the noise found in the teacher's genuine faces, which shall be 0; "
        "refused where its live field does not bring them back itself",
    )
    supervised: float = Field(
        default=0.0, ge=0, description="weight of the simulator's exact noise, beside a teacher"
    )
    supervised_share: float = Field(
        default=0.25, gt=0, lt=1, description="of a batch, where `supervised` is not 0"
    )
    live_share: float = Field(
        default=0.35, gt=0, lt=1, description="of the simulator's pairs: live, with no noise"
    )
    dev_pairs: int = Field(
        default=64, ge=2, description="simulated development pairs, where there is no teacher"
    )
    head: Literal["teacher", "taught", "train"] = Field(
        default="train",
        description="teacher: its detector as it is; taught: that detector learns to give the "
        "teacher's maps on the student's noise; train: a new one learns labels from it",
    )
    head_views: float = Field(
        default=0.25, gt=0, description="cached views of a training picture for a taught head"
    )
    head_rate: float = Field(
        default=0.3, gt=0, description="share of learning_rate for a taught head"
    )
    depth: LossConfig = Field(default=LossConfig(), description="of the head's map")

    @model_validator(mode="after")
    def _fits(self) -> "RecipeConfig":
        if self.teacher is None and self.head != "train":
            raise ValueError(
                f"head is {self.head}, but there is none: set teacher, or head to train"
            )
        if self.teacher is None and self.identity:
            raise ValueError("identity asks for a teacher's genuine faces: set teacher")
        return self
