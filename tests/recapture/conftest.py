import cv2
import numpy as np
import pytest
from skimage import data

from despoof.recapture.light import to_light


@pytest.fixture(scope="session")
def face_light():
    """The public-domain portrait's face on a canvas, (256, 256, 3) linear light; do not change."""
    face = cv2.resize(data.astronaut()[30:190, 140:300], (256, 256), interpolation=cv2.INTER_CUBIC)
    light = to_light(face)
    light.setflags(write=False)
    return np.asarray(light, np.float32)
