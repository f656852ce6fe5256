"""A record's seal: one hash over all that the record says.

It finds accidents and swaps: an edited threshold, a record of other weights, a file that was half
merged. It is no signature: whoever writes the record can write a fitting seal.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from despoof.core.errors import WeightsError

SEAL = "seal"


def seal_of(values: Mapping[str, Any]) -> str:
    """Return the SHA-256, 64 hex digits, of a record's fields without the seal itself.

    The fields are taken as canonical JSON (sorted keys, no spaces), so neither their order nor the
    layout of the file matters. They are taken as they stand in the file: a later version with
    further fields does not break the seals of records that were written before.

    Args:
        values: plain JSON values by name.
    """
    own = {key: value for key, value in values.items() if key != SEAL}
    text = json.dumps(own, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same fields with their seal, which comes last."""
    own = {key: value for key, value in values.items() if key != SEAL}
    return own | {SEAL: seal_of(own)}


def check_seal(path: Path, values: Mapping[str, Any], advice: str) -> None:
    """Raise unless the fields are those that were sealed; without a seal there is nothing to check.

    Args:
        path: of the record, for the message.
        values: what was read from it.
        advice: how a threshold is changed properly, without the full stop.

    Raises:
        WeightsError: the record was changed after it was written.
    """
    written = values.get(SEAL)
    if written is not None and written != (found := seal_of(values)):
        raise WeightsError(
            f"{path} was changed since it was written: its fields give the seal {found}, it says "
            f'{written!r}. Restore it. {advice}. With "seal" as null the record is used, and '
            "verdicts say sealed: false."
        )
