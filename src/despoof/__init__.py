"""despoof: is the face in front of the camera a person or a picture of one, and why?

>>> import despoof
>>> despoof.__version__[0]
'0'
"""

from typing import TYPE_CHECKING, Any

from despoof._version import __version__

if TYPE_CHECKING:
    from despoof.core.types import Decomposition, Verdict
    from despoof.detector import Detector, load

__all__ = ["Decomposition", "Detector", "Verdict", "__version__", "load"]

_HOMES = {
    "Decomposition": "despoof.core.types",
    "Verdict": "despoof.core.types",
    "Detector": "despoof.detector",
    "load": "despoof.detector",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: torch loads on first use, not on import
    if name not in _HOMES:
        raise AttributeError(f"module 'despoof' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
