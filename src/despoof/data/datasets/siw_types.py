"""The attack types of SiW-M and SiW-Mv2, which both write into the names of their files."""

import re

PREFIXES = {
    "Live": "live",
    "Paper": "print/paper",
    "Replay": "replay/screen",
    "Mask_Half": "mask/half",
    "Mask_Silicone": "mask/silicone",
    "Mask_Trans": "mask/transparent",
    "Mask_Paper": "mask/paper",
    "Mask_Mann": "mask/mannequin",
    "Makeup_Ob": "makeup/obfuscation",
    "Makeup_Im": "makeup/impersonation",
    "Makeup_Co": "makeup/cosmetic",
    "Partial_Funnyeye": "partial/funny-eye",
    "Partial_Paperglass": "partial/paper-glasses",
    "Partial_Paper": "partial/paper",
    "Partial_Eye": "partial/eye",
    "Partial_Mouth": "partial/mouth",
}
"""How a file's name begins, to species."""
_STEM = re.compile(rf"({'|'.join(sorted(PREFIXES, key=len, reverse=True))})_(\d+)", re.ASCII)


def read_stem(stem: str) -> tuple[str, str] | None:
    """Split a file's name without suffix into species and number; None where it is of no type.

    >>> read_stem("Mask_Paper_3"), read_stem("Partial_Paperglass_12"), read_stem("Paper_x")
    (('mask/paper', '3'), ('partial/paper-glasses', '12'), None)
    """
    match = _STEM.fullmatch(stem)
    return (PREFIXES[match[1]], match[2]) if match else None
