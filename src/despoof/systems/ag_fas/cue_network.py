"""The network that judges: a ViT on the face, guided by the anomalous cue (SPEC §2.2)."""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.core.extras import need
from despoof.systems.ag_fas.cross_attention import CrossAttention, guided_tokens
from despoof.systems.ag_fas.cue_config import CueConfig
from despoof.systems.ag_fas.cue_losses import reverse_gradient

ATTACK, LIVE = 0, 1
"""The classifier's outputs."""


class Judged(NamedTuple):
    """What the network says of B faces.

    Attributes:
        feature: (B, embedding), normalised as published.
        logits: (B, 2), attack and live.
    """

    feature: Tensor
    logits: Tensor

    @property
    def score(self) -> Tensor:
        """(B,) logit of P(live)."""
        return self.logits[:, LIVE].float() - self.logits[:, ATTACK].float()


class CueNetwork(nn.Module):
    """AG-Net (OA-Net): faces and their cue in, feature and logits out.

    Attributes:
        vit: transformers' `ViTModel`, its state dict that of the plain model.
        encoder: transformers' ResNet-18 of the cue; None without one.
        crossings: cross-attention of each block; None for another fusion.
        embedder, classifier: of the feature that is judged.
        critic: tells the domains of live faces apart; part of training alone.
    """

    def __init__(self, config: CueConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CueConfig()
        cue_width = config.cue_widths[-1]
        self.vit = make_vit(config)
        self.encoder = make_cue_encoder(config) if config.needs_cue else None
        crossed = config.fusion == "cross-attention"
        self.crossings = _crossings(config, cue_width) if crossed else None
        joined = config.width + (cue_width if config.fusion == "concat" else 0)
        self.embedder = nn.Linear(joined, config.embedding)
        nn.init.normal_(self.embedder.weight, std=0.005)
        nn.init.constant_(self.embedder.bias, 0.1)
        self.classifier = nn.Linear(config.embedding, 2)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)
        self.critic = _critic(config)

    def forward(self, faces: Tensor, cue: Tensor | None = None) -> Judged:
        """Judge faces.

        Args:
            faces: (B, 3, S, S) in [-1, 1]; resized to `config.image_size`.
            cue: (B, 3, T, T), see `anomalous_cue`; may be missing where `config.fusion` is none.

        Raises:
            InputError: the cue is missing, or is of another number of faces.
        """
        config = self.config
        seen = self._cue_map(faces, cue)
        tokens = None if seen is None else seen.flatten(2).transpose(1, 2)
        found = guided_tokens(self.vit, self.crossings, resized(faces, config.image_size), tokens)
        whole = found[:, 0]
        if tokens is not None and config.fusion == "concat":
            whole = torch.cat([whole, tokens.mean(dim=1)], dim=1)
        feature = root_normalised(self.embedder(whole).float())
        return Judged(feature, self._classified(feature))

    def domains(self, feature: Tensor, coefficient: float) -> Tensor:
        """Return the critic's (B, domains) logits; its gradient to the feature is reversed.

        Args:
            feature: of `forward`.
            coefficient: of the reversal, in [0, 1].
        """
        return self.critic(reverse_gradient(feature, coefficient))

    def _cue_map(self, faces: Tensor, cue: Tensor | None) -> Tensor | None:
        if self.encoder is None:
            return None
        if cue is None or len(cue) != len(faces):
            shape = None if cue is None else tuple(cue.shape)
            raise InputError(
                f"The cue is {shape} for {len(faces)} faces; fusion {self.config.fusion!r} needs "
                "one for each. Give anomalous_cue(faces, reconstruction)."
            )
        return cast("Any", self.encoder)(cue).last_hidden_state

    def _classified(self, feature: Tensor) -> Tensor:
        axis = 0 if self.config.normalised == "feature" else 1
        weight = F.normalize(self.classifier.weight.float(), dim=axis)
        return F.linear(feature, weight, self.classifier.bias.float())


def root_normalised(feature: Tensor) -> Tensor:
    """Return f / (√2 · √‖f‖) of (B, D): its length is √(‖f‖ / 2)."""
    length = feature.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return feature / (2**0.5 * length.sqrt())


def resized(faces: Tensor, size: int) -> Tensor:
    """Return (B, 3, S, S) faces at another size: bilinear, without aliasing."""
    if faces.shape[-1] == size:
        return faces
    return F.interpolate(faces, (size, size), mode="bilinear", antialias=True)


def make_vit(config: CueConfig) -> nn.Module:
    """Return an untrained `transformers.ViTModel` without its pooler.

    At the defaults ViT-B/16, 85.8 million parameters. Pixels in [-1, 1] are what its published
    weights were trained with (mean and deviation 0.5).
    """
    transformers = need("transformers", "train")
    geometry = transformers.ViTConfig(
        hidden_size=config.width,
        num_hidden_layers=config.depth,
        num_attention_heads=config.heads,
        intermediate_size=round(config.width * config.mlp_ratio),
        image_size=config.image_size,
        patch_size=config.patch,
    )
    return transformers.ViTModel(geometry, add_pooling_layer=False)


def make_cue_encoder(config: CueConfig) -> nn.Module:
    """Return an untrained ResNet-18 of `transformers`, narrowed, with the stem that was asked for.

    At the defaults 11.2 million parameters, a cue of 256 pixels gives 8×8 tokens of 512.
    """
    transformers = need("transformers", "train")
    widths = config.cue_widths
    geometry = transformers.ResNetConfig(
        embedding_size=widths[0],
        hidden_sizes=list(widths),
        depths=[2, 2, 2, 2],
        layer_type="basic",
        hidden_act="relu",
    )
    net = transformers.ResNetModel(geometry)
    if config.cue_stride < 32:
        net.embedder.pooler = nn.Identity()
    if config.cue_stride < 16:
        net.embedder.embedder.convolution.stride = (1, 1)
    return net


def _crossings(config: CueConfig, cue_width: int) -> nn.ModuleList:
    return nn.ModuleList(
        CrossAttention(config.width, cue_width, config.heads, config.output_std)
        for _ in range(config.depth)
    )


def _critic(config: CueConfig) -> nn.Sequential:
    """SSDG's: two layers, dropout 0.5 between."""
    critic = nn.Sequential(
        nn.Linear(config.embedding, config.embedding),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(config.embedding, config.domains),
    )
    for layer, deviation in ((critic[0], 0.01), (critic[3], 0.3)):
        nn.init.normal_(cast("nn.Linear", layer).weight, std=deviation)
        nn.init.zeros_(cast("nn.Linear", layer).bias)
    return critic
