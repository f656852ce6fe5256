"""Optional packages: import them, or say which extra brings them."""

import importlib
from types import ModuleType

from despoof.core.errors import MissingExtraError


def need(module: str, extra: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: dotted name, e.g. "accelerate".
        extra: the extra of despoof that installs it, e.g. "train".

    Raises:
        MissingExtraError: the package is not installed. A broken package raises its own error.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise  # the package is there; something that it needs is not
        raise MissingExtraError(
            f"{module} is not installed, and this needs it. Run: pip install 'despoof[{extra}]'",
            name=module,
        ) from error
