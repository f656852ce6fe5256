"""What was asked to be checked: files, the files of folders, stdin, a camera."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from despoof.core.errors import DespoofError, MediaError
from despoof.core.types import Frame

CAMERA_GAP = 0.25
"""Seconds between two frames that are taken from a camera, so that they are not all the same."""


@dataclass(frozen=True)
class Item:
    """One thing to check, or the reason why there is none.

    Attributes:
        source: as the user gave it; in a folder, the file's path.
        camera: index of a camera instead of a file.
        taken: its frames, where they are at hand.
        error: why it cannot be checked.
        cause: the error that it was, with its traceback.
    """

    source: str
    camera: int | None = None
    taken: tuple[Frame, ...] = ()
    error: str = ""
    cause: DespoofError | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file that has not been read yet."""
        fresh = self.camera is None and not self.taken and not self.error
        return fresh and self.source != "-"

    def read(self, count: int) -> list[Frame]:
        """Return its frames.

        Raises:
            DespoofError: it cannot be read.
        """
        from despoof.media.camera import open_camera
        from despoof.media.sources import read_frames

        if self.error:
            raise self.cause or MediaError(self.error)
        if self.taken:
            return list(self.taken)
        if self.camera is None:
            return read_frames(self.source, count)
        frames = list(islice(_spaced(open_camera(self.camera)), count))
        if not frames:
            raise MediaError(f"{self.source} gives no picture. Connect it again.")
        return frames


def read_files(items: Sequence[Item], count: int) -> Generator[Item]:
    """Give every item, files with their frames or their errors; see `media.read_each`."""
    from despoof.media.isolated import read_each

    names = [item.source for item in items if item.is_file]
    with closing(read_each(names, count)) as found:
        for item in items:
            if not item.is_file:
                yield item
                continue
            frames = next(found)
            if isinstance(frames, DespoofError):
                yield replace(item, error=str(frames), cause=frames)
            else:
                yield replace(item, taken=tuple(frames))
            del frames  # while the next one is read, this one is let go


def expand(paths: Sequence[str], camera: int | None) -> list[Item]:
    """Turn arguments into items; folders become their files, problems become items with errors.

    A folder inside a folder that may not be read is such an item; the others are searched.
    """
    from despoof.media.files import find_media

    items: list[Item] = []
    for path in paths:
        if path == "-":
            items.append(Item(path))
            continue
        refused: list[tuple[Path, MediaError]] = []
        try:
            found = find_media(path, refused=refused)
        except DespoofError as error:
            items.append(Item(path, error=str(error)))
            continue
        items += [Item(str(file)) for file in found] if Path(path).is_dir() else [Item(path)]
        items += [Item(str(folder), error=str(why)) for folder, why in refused]
        if not found and not refused:
            items.append(Item(path, error=f"{path} holds no pictures or videos. Check the path."))
    if camera is not None:
        items.append(Item(f"camera:{camera}", camera=camera))
    return items


def _spaced(frames: Iterator[Frame]) -> Iterator[Frame]:
    due = 0.0
    for frame in frames:
        time = frame.time or 0.0
        if time >= due:
            due = time + CAMERA_GAP
            yield frame
