import pytest

from export.hand_made import write_folder


@pytest.fixture
def exported(tmp_path):
    """A folder whose score is the mean brightness; live above -0.25."""
    pytest.importorskip("onnx")
    return write_folder(tmp_path / "exported")
