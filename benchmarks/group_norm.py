"""How long a UNet's training step takes with torch's group norms and with ours, in turns.

python benchmarks/group_norm.py

The small rung's fields, 32 faces, bf16, channels last; medians. Writes results/group_norm.json.
"""

import time
from pathlib import Path

import numpy as np
import torch
from recording import write
from torch import nn

from despoof.core.config import read_yaml
from despoof.core.device import usable_cores
from despoof.diffusion.group_norm import QuickGroupNorm
from despoof.diffusion.network import DomainNetwork, NetworkConfig

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "small" / "despoofing_diffusion.yaml"
FACES, ROUNDS = 32, 9


def with_torch_norms(module: nn.Module) -> None:
    """Undo `quick_norms`."""
    for name, child in module.named_children():
        if isinstance(child, QuickGroupNorm):
            setattr(module, name, nn.GroupNorm(child.num_groups, child.num_channels, child.eps))
        else:
            with_torch_norms(child)


def step(net: DomainNetwork, faces: torch.Tensor) -> float:
    """Return the seconds of one forward and backward pass."""
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16):
        loss = net(faces, torch.full((len(faces),), 300.0), "live").float().square().mean()
    loss.backward()
    return time.perf_counter() - start


def main() -> None:
    """Time both in turns."""
    torch.set_num_threads(usable_cores())
    values = read_yaml(EXPERIMENT)["model"]
    side = values["crop"]["size"]
    nets = {}
    for name in ("torch", "ours"):
        torch.manual_seed(0)
        net = DomainNetwork(NetworkConfig.parse(values["fields"]))
        if name == "torch":
            with_torch_norms(net)
        nets[name] = net.to(memory_format=torch.channels_last)
    faces = torch.randn(FACES, 3, side, side).contiguous(memory_format=torch.channels_last)
    times: dict[str, list[float]] = {name: [] for name in nets}
    for _ in range(ROUNDS):
        for name, net in nets.items():
            times[name].append(step(net, faces))
    seconds = {name: float(np.median(found[1:])) for name, found in times.items()}
    ratio = seconds["torch"] / seconds["ours"]
    print(seconds, f"ratio {ratio:.2f}")
    write("group_norm", {"seconds": seconds, "ratio": ratio, "faces": FACES, "rounds": ROUNDS - 1})


if __name__ == "__main__":
    main()
