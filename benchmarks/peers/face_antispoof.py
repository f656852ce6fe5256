"""face-antispoof-onnx (johnraivenolazo, Apache-2.0): one network at 128×128.

The adapter is ours, written from the description of crop, input and rule.
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

FILE = "face-antispoof-onnx-98.20.onnx"
SCALE = 1.5
SIDE = 128


def square(image: Image, box: Box) -> Image:
    """Cut a square of 1.5 × the box's longer side about its centre, mirrored at the border.

    Args:
        image: (H, W, 3) uint8.
        box: x1, y1, x2, y2; the square about it has to meet the picture.

    Raises:
        InputError: the box is empty, or the square lies outside the picture.
    """
    x1, y1, x2, y2 = box
    longer = max(x2 - x1, y2 - y1)
    if not (x2 > x1 and y2 > y1):
        raise InputError(f"Box {box} is empty; expected x1 < x2 and y1 < y2 in pixels.")
    height, width = image.shape[:2]
    side = int(longer * SCALE)
    left = int((x1 + x2) / 2 - longer * SCALE / 2)
    top = int((y1 + y2) / 2 - longer * SCALE / 2)
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if inside.size == 0:
        raise InputError(f"Box {box} lies outside the picture of {width}×{height} px.")
    rows = (max(-top, 0), max(top + side - height, 0))
    columns = (max(-left, 0), max(left + side - width, 0))
    return np.pad(inside, (rows, columns, (0, 0)), mode="reflect")  # the edge is not repeated


def pixels(image: Image, box: Box) -> NDArray[np.float32]:
    """Cut and resize: (1, 3, 128, 128) float32, R, G, B, 0 to 1."""
    part = square(image, box)
    method = cv2.INTER_AREA if part.shape[0] >= SIDE else cv2.INTER_LANCZOS4
    part = cv2.resize(part, (SIDE, SIDE), interpolation=method)
    return np.ascontiguousarray(part.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def open_score(folder: Path, threads: int = 1) -> Callable[[Image, Box], Judged]:
    """Open the network; return (image, box) -> its logit of live minus that of spoof, and verdict.

    Raises:
        WeightsError: the file is missing or cannot be read.
    """
    run = open_network(folder / FILE, threads)

    def score(image: Image, box: Box) -> Judged:
        live, spoof = run(pixels(image, box))[0].tolist()
        return Judged(live - spoof, live - spoof >= 0)

    return score


def candidate(folder: Path) -> Candidate:
    """Return it as a candidate.

    Raises:
        WeightsError: the file is missing.
    """
    file = need(folder / FILE)

    def open_judge(threads: int) -> Judge:
        score = open_score(folder, threads)
        return lambda image, face: score(image, face.box)

    return Candidate(
        name="face-antispoof-onnx 98.20",
        kind="peer",
        trained_on="the whole of CelebA-Spoof",
        datasets=frozenset({"celeba-spoof"}),
        rule="difference of logits ≥ 0",
        open=open_judge,
        dev=(),
        files=(file,),
        parameters=parameters_of(file),
    )
