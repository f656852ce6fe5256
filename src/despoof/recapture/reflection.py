"""What the medium's surface sends back: shading of paper, gloss, the mirror of glass, glare.

All of it varies slowly, so it is computed on a coarse grid and enlarged.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.background import SceneParams, paint_scene
from despoof.recapture.light import Light
from despoof.recapture.resample import dimmed, enlarged

Grid = NDArray[np.float32]


class ReflectionParams(StrictConfig):
    """One surface under one light.

    Positions are in frames from the middle of the frame (geometry.py); z is towards the camera.

    Attributes:
        shading: share of the light that comes from one lamp and not from everywhere.
        lamp: x, y, z of that lamp.
        gloss: light that the mirrored lamp adds where it is brightest; 0 = matt.
        roughness: of the gloss, 0.05 (photo paper) to 0.5.
        gloss_at: where in the frame a flat sheet would show it.
        mirror: share of the surroundings that glass sends back.
        mirrored: the surroundings.
        glare: share of the frame under one blown-out blob.
        glare_peak: its light.
        glare_at: its place.
        glare_stretch: its length by its width.
        lamp_colour: of gloss and glare, R G B.
    """

    shading: float = Field(default=0.0, ge=0, le=1)
    lamp: tuple[float, float, float] = (0.3, -0.6, 2.0)
    gloss: float = Field(default=0.0, ge=0, le=5)
    roughness: float = Field(default=0.2, ge=0.03, le=1)
    gloss_at: tuple[float, float] = (0.0, 0.0)
    mirror: float = Field(default=0.0, ge=0, le=0.5)
    mirrored: SceneParams = SceneParams(kind="room", level=0.5, blur=0.03)
    glare: float = Field(default=0.0, ge=0, le=0.3)
    glare_peak: float = Field(default=1.5, ge=0, le=5)
    glare_at: tuple[float, float] = (0.0, 0.0)
    glare_stretch: float = Field(default=1.0, gt=0, le=10)
    lamp_colour: tuple[float, float, float] = (1.0, 1.0, 1.0)


def reflect(
    light: Light,
    params: ReflectionParams,
    rng: np.random.Generator,
    *,
    sheet: NDArray[np.float32] | None = None,
    normals: NDArray[np.float32] | None = None,
) -> Light:
    """Light the medium and add what its surface mirrors.

    Args:
        light: (H, W, 3) linear light of the scene, the medium evenly lit.
        params: surface and lamp.
        rng: paints the mirrored surroundings.
        sheet: (H, W) where the medium is; everywhere when not given.
        normals: (h, w, 3) unit normals of the medium; frontal and flat when not given.
    """
    size = light.shape[:2]
    if normals is None:
        normals = np.zeros((max(2, size[0] // 8), max(2, size[1] // 8), 3), np.float32)
        normals[..., 2] = -1
    places = _places(normals.shape[:2], size)
    factor = 1 + params.shading * (lambert(places, normals, params.lamp) - 1)
    added = np.zeros((*factor.shape, 3), np.float32)
    colour = np.asarray(params.lamp_colour, np.float32)
    if params.gloss:
        lobe = params.gloss * _lobe(places, normals, params)
        added += lobe[..., None] * colour
    if params.glare:
        added += params.glare_peak * _blob(places, params)[..., None] * colour
    if params.mirror:
        added += params.mirror * paint_scene(params.mirrored, normals.shape[:2], rng)
    if params.shading:
        wide = enlarged(factor, (size[0], size[1]))
        light = dimmed(light, wide if sheet is None else 1 + sheet * (wide - 1))
    if added.any():
        wide = enlarged(added, (size[0], size[1]))
        light = light + (wide if sheet is None else dimmed(wide, sheet))
    return light.astype(np.float32, copy=False)


def lambert(places: Grid, normals: Grid, lamp: tuple[float, float, float]) -> Grid:
    """Light of one lamp on a matt surface: n·l / r², relative to the middle of the frame."""
    to_lamp = np.array([lamp[0], lamp[1], -lamp[2]], np.float32) - places
    distance = np.linalg.norm(to_lamp, axis=-1)
    found = np.maximum((normals * to_lamp).sum(axis=-1), 0) / distance**3
    return (found / max(float(found.mean()), 1e-9)).astype(np.float32)


def _places(grid: tuple[int, int], size: tuple[int, int]) -> Grid:
    """(h, w, 3) positions of the coarse grid on the plane of the frame."""
    longer = max(size)
    y = ((np.arange(grid[0], dtype=np.float32) + 0.5) / grid[0] - 0.5) * (size[0] / longer)
    x = ((np.arange(grid[1], dtype=np.float32) + 0.5) / grid[1] - 0.5) * (size[1] / longer)
    xs, ys = np.meshgrid(x, y)
    return np.dstack([xs, ys, np.zeros_like(xs)]).astype(np.float32)


def _lobe(places: Grid, normals: Grid, params: ReflectionParams) -> Grid:
    """Trowbridge-Reitz lobe around the mirrored lamp, 1 where the half vector is the normal."""
    eye = np.array([0, 0, -2.0], np.float32)
    at = np.array([*params.gloss_at, 0], np.float32)
    to_eye = _unit(eye - at)
    lamp = np.array([-to_eye[0], -to_eye[1], to_eye[2]], np.float32)  # mirrored by a flat sheet
    half = _unit(_unit(eye - places) + lamp)
    cosine = np.clip((half * normals).sum(axis=-1), 0, 1)
    square = params.roughness**4
    return (square / (cosine**2 * (square - 1) + 1)) ** 2


def _blob(places: Grid, params: ReflectionParams) -> Grid:
    """A soft ellipse that covers the given share of the frame at more than half its peak."""
    radius = np.sqrt(params.glare / np.pi)
    stretch = np.sqrt(params.glare_stretch)
    x = (places[..., 0] - params.glare_at[0]) / (radius * stretch)
    y = (places[..., 1] - params.glare_at[1]) * stretch / radius
    return (1 / (1 + (x * x + y * y) ** 2)).astype(np.float32)


def _unit(vectors: Grid) -> Grid:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
