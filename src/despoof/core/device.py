"""Devices, threads and seeds, decided in one place."""

import os
from typing import TYPE_CHECKING

from despoof.core.errors import InputError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> "torch.device":
    """Return a torch device: `auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        InputError: the named device does not exist on this machine.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"Device {name!r} is not available here. Use auto, cpu, cuda or cuda:N."
        ) from error
    return device


def usable_cores() -> int:
    """Return how many cores this process may use (container and affinity limits counted in)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bf16_is_quick(device: str = "cpu") -> bool:
    """Whether a kind of device computes in bf16; elsewhere torch emulates it.

    On a processor without it (no AVX-512 BF16, no AMX) a network in bf16 took twelve to fifteen
    times as long as in fp32 (`benchmarks/pretrained.py time`), to say the same less exactly.
    """
    import torch

    if device != "cpu":
        return True
    return any(has is True and "bf16" in name for name, has in torch.cpu.get_capabilities().items())


def bf16_autocast(device: str, wanted: bool = True) -> "torch.autocast":
    """Return the context in which networks run in bf16, where that is wanted and a gain."""
    import torch

    return torch.autocast(device, torch.bfloat16, enabled=wanted and bf16_is_quick(device))


def seed_of(*parts: int | str) -> int:
    """Mix any numbers and words into one 63-bit seed; the same on every machine.

    >>> seed_of(0, "train", 5) == seed_of(0, "train", 5) != seed_of(0, "train", 6)
    True
    """
    import hashlib

    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
