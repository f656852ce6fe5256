"""The wide expert: the window that a crop holds of its picture, a backbone, and two answers."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.face.warp import PADDING
from despoof.nets.efficientnet_lite import EfficientNetLite
from despoof.systems.two_views.config import WideConfig

GREY = PADDING / 127.5 - 1
"""What lies outside the picture in a crop, exactly; see `face.crop_face`."""
_TOLERANCE = 1e-3  # far below a grey level (1 / 127.5), above what half precision leaves of one


class Answers(NamedTuple):
    """What the wide expert says about B views.

    Attributes:
        classes: (B, 3) logits of the teacher's classes; class 1 is "live".
        labelled: (B,) logit of "live", learnt from labels alone.
    """

    classes: Tensor
    labelled: Tensor

    @property
    def taught(self) -> Tensor:
        """(B,) log-odds of "live" among the teacher's classes."""
        others = torch.logaddexp(self.classes[:, 0], self.classes[:, 2])
        return self.classes[:, 1] - others


class WideNetwork(nn.Module):
    """Views in, answers out."""

    def __init__(self, config: WideConfig) -> None:
        super().__init__()
        self.backbone = EfficientNetLite(config.backbone)
        self.head = nn.Sequential(
            nn.Conv2d(self.backbone.channels[32], config.hidden, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, 4),
        )

    def forward(self, views: Tensor) -> Answers:
        """(B, 3, S, S) in [-1, 1] to answers."""
        # EfficientNet-Lite's weights expect (value − 127) / 128 of 8-bit RGB.
        found = self.head(self.backbone(views * (127.5 / 128) + 0.5 / 128)[32])
        return Answers(found[:, :3], found[:, 3])


def windows_in(crops: Tensor, scale: float, aspect: float) -> tuple[Tensor, Tensor]:
    """Find the largest window of each crop that shows the picture alone: `face.window` in tensors.

    The crop's rows and columns that are grey padding from end to end are no picture. What is left
    is the frame in which the face's box, grown by `scale`, shrinks and moves until it fits.

    Args:
        crops: (B, 3, S, S) in [-1, 1], the face in the middle, its height S / scale.
        scale: side of the crop / height of the face.
        aspect: width / height of a face.

    Returns:
        (B, 4) left, top, right, bottom in pixels from the edge, and (B,) the window's height in
        faces, at most `scale`.
    """
    side = crops.shape[-1]
    shown = ((crops - GREY).abs() > _TOLERANCE).amax(dim=1)
    left, right = _ends(shown.amax(dim=1))
    top, bottom = _ends(shown.amax(dim=2))
    high, wide = float(side), side * aspect
    share = torch.minimum((bottom - top) / high, (right - left) / wide).clamp(max=1.0)
    middle = side / 2
    x = torch.minimum(torch.maximum(middle - share * wide / 2, left), right - share * wide)
    y = torch.minimum(torch.maximum(middle - share * high / 2, top), bottom - share * high)
    return torch.stack([x, y, x + share * wide, y + share * high], dim=1), share * scale


def _ends(shown: Tensor) -> tuple[Tensor, Tensor]:
    """First and one behind the last True of (B, S) bool, float32; 0 and S where there is none."""
    flags = shown.float()
    side = flags.shape[1]
    first = flags.argmax(dim=1).float()
    last = side - flags.flip(1).argmax(dim=1).float()
    return first, last


def cut_windows(crops: Tensor, windows: Tensor, side: int, *, antialias: bool = True) -> Tensor:
    """Resample windows to (B, 3, side, side): four samples a pixel, or one, which aliases."""
    size, fine = crops.shape[-1], 2 * side if antialias else side
    steps = (torch.arange(fine, device=crops.device, dtype=crops.dtype) + 0.5) / fine
    windows = windows.to(crops.dtype)
    x = windows[:, 0, None] + (windows[:, 2] - windows[:, 0])[:, None] * steps
    y = windows[:, 1, None] + (windows[:, 3] - windows[:, 1])[:, None] * steps
    x, y = x * (2 / size) - 1, y * (2 / size) - 1
    across = x[:, None, :].expand(-1, fine, -1)
    down = y[:, :, None].expand(-1, -1, fine)
    grid = torch.stack([across, down], dim=3)
    view = F.grid_sample(crops, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return F.avg_pool2d(view, 2) if antialias else view
