"""A backbone and two heads: one logit a cell at stride 16, one logit a face."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from despoof.nets.efficientnet_lite import EfficientNetLite
from despoof.systems.texture.config import TextureConfig


class Logits(NamedTuple):
    """Logits of "live".

    Attributes:
        face: (B,), of the face as a whole.
        cells: (B, S/16, S/16), of each cell by what is seen around it.
    """

    face: Tensor
    cells: Tensor


class Heads(nn.Module):
    """What is learnt from scratch; small, so that it learns fast."""

    def __init__(self, cell_channels: int, face_channels: int, config: TextureConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.cells = nn.Sequential(
            nn.Conv2d(cell_channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, 1, 1)
        )
        self.face = nn.Sequential(
            nn.Conv2d(face_channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, 1),
        )

    def forward(self, cell_map: Tensor, face_map: Tensor) -> Logits:
        """Read both maps, (B, C, H, W) each; they may be the same one."""
        return Logits(self.face(face_map)[:, 0], self.cells(cell_map)[:, 0])


class TextureNetwork(nn.Module):
    """Faces in, logits out; `features` and `heads` are apart because they learn apart."""

    def __init__(self, config: TextureConfig) -> None:
        super().__init__()
        self.stop = config.stop
        self.backbone = EfficientNetLite(config.backbone, config.stop)
        channels = self.backbone.channels
        self.heads = Heads(channels[16], channels[config.stop], config)

    def features(
        self, faces: Tensor, behind: Mapping[int, Callable[[Tensor], Tensor]] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the maps at stride 16 and at `stop` of (B, 3, S, S) faces in [-1, 1].

        `behind`: changes of maps within the backbone, by stage; see `EfficientNetLite.forward`.
        """
        # EfficientNet-Lite's weights expect (value − 127) / 128 of 8-bit RGB.
        maps = self.backbone(faces * (127.5 / 128) + 0.5 / 128, behind)
        return maps[16], maps[self.stop]

    def forward(self, faces: Tensor) -> Logits:
        """(B, 3, S, S) in [-1, 1] to logits of "live"."""
        return self.heads(*self.features(faces))
