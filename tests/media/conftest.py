import numpy as np
import pytest

from media.media_samples import write_video


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A path of a 4-second, 25-frames-a-second MPEG-4 in MP4."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, np.arange(100) / 25, 4.0)
