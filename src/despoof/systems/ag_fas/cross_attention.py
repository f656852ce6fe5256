"""Transformer blocks of `transformers`' ViT with a look at the cue in between.

SPEC §2.2: in every block, between self-attention and MLP,
h = h + Dense(MHA(Q = W_q LN(h), K = W_k r, V = W_v r)), Dense's weight zero at the start.
"""

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F


class CrossAttention(nn.Module):
    """Image tokens ask, cue tokens answer: (B, N, width), (B, M, cue_width) -> (B, N, width)."""

    def __init__(self, width: int, cue_width: int, heads: int, output_std: float = 0.0) -> None:
        """Build it; with `output_std` 0 it answers 0 until it has learnt something."""
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, eps=1e-12)  # the ViT's own epsilon
        self.query = nn.Linear(width, width)
        # A key's bias adds the same to all of a query's logits: softmax does not see it.
        self.key = nn.Linear(cue_width, width, bias=False)
        self.value = nn.Linear(cue_width, width)
        self.dense = nn.Linear(width, width)
        nn.init.normal_(self.dense.weight, std=output_std)
        nn.init.zeros_(self.dense.bias)

    def forward(self, tokens: Tensor, cue: Tensor) -> Tensor:
        """Return what is to be added to the image tokens."""
        asked = self._split(self.query(self.norm(tokens)))
        found = F.scaled_dot_product_attention(
            asked, self._split(self.key(cue)), self._split(self.value(cue))
        )
        return self.dense(found.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


def guided_tokens(
    vit: nn.Module, crossings: nn.ModuleList | None, pixels: Tensor, cue: Tensor | None
) -> Tensor:
    """Run a `transformers.ViTModel`, looking at the cue in every block.

    Args:
        vit: the model, without its pooler. Its own parts are called in its own order, so that its
            state dict stays that of the plain model, and weights by that name fit.
        crossings: one `CrossAttention` a block; None = the plain model.
        pixels: (B, 3, S, S) in [-1, 1], S the model's size.
        cue: (B, M, cue_width); None = the plain model.

    Returns:
        (B, 1 + patches, width) tokens after the last norm, CLS first.
    """
    model = cast("Any", vit)
    tokens: Tensor = model.embeddings(pixels)
    for number, block in enumerate(model.layers):
        look: Callable[[Tensor, Tensor], Tensor] | None = None
        if crossings is not None and cue is not None:
            look = cast("CrossAttention", crossings[number])
        tokens = _block(block, tokens, look, cue)
    return model.layernorm(tokens)


def _block(
    block: Any,  # noqa: ANN401 - transformers' ViTLayer ships without types
    tokens: Tensor,
    look: Callable[[Tensor, Tensor], Tensor] | None,
    cue: Tensor | None,
) -> Tensor:
    attended, _ = block.attention(block.layernorm_before(tokens))
    tokens = block.dropout(attended) + tokens
    if look is not None and cue is not None:
        tokens = tokens + look(tokens, cue)
    return block.dropout(block.mlp(block.layernorm_after(tokens))) + tokens
