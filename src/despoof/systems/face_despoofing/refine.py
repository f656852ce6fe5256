"""Past the paper: a decoder that sees the photograph, taught by exact simulated noise.

The published decoder reads 32×32 features and is asked for noise of 0.2/45 of the full scale, so
it cannot take a halftone away, and does not try (SPEC §3.4). Simulated recaptures come with the
very picture that was recaptured. So, when everything else is trained and frozen, a second stage
teaches a new decoder to give that picture back, and to leave live faces alone. Scores that use the
0/1 map and the depth do not change by a bit.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.data.pairs import recapture_pairs
from despoof.data.views import DataConfig
from despoof.systems.face_despoofing.config import FaceDespoofingConfig
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.training.stage import Batch, Update

DEV_PICTURES = 192


class RefineConfig(StrictConfig):
    """The decoder's second life."""

    decoder_width: float = Field(default=1.0, gt=0, description="multiplies the published widths")
    learning_rate: float = Field(default=3e-3, gt=0)
    live_share: float = Field(default=0.35, gt=0, lt=1, description="of each batch")
    batch_size: int = Field(default=16, ge=4)


def refined_config(config: FaceDespoofingConfig, refine: RefineConfig) -> FaceDespoofingConfig:
    """Return the configuration of the system with the new decoder."""
    network = config.network.model_copy(
        update={"decoder_width": refine.decoder_width, "decoder_sees_photo": True}
    )
    return config.model_copy(update={"network": network})


class RefineStage:
    """Teach a new decoder on simulated pairs; satisfies `training.Stage`."""

    name = "decoder"

    def __init__(
        self, trained: FaceDespoofing, refine: RefineConfig, data: DataConfig, seed: int
    ) -> None:
        torch.manual_seed(seed)  # the start of the decoder
        system = FaceDespoofing(refined_config(trained.config, refine))
        kept = {k: v for k, v in trained.state_dict().items() if not k.startswith("ds.decoder.")}
        system.load_state_dict(kept, strict=False)
        self.module: nn.Module = system
        self.system, self.refine, self.data, self.seed = system, refine, data, seed
        size = system.config.crop.size
        self.pairs = recapture_pairs(data, size, "train")
        dev = recapture_pairs(data, size, "dev", DEV_PICTURES)
        self.dev = dev.batch(DEV_PICTURES, 0.25, seed_of(seed, "dev pairs"))
        self.trained_hash = _hash_of(kept)

    def updates(self) -> Sequence[Update]:
        """The decoder alone learns."""
        return (Update("decoder", self.system.ds.decoder, self.loss, self.refine.learning_rate),)

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step)."""
        refine = self.refine
        return self.pairs.batch(
            refine.batch_size, refine.live_share, seed_of(self.seed, "pairs", step)
        )

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """L1 of the genuine estimate in all six channels, live faces and recaptures alike."""
        system = self.system
        target = system.six_channels(batch["target"])
        six = system.six_channels(batch["faces"])
        encoder = system.ds.encoder
        mode = encoder.training
        encoder.eval()  # its batch statistics stand still
        with torch.no_grad():
            features = encoder(six)
        encoder.train(mode)
        noise = system.ds.decoder(features, six).float()
        error = (torch.relu(six - noise / system.ds.gain) - target).abs().mean(dim=(1, 2, 3))
        live = batch["live"]
        logs: dict[str, Tensor | float] = {
            "live": error[live].detach().mean(),
            "recaptured": error[~live].detach().mean(),
        }
        return error.mean(), logs

    def validate(self, module: nn.Module) -> dict[str, float]:
        """PSNR (dB, RGB) on development people: gain on recaptures, and of untouched live faces."""
        system = cast("FaceDespoofing", module)
        live, target, faces = self.dev["live"], self.dev["target"], self.dev["faces"]
        device = next(module.parameters()).device
        parts = [system.decompose(part.to(device)).genuine.cpu() for part in faces.split(32)]
        genuine = torch.cat(parts)
        before, after = _psnr(faces[~live], target[~live]), _psnr(genuine[~live], target[~live])
        return {
            "psnr_gain": after - before,
            "psnr_before": before,
            "psnr_after": after,
            "psnr_live": _psnr(genuine[live], target[live]),
        }

    def fingerprint(self) -> str:
        """Hash of the trained parts, the settings and the data."""
        values = [
            self.system.config.plain(),
            self.refine.plain(),
            self.data.plain(),
            self.seed,
            self.trained_hash,
        ]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _psnr(a: Tensor, b: Tensor) -> float:
    """Mean over pictures of 10 log10(peak² / MSE); (B, 3, S, S) in [-1, 1], so the peak is 2."""
    error = ((a - b) ** 2).mean(dim=(1, 2, 3)).clamp(min=1e-10)
    return float((10 * torch.log10(4 / error)).mean()) if len(a) else math.nan


def _hash_of(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
