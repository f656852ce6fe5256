"""Which files in a folder hold pictures or videos."""

import os
from pathlib import Path

from despoof.core.errors import MediaError
from despoof.media.formats import (
    HEAD_BYTES,
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    sniff_image,
    sniff_video,
)
from despoof.media.guard import guarded
from despoof.media.names import check_name, short


def is_image(path: str | Path) -> bool:
    """Tell whether a file is a picture: by its suffix, by its first bytes if that is unknown."""
    suffix = Path(path).suffix.lower()
    if suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES:
        return suffix in IMAGE_SUFFIXES
    return sniff_image(head_of(path)) is not None


def is_video(path: str | Path) -> bool:
    """Tell whether a file is a video: by its suffix, by its first bytes if that is unknown."""
    suffix = Path(path).suffix.lower()
    if suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES:
        return suffix in VIDEO_SUFFIXES
    return sniff_video(head_of(path))


@guarded
def find_media(
    path: str | Path,
    recursive: bool = True,
    refused: list[tuple[Path, MediaError]] | None = None,
) -> list[Path]:
    """List the pictures and videos of a folder.

    In a folder the suffix decides; hidden files and folders (".name") and all other files are
    passed over, and links to folders are not followed. A file that is named itself is always
    returned, whatever its suffix: reading it will tell.

    Args:
        path: a folder or a file.
        recursive: whether folders inside the folder are searched, too.
        refused: each folder that may not be read is put into this list, with its error, and the
            others are listed all the same. Without a list the first such folder is raised.

    Returns:
        Paths that begin with `path`, sorted; [] for a folder without pictures and videos.

    Raises:
        MediaError: there is no such file or folder; without `refused`, a folder may not be read.
    """
    check_name(str(path))
    path = Path(path)
    if not _exists(path):
        raise MediaError(f"There is no file or folder {path}. Check the path.")
    if not path.is_dir():
        return [path]
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        complaint = MediaError(f"Folder {error.filename} cannot be read: {error.strerror}.")
        if refused is None:
            raise complaint from error
        refused.append((Path(error.filename), complaint))

    for folder, inner, names in os.walk(path, onerror=refuse):
        inner[:] = [name for name in inner if recursive and not name.startswith(".")]
        found += [Path(folder, name) for name in names if _listed(name)]
    return sorted(found)


def head_of(path: str | Path) -> bytes:
    """Return a file's first bytes; none where it cannot be read (reading it will say why).

    Of a pipe none either: what is read from one is gone.
    """
    try:
        if is_pipe(path):
            return b""
        with Path(path).open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except (OSError, ValueError):
        return b""


def is_pipe(path: str | Path) -> bool:
    """Tell whether a path is a pipe, such as a shell's `<(command)`: it can be read once."""
    try:
        return Path(path).is_fifo()
    except (OSError, ValueError):  # reading it will say why
        return False


def _listed(name: str) -> bool:
    suffix = Path(name).suffix.lower()
    return not name.startswith(".") and (suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # in a folder that may not be entered; a name that is too long
        raise MediaError(f"{short(str(path))} cannot be read: {error.strerror}.") from error
