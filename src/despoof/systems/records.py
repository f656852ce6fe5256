"""The table of systems. A new one is one folder beside this file and one record here."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from despoof.core.config import StrictConfig
from despoof.core.errors import ConfigError
from despoof.core.types import System
from despoof.data.views import DataConfig
from despoof.systems.ag_fas import config as s2_config
from despoof.systems.ag_fas import recipe as s2_recipe
from despoof.systems.ag_fas import stages as s2_stages
from despoof.systems.ag_fas import system as s2_system
from despoof.systems.despoofing_diffusion import illustrate as s1_illustrate
from despoof.systems.despoofing_diffusion import stages as s1_stages
from despoof.systems.despoofing_diffusion import system as s1_system
from despoof.systems.despoofing_diffusion import system_config as s1_config
from despoof.systems.face_despoofing import config as s3_config
from despoof.systems.face_despoofing import stages as s3_stages
from despoof.systems.face_despoofing import system as s3_system
from despoof.systems.pair_unet import config as pair_config
from despoof.systems.pair_unet import stage as pair_stage
from despoof.systems.pair_unet import system as pair_system
from despoof.systems.rgb_baseline import stages as rgb_stages
from despoof.systems.rgb_baseline import system as rgb_system
from despoof.systems.student import config as student_config
from despoof.systems.student import recipe as student_recipe
from despoof.systems.student import stages as student_stages
from despoof.systems.student import system as student_system
from despoof.systems.texture import config as texture_config
from despoof.systems.texture import stage as texture_stage
from despoof.systems.texture import system as texture_system
from despoof.systems.two_views import config as views_config
from despoof.systems.two_views import stage as views_stage
from despoof.systems.two_views import system as views_system
from despoof.training.stage import Stage


@dataclass(frozen=True, kw_only=True)
class SystemRecord:
    """One system: what it is, how to build it, how to train it, where it comes from.

    Attributes:
        name: as in DESIGN's words: lower-case with hyphens.
        config: its configuration class.
        build: configuration -> module that also is a `System`.
        recipe: its training-recipe class.
        stage_names: of all the stages that it can have, in order.
        stages: (configuration, recipe, data, seed) -> the stages, in order.
        tiny: configuration values for tests: seconds on a laptop.
        paper: where it was published.
        title: one line for people.
        illustrate: (stages of a run that is done, its folder) -> draws pictures into it.
    """

    name: str
    config: type[StrictConfig]
    build: Callable[[Any], nn.Module]
    recipe: type[StrictConfig]
    stage_names: tuple[str, ...]
    stages: Callable[[Any, Any, DataConfig, int], Iterable[Stage]]
    tiny: Mapping[str, Any]
    paper: str
    title: str
    illustrate: Callable[[Sequence[Stage], Path], Path] | None = None

    def make(self, values: Mapping[str, Any], origin: str = "the configuration") -> System:
        """Build the system from plain configuration values."""
        return cast("System", self.build(self.config.parse(values, origin)).eval())


_TINY_CROP = {"size": 32, "scale": 1.25}

RECORDS: dict[str, SystemRecord] = {
    record.name: record
    for record in (
        SystemRecord(
            name="face-despoofing",
            config=s3_config.FaceDespoofingConfig,
            build=s3_system.FaceDespoofing,
            recipe=s3_stages.RecipeConfig,
            stage_names=("face-despoofing", "decoder"),
            stages=s3_stages.stages,
            tiny={
                "crop": _TINY_CROP,
                "network": {
                    "encoder_width": 0.25,
                    "decoder_width": 0.25,
                    "quality_width": 0.1,
                    "critic_width": 0.25,
                },
            },
            paper="arXiv:1807.09968",
            title="Face De-Spoofing: Anti-Spoofing via Noise Modeling (ECCV 2018)",
        ),
        SystemRecord(
            name="despoofing-diffusion",
            config=s1_config.DespoofingDiffusionConfig,
            build=s1_system.DespoofingDiffusion,
            recipe=s1_stages.RecipeConfig,
            stage_names=("fields", "detector"),
            stages=s1_stages.stages,
            illustrate=s1_illustrate.illustrate,
            tiny={
                "crop": _TINY_CROP,
                "fields": {
                    "widths": (8, 16),
                    "attention": (False, True),
                    "blocks": 1,
                    "norm_groups": 4,
                    "head_channels": 8,
                },
                "bridge": {"solver": "dpm-solver", "steps": 2, "t_max": 200.0},
                "detector": {"width": 0.1, "fold": 2, "positive": False, "noise_scale": 0.5},
            },
            paper="arXiv:2401.08275",
            title="De-spoofing Diffusion: noise by a diffusion bridge, a two-stream detector",
        ),
        SystemRecord(
            name="ag-fas",
            config=s2_config.AgFasConfig,
            build=s2_system.AgFas,
            recipe=s2_recipe.RecipeConfig,
            stage_names=("identity", "autoencoder", "generator", "cue"),
            stages=s2_stages.stages,
            tiny={
                "crop": _TINY_CROP,
                "generator": {
                    "identity": {"size": 32, "width": 0.0625, "embedding": 8},
                    "autoencoder": {"widths": (8, 8), "fold": 2, "norm_groups": 4},
                    "unet": {
                        "widths": (8, 16),
                        "attention": (True, False),
                        "heads": 2,
                        "cross": 32,
                        "norm_groups": 4,
                    },
                    "reconstruct": {"solver": "dpm-solver", "steps": 2, "start": 401},
                },
                "cue": {
                    "image_size": 32,
                    "patch": 8,
                    "width": 16,
                    "depth": 2,
                    "heads": 2,
                    "cue_width": 0.0625,
                    "cue_stride": 8,
                    "output_std": 0.1,
                    "embedding": 8,
                },
            },
            paper="arXiv:2401.09006",
            title="AG-FAS: de-spoofing face generator and a transformer guided by its cue",
        ),
        SystemRecord(
            name="pair-unet",
            config=pair_config.PairUnetConfig,
            build=pair_system.PairUnet,
            recipe=pair_stage.RecipeConfig,
            stage_names=("pair-unet",),
            stages=lambda c, r, d, s: [pair_stage.PairUnetStage(c, r, d, s)],
            tiny={"crop": _TINY_CROP, "network": {"widths": (8, 16), "blocks": 1, "head": 8}},
            paper="none: a supervised row for DespoofBench",
            title="Supervised residual UNet on simulated pairs",
        ),
        SystemRecord(
            name="rgb-baseline",
            config=rgb_system.RgbBaselineConfig,
            build=rgb_system.RgbBaseline,
            recipe=rgb_stages.RecipeConfig,
            stage_names=("rgb-baseline",),
            stages=lambda c, r, d, s: [rgb_stages.RgbBaselineStage(c, r, d, s)],
            tiny={"crop": _TINY_CROP, "width": 0.1},
            paper="none: a control of equal size",
            title="RGB-only classifier on DepthNet's trunk",
        ),
        SystemRecord(
            name="texture",
            config=texture_config.TextureConfig,
            build=texture_system.Texture,
            recipe=texture_stage.RecipeConfig,
            stage_names=("texture",),
            stages=lambda c, r, d, s: [texture_stage.TextureStage(c, r, d, s)],
            tiny={"crop": _TINY_CROP, "backbone": {"width": 0.25, "depth": 0.25}, "hidden": 8},
            paper="arXiv:1905.11946 (the backbone)",
            title="Texture classifier on a pretrained EfficientNet-Lite",
        ),
        SystemRecord(
            name="two-views",
            config=views_config.TwoViewsConfig,
            build=views_system.TwoViews,
            recipe=views_stage.RecipeConfig,
            stage_names=("wide",),
            stages=lambda c, r, d, s: [views_stage.WideStage(c, r, d, s)],
            tiny={
                "crop": {"size": 64, "scale": 2.5, "align": False},
                "near": {
                    "crop": _TINY_CROP,
                    "backbone": {"width": 0.25, "depth": 0.25},
                    "hidden": 8,
                },
                "wide": {"side": 64, "backbone": {"width": 0.25, "depth": 0.25}, "hidden": 16},
            },
            paper="none: what generalises best so far",
            title="Two views, near and wide, an expert each",
        ),
        SystemRecord(
            name="student",
            config=student_config.StudentConfig,
            build=student_system.Student,
            recipe=student_recipe.RecipeConfig,
            stage_names=("student", "head"),
            stages=student_stages.stages,
            tiny={
                "crop": _TINY_CROP,
                "network": {"widths": (8, 16), "blocks": 1},
                "detector": {"width": 0.1, "fold": 2, "positive": False, "noise_scale": 0.5},
            },
            paper="none: distilled from arXiv:2401.08275",
            title="One-pass student of the diffusion bridge, with its detector",
        ),
    )
}


def system_record(name: str) -> SystemRecord:
    """Return a system's record.

    Raises:
        ConfigError: there is no such system; the nearest name is given.
    """
    if name not in RECORDS:
        near = difflib.get_close_matches(name, RECORDS, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"No system {name!r}.{hint} Systems: {', '.join(RECORDS)}.")
    return RECORDS[name]
