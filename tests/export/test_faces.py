import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.export.faces import divide, drawn_faces, faces_in
from despoof.face.crop import CropConfig
from despoof.face.detect import CenterFace

CROP = CropConfig(size=48, scale=1.25)


def test_drawn_faces_are_the_same_each_time_and_all_different():
    one, again, other = (drawn_faces(4, CROP, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert one.shape == (4, 48, 48, 3) and one.dtype == np.uint8
    assert len({face.tobytes() for face in [*one, *other]}) == 8


def test_faces_are_cut_out_of_pictures(photo, tmp_path):
    from PIL import Image

    empty = tmp_path / "empty.png"
    Image.new("RGB", (200, 200), "blue").save(empty)
    found = faces_in([photo, empty], CROP, CenterFace())
    assert found.shape == (1, 48, 48, 3) and found.std() > 20
    assert len(faces_in([photo, empty], CROP, CenterFace(), cropped=True)) == 2
    with pytest.raises(InputError, match="No face"):
        faces_in([empty], CROP, CenterFace())


def test_faces_to_calibrate_with_are_not_those_of_the_gate():
    faces = np.arange(400, dtype=np.uint16)
    assert [len(part) for part in divide(faces, False)] == [400]
    gate, other = divide(faces, True)
    assert (len(gate), len(other)) == (300, 100)
    assert sorted([*gate, *other]) == faces.tolist()
    assert len(divide(np.arange(2000), True)[1]) == 128
