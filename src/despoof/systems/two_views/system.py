"""Two views as a system: a near and a wide expert, one score, and the near one's evidence."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.types import Decomposition
from despoof.systems.inputs import check_faces
from despoof.systems.texture.system import EVIDENCE_SIDE, Texture
from despoof.systems.two_views.config import FusionConfig, TwoViewsConfig
from despoof.systems.two_views.network import Answers, WideNetwork, cut_windows, windows_in


class TwoViews(nn.Module):
    """Both experts behind the contract `core.types.System`."""

    def __init__(self, config: TwoViewsConfig | None = None) -> None:
        super().__init__()
        self.config = config or TwoViewsConfig()
        self.near = Texture(self.config.near)
        self.wide = WideNetwork(self.config.wide)

    def forward(self, faces: Tensor) -> Tensor:
        """(B, 3, S, S) in [-1, 1] to (B,) float32 scores."""
        return fused(*self.experts(faces), self.config.fusion)

    def experts(self, faces: Tensor) -> tuple[Tensor, Answers, Tensor]:
        """Return the near logit (B,), the wide expert's answers and the reach (B,) in faces."""
        return self.near.logit(self._middle(faces)), *self._wide(faces)

    def _wide(self, faces: Tensor) -> tuple[Answers, Tensor]:
        windows, reach = windows_in(faces, self.config.crop.scale, self.config.wide.aspect)
        wide = self.config.wide
        views = cut_windows(faces, windows, wide.side, antialias=wide.antialias)
        return self.wide(views), reach

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Score faces; genuine face, noise and evidence are the near expert's, in the middle.

        Around the near view nothing is taken away (noise 0), and the evidence is what the wide
        expert says of the whole window: P(spoof) by its taught answer.

        Args:
            faces: (B, 3, S, S) float32 RGB in [−1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, or a value that is not finite.
        """
        check_faces(faces, self.config.crop.size)
        parts = self.near.decompose(self._middle(faces))
        answers, reach = self._wide(faces)
        size, near = self.config.crop.size, self.config.near.crop.size
        edge = (size - near) // 2
        noise = F.pad(parts.noise, (edge, edge, edge, edge))
        cells = round(EVIDENCE_SIDE * near / size / 2) * 2
        inner = F.interpolate(parts.evidence[:, None], (cells, cells), mode="area")
        rim = (EVIDENCE_SIDE - cells) // 2
        around = torch.sigmoid(-answers.taught.float()).view(-1, 1, 1)
        evidence = around.expand(-1, EVIDENCE_SIDE, EVIDENCE_SIDE).clone()
        evidence[:, rim : rim + cells, rim : rim + cells] = inner[:, 0]
        genuine = (faces - noise).clamp(-1, 1)
        return Decomposition(
            genuine=genuine,
            noise=faces - genuine,
            evidence=evidence,
            score=fused(parts.score, answers, reach, self.config.fusion),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`: (B,) log-odds of "live"."""
        check_faces(faces, self.config.crop.size)
        return self(faces)

    def _middle(self, faces: Tensor) -> Tensor:
        edge = (self.config.crop.size - self.config.near.crop.size) // 2
        return faces[..., edge : faces.shape[-2] - edge, edge : faces.shape[-1] - edge]


def fused(near: Tensor, answers: Answers, reach: Tensor, config: FusionConfig) -> Tensor:
    """Weigh three logits by how much the picture shows around the face.

    Args:
        near: (B,) logits.
        answers: of the wide expert, B of them.
        reach: (B,) height of the window in faces.
        config: weights of both ends.

    Returns:
        (B,) float32.
    """
    low, high = config.reach
    share = ((reach.float() - low) / (high - low)).clamp(0, 1)

    def weight(ends: tuple[float, float]) -> Tensor:
        return ends[0] + (ends[1] - ends[0]) * share

    return (
        weight(config.near) * near.float()
        + weight(config.taught) * answers.taught.float()
        + weight(config.labelled) * answers.labelled.float()
        + weight(config.bias)
    )
