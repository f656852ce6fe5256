"""Which faces of a picture do not decide for it: people far behind, and what is no face.

A detector also finds curtains, and heads at the other end of the room, and one of them would make
the whole picture undecided. The largest face always decides, whatever it is: only what lies beside
it is passed over, so nobody can have an attack passed over by putting it in front.
"""

from collections.abc import Sequence

from despoof.core.types import Face
from despoof.face.quality import QualityPolicy
from despoof.face.whole import touches_border, whole_measures

SMALL = 1 / 3
"""Of the first face's size: three times as far from the camera. People who share a picture have
more; a face that is held up for the camera, too."""
UNSURE = 0.6
"""Confidence; CenterFace is far surer of the face that a picture is about."""


def asides(faces: Sequence[Face], width: int, height: int) -> list[str]:
    """Say of each face why it does not decide; "" if it does, as the first one always does.

    Args:
        faces: of one picture, largest first.
        width: of the picture, pixels.
        height: of the picture, pixels.

    Returns:
        One reason a face, with the value: smaller than a third of the first face; of a confidence
        below .6; or of a shape that no whole face has. A face at the border of the picture may be
        a person whom it cuts, and decides whatever its shape.
    """
    return ["" if n == 0 else _aside(face, faces[0], width, height) for n, face in enumerate(faces)]


def _aside(face: Face, first: Face, width: int, height: int) -> str:
    x1, y1, x2, y2 = face.box
    if not (x1 < x2 and y1 < y2 and _size(first) > 0):
        return ""  # no box at all: cutting it out says so
    share = _size(face) / _size(first)
    if share < SMALL:
        return f"{share:.2f} of the first face's size, {SMALL:.2f} would decide"
    if face.confidence < UNSURE:
        return f"the detector's confidence is {face.confidence:.2f}, {UNSURE:g} would decide"
    policy = QualityPolicy()
    shape = whole_measures(face, width, height).get("shape", 1.0)
    if not policy.min_shape <= shape <= policy.max_shape and not touches_border(
        face, width, height
    ):
        return (
            f"its box is {shape:.2f} times as wide as a whole face's, {policy.min_shape:g} to "
            f"{policy.max_shape:g} would decide"
        )
    return ""


def _size(face: Face) -> float:
    x1, y1, x2, y2 = face.box
    return max(x2 - x1, y2 - y1)
