"""Is a face whole, or cut off by the border of the picture?

A detector's box hugs what can be seen, and its landmarks are squeezed into that: half a face has a
box that lies inside the picture, but half as wide as a face's, with eyes or mouth at the border.
Measures alone; which value is too much decides `quality.QualityPolicy`, after 4,175 live faces of
six sets and 408 of them cut in twenty ways (CenterFace's boxes).
"""

import math

from despoof.core.types import Face
from despoof.face.pose import roll

USUAL = 0.79
"""Width / height of an upright face's box, the median; .1 % of whole faces lie below .79 and above
1.21 times that, 99 % of faces without their left or right half below .68, without their upper or
lower half above 1.5."""
_TOUCH = 0.06  # of the face's size: a box as near to the border touches it


def whole_measures(face: Face, width: int, height: int) -> dict[str, float]:
    """Measure what tells a whole face from one that is cut off.

    Args:
        face: its landmarks, if any, are finite and not all on one point.
        width: of the picture, pixels.
        height: of the picture, pixels.

    Returns:
        `margin`: from the border to the landmark that is nearest to it, as a share of the box's
        longer side; below 0 outside the picture. Of whole faces at least .2 where even chin and
        ears are at the border. `shape`: width / height of the box as a share of that of a whole
        face turned as far. Without landmarks there is no margin, and a shape only of a box that
        touches the border: other boxes may be drawn by another custom.
    """
    x1, y1, x2, y2 = face.box
    size = max(x2 - x1, y2 - y1)
    aspect = (x2 - x1) / (y2 - y1)
    if face.landmarks is None:
        return {"shape": aspect / USUAL} if touches_border(face, width, height) else {}
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    margin = min(float(low.min()), width - float(high[0]), height - float(high[1])) / size
    angle = roll(face.landmarks)
    along, across = abs(math.cos(angle)), abs(math.sin(angle))
    usual = (USUAL * along + across) / (along + USUAL * across)
    return {"margin": margin, "shape": aspect / usual}


def touches_border(face: Face, width: int, height: int) -> bool:
    """Whether the face's box reaches the border of a picture, or nearly so."""
    x1, y1, x2, y2 = face.box
    size = max(x2 - x1, y2 - y1)
    return min(x1, y1, width - x2, height - y2) < _TOUCH * size
