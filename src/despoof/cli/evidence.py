"""`--explain DIR`: one picture per face, each whole or absent."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from despoof.cli.output import complain
from despoof.core.files import atomic_path

if TYPE_CHECKING:
    from PIL.Image import Image

    from despoof.detector import FaceParts

_LONGEST = 120
"""Bytes of a source's name that are kept; file systems allow 255 for the whole name."""


class EvidenceFolder:
    """Writes evidence pictures; after the first failure it says why, once, and stops writing.

    Attributes:
        written: the pictures so far.
        failed: whether one could not be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[Path] = []
        self.failed = False
        self._used: set[str] = set()

    def write(self, source: str, parts: "Sequence[FaceParts]") -> list[Path]:
        """Write `<source's name>[-frameI]-faceK.png` for each face; I and K count from 1.

        Returns:
            The pictures that were written, in the order of `parts`; fewer after a failure.
        """
        paths: list[Path] = []
        if self.failed or not parts:
            return paths
        name = self._unused(safe_name(source))
        clip = any(part.verdict.time is not None for part in parts)
        seen: dict[int, int] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for part in parts:
                index = part.verdict.index
                seen[index] = seen.get(index, 0) + 1
                frame = f"-frame{index + 1}" if clip else ""
                path = self.folder / f"{name}{frame}-face{seen[index]}.png"
                with atomic_path(path) as temporary:
                    _drawn(part).save(temporary, "PNG")
                paths.append(path)
        except OSError as error:
            self.failed = True
            complain(
                f"Evidence pictures cannot be written to {self.folder}: "
                f"{error.strerror or error}. Choose a folder that you may write to."
            )
        self.written += paths
        return paths

    def _unused(self, name: str) -> str:
        """Tell pictures of the same name from different folders apart: photo, photo~2, photo~3."""
        free, number = name, 1
        while free.casefold() in self._used:  # some file systems do not tell A from a
            number += 1
            free = f"{name}~{number}"
        self._used.add(free.casefold())
        return free


def safe_name(source: str) -> str:
    """Return a source's last part as a plain file name on any system; letters of all scripts stay.

    >>> safe_name("holiday photos/Zoë & me.jpg"), safe_name("-"), safe_name("camera:0")
    ('Zoë_me.jpg', 'stdin', 'camera_0')
    """
    if source == "-":
        return "stdin"
    name = unicodedata.normalize("NFC", Path(source).name)
    name = re.sub(r"[^\w.-]+", "_", name).lstrip(".-")
    return name.encode("utf-8")[-_LONGEST:].decode("utf-8", "ignore") or "picture"


def _drawn(part: "FaceParts") -> "Image":
    from despoof.detector import BridgedParts
    from despoof.evaluation.latent_panel import bridge_picture
    from despoof.evaluation.pictures import evidence_picture

    return bridge_picture(part) if isinstance(part, BridgedParts) else evidence_picture(part)
