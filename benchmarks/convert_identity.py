"""ArcFace checkpoints of iResNet-18 as safetensors, once, so that nothing is unpickled later.

    python benchmarks/convert_identity.py backbone.pth -o identity.safetensors
    python benchmarks/convert_identity.py backbone.pth -o identity.safetensors --onnx reference.onnx

The checkpoint is a state dict with insightface's names (`iresnet18` of arcface_torch: conv1, bn1,
prelu, layer1.0.bn1 … bn2, fc, features), as .pt, .pth or .safetensors. With --onnx the embeddings
of both are compared on random pictures. The file then goes into recipe.identity.weights.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from despoof.core.errors import WeightsError
from despoof.core.files import sha256
from despoof.systems.ag_fas.generator_config import IdentityConfig
from despoof.systems.ag_fas.identity import cosines
from despoof.systems.ag_fas.identity_weights import (
    OnnxIdentity,
    fitted_state,
    load_identity,
    save_identity,
)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint; of a pickle, tensors alone, whatever else it holds."""
    if path.suffix == ".safetensors":
        return load_file(path)
    found: Any = torch.load(path, map_location="cpu", weights_only=True)
    for name in ("state_dict", "state_dict_backbone"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise WeightsError(f"{path} holds {type(found).__name__}, expected a state dict.")
    return found


def convert(source: Path, out: Path, config: IdentityConfig) -> dict[str, str]:
    """Write the safetensors file; return what it says of itself."""
    state = fitted_state(read_checkpoint(source), config, str(source))
    facts = {
        "network": "iresnet18",
        "width": f"{config.width:g}",
        "embedding": str(config.embedding),
        "source": source.name,
        "source_sha256": sha256(source),
        "input": "(value - 127.5) / 127.5 of 8-bit RGB, 112 x 112",
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    save_identity(out, state, facts)
    return facts


def compared(out: Path, config: IdentityConfig, onnx: Path, faces: int = 8) -> float:
    """Return the smallest cosine between both encoders' embeddings of random pictures."""
    side = config.size
    x = torch.rand(faces, 3, side, side, generator=torch.Generator().manual_seed(7)) * 2 - 1
    with torch.no_grad():
        ours = load_identity(out, config)(x).embedding
    return float(cosines(ours, OnnxIdentity(onnx, config.embedding)(x)).min())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, help="the same encoder in ONNX, to compare with")
    parser.add_argument("--embedding", type=int, default=512)
    parser.add_argument("--width", type=float, default=1.0)
    given = parser.parse_args(arguments)
    config = IdentityConfig(width=given.width, embedding=given.embedding)
    facts = convert(given.checkpoint, given.out, config)
    if given.onnx is not None:
        facts["smallest_cosine"] = f"{compared(given.out, config, given.onnx):.6f}"
    print(json.dumps({**facts, "file": str(given.out), "sha256": sha256(given.out)}, indent=2))


if __name__ == "__main__":
    main()
