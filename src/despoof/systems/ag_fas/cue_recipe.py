"""How the cue network is taught."""

from typing import Literal

from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.systems.ag_fas.cue_losses import CueLossConfig
from despoof.systems.ag_fas.cue_schedule import STEPS


class CueRecipe(StrictConfig):
    """Where it starts, what it sees, what counts how much, and how fast it learns."""

    views: float = Field(
        default=2.0, gt=0, description="cached views of a training picture, on average"
    )
    domains: tuple[str, ...] = Field(
        default=(),
        description="name of each source's domain; empty: its dataset, of simulated attacks their "
        "families",
    )
    balanced: bool = Field(
        default=True,
        description="half of a batch live, each half with as many faces of every domain; false: "
        "the sources' weights",
    )
    optimizer: Literal["sgd", "adamw"] = Field(
        default="adamw", description="sgd, with momentum 0.9, is the published one"
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=5e-4, ge=0)
    loss: CueLossConfig = CueLossConfig()
    reversal_steps: int = Field(
        default=STEPS,
        ge=1,
        description="steps after which the critic's reversed gradient counts in full; set it to "
        "the run's own steps to run through the published values in a shorter run",
    )
    mirror: float = Field(default=0.5, ge=0, le=1, description="share of faces that are mirrored")
    flip_bug: bool = Field(
        default=False,
        description="as published: the reconstruction is mirrored or not by itself, so that half "
        "of the cues subtract a mirrored face",
    )
    vit: str | None = Field(
        default=None, description="weights of the ViT: a folder, or a name on the hub"
    )
    cue_encoder: str | None = Field(
        default=None, description="weights of the cue encoder's first stages, alike"
    )
    snapshots: str | None = Field(
        default=None,
        description="folder that keeps the cue network of every validation: the published protocol "
        "picks one by the test set (an oracle), and only this shows what that is worth",
    )
    allow_download: bool = Field(default=False, description="names may be fetched from the hub")
