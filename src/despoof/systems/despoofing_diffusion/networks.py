"""The two-stream detector: a face and its noise in, a depth map out (SPEC §1.4)."""

import torch
from torch import Tensor, nn

from despoof.nets.depth_trunk import DepthTrunk, trunk_widths
from despoof.systems.despoofing_diffusion.config import DetectorConfig
from despoof.systems.despoofing_diffusion.fusion import map_head, stream_features
from despoof.systems.despoofing_diffusion.views import stream_inputs


class TwoStreamNet(nn.Module):
    """Faces and noise -> (B, 32, 32) map: the face's relief where it is live, 0 where it is not.

    One stream or two, as `config.inputs` says. Fully convolutional: faces and noise may have any
    size from 32 up, even if `config.fold` is 2.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        widths = trunk_widths(config.width)
        self.trunks = nn.ModuleList(
            DepthTrunk(3, widths, config.theta, config.fold) for _ in config.streams
        )
        self.features = nn.ModuleList(stream_features(config, widths) for _ in config.streams)
        self.head = map_head(config, widths)

    def forward(self, faces: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the map, no unit, trained towards [0, 1]; ≥ 0 where `config.positive`.

        Args:
            faces: (B, 3, S, S) RGB in [-1, 1], the whole crop.
            noise: (B, 3, T, T) signed noise or magnitude over the same crop; None where
                `config.needs_noise` is false.

        Raises:
            InputError: noise is missing, has a wrong shape, or its scale was never measured.
        """
        seen = stream_inputs(faces, noise, self.config)
        parts = [
            features(trunk(x))
            for trunk, features, x in zip(self.trunks, self.features, seen, strict=True)
        ]
        return self.head(torch.cat(parts, dim=1)).squeeze(1)
