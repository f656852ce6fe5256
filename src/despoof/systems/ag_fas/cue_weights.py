"""Start the cue network from published ImageNet weights, by name or from a folder; no pickle."""

from pathlib import Path

from torch import nn

from despoof.core.errors import WeightsError
from despoof.core.extras import need
from despoof.systems.ag_fas.cue_network import CueNetwork

VIT = "google/vit-base-patch16-224-in21k"
RESNET = "microsoft/resnet-18"
LAST = "encoder.stages.3."
"""ResNet's layer4: starts at random in the published program."""


def load_vit(network: CueNetwork, source: str, *, allow_download: bool = False) -> None:
    """Copy a ViT's weights; cross-attention and heads stay as they are.

    Args:
        network: of the same geometry.
        source: a folder with config.json and model.safetensors, or a name, e.g. `VIT`.
        allow_download: False: only folders, and names that are on this machine already.

    Raises:
        WeightsError: nothing readable there, or weights of another geometry.
    """
    found = _read("ViTModel", source, allow_download, add_pooling_layer=False)
    _copy(found, network.vit, source, "model.cue.width, depth, heads, patch, image_size")


def load_cue_encoder(network: CueNetwork, source: str, *, allow_download: bool = False) -> None:
    """Copy a ResNet-18's weights but those of its last stage, as published.

    Raises:
        WeightsError: as `load_vit`, or the network has no cue encoder.
    """
    if network.encoder is None:
        raise WeightsError("model.cue.fusion is none: there is no cue encoder to load into.")
    found = _read("ResNetModel", source, allow_download)
    _copy(found, network.encoder, source, "model.cue.cue_width", leave=LAST)


def _read(kind: str, source: str, allow_download: bool, **more: bool) -> nn.Module:
    model = getattr(need("transformers", "train"), kind)
    local = not allow_download or Path(source).is_dir()
    try:
        return model.from_pretrained(
            source,
            local_files_only=local,
            use_safetensors=True,
            ignore_mismatched_sizes=False,
            **more,
        )
    except Exception as error:  # transformers raises whatever its parts raise
        raise WeightsError(
            f"{source!r} gave no {kind}: {str(error).splitlines()[0] if str(error) else error!r}. "
            "Expected a folder with config.json and model.safetensors, or a name on the hub "
            "together with recipe.allow_download: true."
        ) from error


def _copy(found: nn.Module, into: nn.Module, source: str, keys: str, leave: str = "") -> None:
    have, own = found.state_dict(), into.state_dict()
    wanted = [name for name in own if not (leave and name.startswith(leave))]
    unfit = [name for name in wanted if name not in have or have[name].shape != own[name].shape]
    if unfit:
        raise WeightsError(
            f"{source!r} does not fit: {len(unfit)} of {len(wanted)} tensors are missing or of "
            f"another shape, the first is {unfit[0]!r}. Expected the geometry of {keys}."
        )
    into.load_state_dict(own | {name: have[name] for name in wanted})
