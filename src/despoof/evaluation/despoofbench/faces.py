"""The genuine people of the bench: LFW's test people, or the faces of any folder."""

from dataclasses import dataclass
from pathlib import Path

from despoof.core.device import seed_of
from despoof.core.errors import DataError, DespoofError
from despoof.core.types import Face, FaceDetector
from despoof.data.samples import read_samples, select
from despoof.media.files import find_media, is_image
from despoof.media.images import read_image


@dataclass(frozen=True)
class BenchFace:
    """One genuine picture.

    Attributes:
        name: of the picture, the same on every machine; it seeds what happens to it.
        person: who is seen: the unit of every interval.
        path: the file.
        face: where the face is in it.
    """

    name: str
    person: str
    path: Path
    face: Face


def lfw_faces(root: Path, count: int, seed: int = 0) -> list[BenchFace]:
    """Choose one picture of each of `count` people of LFW's test split: nobody is in training.

    The same (count, seed) gives the same people; a larger count keeps those of a smaller one.

    Raises:
        DataError: the table is missing, or has too few test people with a known face.
    """
    samples = select(read_samples(root, "lfw"), "test", "live")
    first = {s.subject: s for s in reversed(samples) if s.box is not None}
    people = sorted(first, key=lambda person: seed_of(seed, "bench", person))[:count]
    if len(people) < count:
        raise DataError(
            f"LFW's test split has {len(people)} people with a known face, {count} are asked for. "
            "Ask for fewer with --count."
        )
    return [
        BenchFace(s.name, s.subject, s.path, Face(s.box, s.landmarks))
        for s in (first[person] for person in people)
        if s.box is not None
    ]


def folder_faces(
    folder: Path, detector: FaceDetector, count: int = 0, seed: int = 0
) -> tuple[list[BenchFace], list[tuple[Path, str]]]:
    """Find the largest face of every picture below a folder.

    A picture directly in the folder is a person of its own; those in a subfolder show one person.

    Args:
        folder: with pictures of genuine faces.
        detector: finds the faces.
        count: at most so many pictures; 0 = all.
        seed: of the choice among more.

    Returns:
        Faces, and the files that were left out with the reason.

    Raises:
        DataError: no picture has a face.
    """
    pictures = [path for path in find_media(folder) if is_image(path)]
    files = sorted(pictures, key=lambda path: seed_of(seed, "bench", path.name))
    found: list[BenchFace] = []
    skipped: list[tuple[Path, str]] = []
    for path in files:
        if count and len(found) == count:
            break
        try:
            faces = detector(read_image(path))
        except DespoofError as error:
            skipped.append((path, str(error)))
            continue
        if not faces:
            skipped.append((path, "no face was found"))
            continue
        name = path.relative_to(folder)
        person = name.parts[0] if len(name.parts) > 1 else name.stem
        found.append(BenchFace(name.as_posix(), person, path, faces[0]))
    if not found:
        raise DataError(f"No picture with a face in {folder} ({len(skipped)} were looked at).")
    return found, skipped
