"""The camera that photographs a medium: defocus, uneven light, noise, sharpening, JPEG."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from despoof.core.types import Image
from despoof.recapture.light import Light, to_srgb


@dataclass(frozen=True)
class Camera:
    """Parameters of one shot.

    Attributes:
        defocus: Gaussian sigma, pixels.
        shading: relative change of the light from one side to the other.
        direction: of the shading, radians.
        exposure: gain.
        shot: variance per unit of light (full scale 1).
        read: variance at zero light.
        sharpen: amount of unsharp masking, radius 1 px.
        jpeg: quality, 1 to 95.
    """

    defocus: float = 0.6
    shading: float = 0.1
    direction: float = 0.0
    exposure: float = 1.0
    shot: float = 1e-3
    read: float = 2e-5
    sharpen: float = 0.5
    jpeg: int = 85


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a shot; ranges of SPEC §6 stages 4 to 7."""
    return Camera(
        defocus=rng.uniform(0.3, 1.4),
        shading=rng.uniform(0, 0.4),
        direction=rng.uniform(0, 2 * np.pi),
        exposure=rng.uniform(0.75, 1.25),
        shot=10 ** rng.uniform(np.log10(2e-4), np.log10(4e-3)),
        read=10 ** rng.uniform(-6, -4),
        sharpen=rng.uniform(0, 1.2),
        jpeg=int(rng.integers(60, 96)),
    )


def photograph(scene: Light, camera: Camera, rng: np.random.Generator) -> Image:
    """Take (H, W, 3) linear light, return the (H, W, 3) uint8 sRGB photograph of it."""
    from scipy import ndimage  # 0.2 s to load: not when a picture is checked

    height, width = scene.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / max(height, width) - 0.5
    ramp = 1 + camera.shading * (np.cos(camera.direction) * x + np.sin(camera.direction) * y)
    light = ndimage.gaussian_filter(scene, (camera.defocus, camera.defocus, 0), mode="nearest")
    light = light * ramp[..., None].astype(np.float32) * camera.exposure
    spread = np.sqrt(camera.shot * np.clip(light, 0, None) + camera.read)
    light = light + spread * rng.standard_normal(light.shape, dtype=np.float32)
    picture = to_srgb(light.astype(np.float32)).astype(np.float32)
    if camera.sharpen:
        soft = ndimage.gaussian_filter(picture, (1, 1, 0), mode="nearest")
        picture = np.clip(picture + camera.sharpen * (picture - soft), 0, 255)
    buffer = io.BytesIO()
    Pillow.fromarray(np.rint(picture).astype(np.uint8)).save(buffer, "JPEG", quality=camera.jpeg)
    return np.asarray(Pillow.open(buffer))
