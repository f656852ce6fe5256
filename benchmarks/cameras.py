"""Pictures through simulated cameras, and a threshold that suits many cameras.

Imported by results.py, transfer.py, default_choice.py, recipe_choice.py and publish.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from despoof.core.device import seed_of
from despoof.data.samples import Sample
from despoof.data.simulated import camera_retake
from despoof.data.store import face_of
from despoof.evaluation.rows import Threshold
from despoof.face.crop import CropConfig, crop_face
from despoof.media.images import read_image

LIMIT = 0.05
"""Share of live faces that the default may turn away before any of its development cameras."""


def through_cameras(
    samples: Sequence[Sample], scales: Sequence[float], size: int, purpose: str
) -> dict[float, np.ndarray]:
    """Photograph samples that have a face with a simulated camera each; labels stay what they are.

    Args:
        samples: live or attack.
        scales: sides of the crops, as multiples of the face.
        size: of the crops, pixels.
        purpose: a word in the seed, so that no two programs draw the same cameras.

    Returns:
        By scale, (N, size, size, 3) uint8 crops of the photographs.
    """
    take, _ = camera_retake()
    crops: dict[float, list[np.ndarray]] = {scale: [] for scale in scales}
    for sample in samples:
        picture = read_image(sample.path)
        face = face_of(sample, picture)
        assert face is not None, sample.name
        taken = take(picture, face, np.random.default_rng(seed_of(purpose, sample.name)))
        for scale, found in crops.items():
            config = CropConfig(size=size, scale=scale)
            found.append(crop_face(taken.image, taken.face, config).image)
    return {scale: np.stack(found) for scale, found in crops.items()}


def live_only_threshold(live_scores: Mapping[str, np.ndarray], view: str) -> Threshold:
    """Return the highest threshold that turns away at most LIMIT of the live faces of each set.

    Args:
        live_scores: scores of live faces, by the set that they are of.
        view: how they were shown, for the words.
    """
    ends = [np.sort(found)[int(LIMIT * len(found))] for found in live_scores.values()]
    value = float(np.nextafter(min(ends), -np.inf))
    sets = "; ".join(live_scores)
    return Threshold(
        value, f"BPCER at most {LIMIT:.0%} on the live faces of each of {sets}, {view}"
    )
