"""What `--json` says of a bridge: how it was crossed, and each face's latent."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from despoof.detector import Detector, FaceParts


def bridge_facts(
    detector: "Detector", parts: "Sequence[FaceParts] | None", pictures: Sequence[Path]
) -> dict[str, Any] | None:
    """Return what `--json` says of a bridge; None where the system has none.

    Args:
        detector: whose bridge.
        parts: of one source; None where no evidence was asked for.
        pictures: those of `parts` that were written.
    """
    if detector.bridge is None:
        return None
    from despoof.core.device import bf16_is_quick
    from despoof.detector import BridgedParts

    in_bf16 = detector.system.config.precision == "bf16" and bf16_is_quick(
        str(detector.device).split(":")[0]
    )
    settings = detector.bridge.plain() | {"autocast": in_bf16}
    facts = {name: settings[name] for name in ("solver", "grid", "steps", "t_max", "autocast")}
    if parts is None:
        return facts
    written = [str(path) for path in pictures]
    written += [None] * (len(parts) - len(written))
    return facts | {
        "latents": [
            {
                "index": part.verdict.index,
                "t": part.t_max,
                "mean": float(part.latent.mean()),
                "std": float(part.latent.std()),
                "nfe": part.nfe,
                "picture": picture,
            }
            for part, picture in zip(parts, written, strict=True)
            if isinstance(part, BridgedParts)
        ]
    }
