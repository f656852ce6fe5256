"""Silent-Face-Anti-Spoofing's two MiniFASNets (minivision-ai, Apache-2.0), joined by their rule.

The adapter is ours, written from the description of crop, input and rule. Both networks see the
face at 80×80: one with 2.7 times the face's box about it, one with 4.0 times.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Box, Image
from peers.contract import Candidate, Judge, Judged
from peers.onnx_file import need, open_network, parameters_of

NETWORKS = (("minifasnet-v2-2.7.onnx", 2.7), ("minifasnet-v1se-4.0.onnx", 4.0))
SIDE = 80
LIVE = 1  # of the three classes


def window(shape: tuple[int, int], box: Box, scale: float) -> tuple[int, int, int, int]:
    """Return the part of the picture that a network sees: left, top, right, bottom, inclusive.

    The box grows about its centre by `scale`, but never beyond the picture's sides; what then
    reaches over a border is shifted back, not cut.

    Args:
        shape: height and width of the picture, px.
        box: x1, y1, x2, y2.
        scale: at least 1 in their use.

    Raises:
        InputError: the box is empty.
    """
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    if not (wide > 0 and high > 0):
        raise InputError(f"Box {box} is empty; expected x1 < x2 and y1 < y2 in pixels.")
    grown = reachable(shape, box, scale)
    left, right = _span((x1 + x2) / 2, wide * grown, shape[1])
    top, bottom = _span((y1 + y2) / 2, high * grown, shape[0])
    return left, top, right, bottom


def _span(centre: float, extent: float, limit: int) -> tuple[int, int]:
    """First and last pixel along one axis; both are cut towards 0, as theirs are."""
    first, last = centre - extent / 2, centre + extent / 2
    if first < 0:
        first, last = 0.0, last - first
    if last > limit - 1:
        first, last = first - (last - limit + 1), limit - 1.0
    return max(int(first), 0), int(last)


def reachable(shape: tuple[int, int], box: Box, scale: float) -> float:
    """Return the scale that is left of `scale` where the picture ends before it."""
    x1, y1, x2, y2 = box
    return min(scale, (shape[0] - 1) / (y2 - y1), (shape[1] - 1) / (x2 - x1))


def pixels(image: Image, box: Box, scale: float) -> NDArray[np.float32]:
    """Cut and resize, without keeping the aspect: (1, 3, 80, 80) float32, B, G, R, 0 to 255."""
    left, top, right, bottom = window(image.shape[:2], box, scale)
    part = cv2.resize(image[top : bottom + 1, left : right + 1], (SIDE, SIDE))
    return np.ascontiguousarray(part[..., ::-1].transpose(2, 0, 1)[None], np.float32)


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax over the last axis."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def open_score(folder: Path, threads: int = 1) -> Callable[[Image, Box], Judged]:
    """Open both networks; return (image, box) -> mean probability of "live", and their verdict.

    Their verdict is live iff the class "live" has the largest sum of both softmaxes; that is not a
    threshold on the score, for there are two other classes.

    Raises:
        WeightsError: a file is missing or cannot be read.
    """
    networks = [(open_network(folder / name, threads), scale) for name, scale in NETWORKS]

    def score(image: Image, box: Box) -> Judged:
        found = [probabilities(run(pixels(image, box, scale)))[0] for run, scale in networks]
        mean = np.mean(found, axis=0)
        return Judged(float(mean[LIVE]), bool(mean.argmax() == LIVE))

    return score


def candidate(folder: Path) -> Candidate:
    """Return it as a candidate.

    Raises:
        WeightsError: a file is missing.
    """
    files = tuple(need(folder / name) for name, _ in NETWORKS)

    def open_judge(threads: int) -> Judge:
        score = open_score(folder, threads)
        return lambda image, face: score(image, face.box)

    return Candidate(
        name="MiniFASNet ×2 (Silent-Face)",
        kind="peer",
        trained_on="a large private set; perhaps some of these pictures",
        datasets=None,
        rule="largest of three summed softmaxes",
        open=open_judge,
        dev=(),
        files=files,
        parameters=parameters_of(*files),
    )
