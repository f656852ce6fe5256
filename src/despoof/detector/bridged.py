"""Systems that cross a bridge: what more there is to ask of them, and to show."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Decomposition, FaceParts, System

if TYPE_CHECKING:  # an exported scorer runs where torch is not installed
    from torch import Tensor

    from despoof.diffusion.bridge import BridgeConfig, Bridged, Progress


@runtime_checkable
class BridgedSystem(Protocol):
    """A system whose noise is what a bridge between two fields changes.

    Its `config` has `bridge`, `schedule` and `precision`, that of the fields' networks.
    """

    config: Any

    def decompose(self, faces: "Tensor") -> Decomposition:
        """As `System`."""
        ...

    def score(self, faces: "Tensor", progress: "Progress | None" = None) -> "Tensor":
        """As `System`, telling the solver's steps."""
        ...

    def explain(
        self, faces: "Tensor", progress: "Progress | None" = None
    ) -> "tuple[Decomposition, Bridged]":
        """Return `decompose(faces)` and what the bridge gave on the way."""
        ...

    def with_bridge(
        self, bridge_config: "BridgeConfig", precision: Literal["fp32", "bf16"] | None = None
    ) -> "BridgedSystem":
        """Return the same system that integrates in another way."""
        ...


@dataclass(frozen=True)
class BridgedParts(FaceParts):
    """What a system with a bridge says of a face: also where it turned round, and what it cost.

    Attributes:
        latent: (S, S, 3) float32, x^l: the state at `t_max`, about standard normal if that is the
            schedule's end. No picture: it has no range.
        t_max: the time of the latent, in the schedule's units.
        bridge: solver, grid and steps each way.
        nfe: evaluations of both fields for the batch that this face was in.
    """

    latent: NDArray[np.float32]
    t_max: float
    bridge: "BridgeConfig"
    nfe: int


def bridge_of(system: System) -> "BridgeConfig | None":
    """Return how a system's bridge is integrated; None where it has none."""
    return system.config.bridge if isinstance(system, BridgedSystem) else None


def explained(
    system: System, faces: "Tensor", progress: "Progress | None"
) -> "tuple[Decomposition, Bridged | None]":
    """Return the decomposition and, where there is a bridge, what it gave."""
    if isinstance(system, BridgedSystem):
        return system.explain(faces, progress)
    return system.decompose(faces), None


def scored(system: System, faces: "Tensor", progress: "Progress | None") -> "Tensor":
    """Return (B,) scores, telling a bridge's steps where there is one."""
    if isinstance(system, BridgedSystem):
        return system.score(faces, progress)
    return system.score(faces)


def with_latent(parts: FaceParts, system: System, made: "Bridged", row: int) -> BridgedParts:
    """Add one face's latent, of a batch's, to its parts."""
    bridge: BridgeConfig = system.config.bridge
    latent = made.latent[0][row].float().permute(1, 2, 0).cpu().numpy()
    t_max = float(bridge.times(system.config.schedule)[-1])
    return BridgedParts(**vars(parts), latent=latent, t_max=t_max, bridge=bridge, nfe=made.nfe)


def rebridged(
    system: System, solver: str | None, steps: int | None, autocast: bool | None
) -> System:
    """Return a system that integrates as asked; the very same one where that is what it does.

    Args:
        system: as loaded.
        solver: a name of `diffusion.solvers.registry.SOLVERS`.
        steps: each way.
        autocast: whether the fields' networks run in bf16; the state is fp32 either way.

    Raises:
        InputError: something is asked of a system without a bridge, or the grid is impossible.
        ConfigError: no such solver, or a number of steps that it cannot take.
    """
    asked = {"solver": solver, "steps": steps}
    changes = {name: value for name, value in asked.items() if value is not None}
    if not changes and autocast is None:
        return system
    if not isinstance(system, BridgedSystem):
        raise InputError(
            "solver, steps and autocast say how a bridge is crossed, and these weights have none. "
            "Leave them out, or take weights of System 1 (despoofing-diffusion)."
        )
    from despoof.diffusion.bridge import BridgeConfig

    config = system.config
    bridge = BridgeConfig.parse(config.bridge.plain() | changes, "the bridge")
    bridge.times(config.schedule)  # refuses an impossible grid now, not at the first face
    precision = config.precision if autocast is None else ("bf16" if autocast else "fp32")
    if (bridge, precision) == (config.bridge, config.precision):
        return system
    return system.with_bridge(bridge, precision)
