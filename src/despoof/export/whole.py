"""The whole scorer as one module: pixels in, score out. One line in a table per system."""

import copy
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from despoof.core.errors import InputError
from despoof.core.types import System
from despoof.export.record import InputKind
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.systems.pair_unet.system import PairUnet
from despoof.systems.rgb_baseline.system import RgbBaseline
from despoof.systems.student.system import Student
from despoof.systems.texture.system import Texture
from despoof.systems.two_views.system import TwoViews

ScoreRule = Callable[[Any, Tensor], Tensor]
"""(system, (B, 3, S, S) faces in [-1, 1]) -> (B,) float32: `System.score` without its checks of
values, which a graph cannot hold. The gate compares it with the real one."""


class WholeScorer(nn.Module):
    """Normalisation, network and score rule, in this order; the network alone in `dtype`.

    Args:
        name: of the system, as in `systems.records`.
        system: in eval mode on the CPU; it is copied.
        kind: of the input, see `ExportRecord.input`.
        dtype: of the network.

    Raises:
        InputError: the system's score is not one forward pass.
    """

    def __init__(
        self, name: str, system: System, kind: InputKind, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.rule = score_rule(name)
        self.kind, self.dtype = kind, dtype
        self.system = copy.deepcopy(cast("nn.Module", system)).eval().to(dtype)

    def forward(self, faces: Tensor) -> Tensor:
        """Take faces as `kind` says; return (B,) float32 scores."""
        if self.kind == "uint8":
            faces = faces.permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1
        return self.rule(self.system, faces.to(self.dtype))


def score_rule(name: str) -> ScoreRule:
    """Return how a system's score is written as one forward pass.

    Raises:
        InputError: it is not one forward pass, or nobody has written it so.
    """
    if name in _RULES:
        return _RULES[name]
    why = _REFUSED.get(name, "nobody has told how its score is one forward pass")
    raise InputError(
        f"{name} cannot be exported: {why}. Systems that can: {', '.join(_RULES)}. "
        "Run this one with torch."
    )


def _face_despoofing(system: FaceDespoofing, faces: Tensor) -> Tensor:
    six = system.six_channels(faces)
    features = system.ds.encoder(six)
    parts = {
        "map": system.ds.spoof_map(features).float().mean(dim=(1, 2)),
        "depth": system.dq(six).float().mean(dim=(1, 2)),
    }
    if system.config.score.magnitude:
        noise = system.ds.decoder(features, six)
        parts["magnitude"] = noise.float().abs().mean(dim=(1, 2, 3))
    return system.fuse(parts)


def _pair_unet(system: PairUnet, faces: Tensor) -> Tensor:
    return system.network.logit(faces).float()


def _rgb_baseline(system: RgbBaseline, faces: Tensor) -> Tensor:
    return system(faces).float().mean(dim=(1, 2))


def _texture(system: Texture, faces: Tensor) -> Tensor:
    return system.logit(faces)


def _two_views(system: TwoViews, faces: Tensor) -> Tensor:
    return system(faces)


def _student(system: Student, faces: Tensor) -> Tensor:
    return system.map(faces).float().mean(dim=(1, 2))


_RULES: dict[str, ScoreRule] = {
    "face-despoofing": _face_despoofing,
    "pair-unet": _pair_unet,
    "rgb-baseline": _rgb_baseline,
    "student": _student,
    "texture": _texture,
    "two-views": _two_views,
}
_REFUSED = {
    "despoofing-diffusion": "its score follows a bridge of many network calls, whose solver and "
    "number of steps are chosen at run time, and is no single graph",
    "ag-fas": "its score follows a reconstruction of many network calls, whose start and number of "
    "steps are chosen at run time, and is no single graph",
}
