import json

import numpy as np
import pytest
from PIL import Image

from despoof.evaluation.sample import TRUTH, sample_pictures


def test_the_sample_is_one_portrait_and_two_attacks_always_the_same():
    first, again = sample_pictures(), sample_pictures()
    assert list(first) == list(TRUTH)
    for name, picture in first.items():
        assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8
        np.testing.assert_array_equal(picture, again[name])
    difference = first["astronaut-print"].astype(int) - first["astronaut-screen"]
    assert np.abs(difference).mean() > 5


def test_demo_prints_a_table_and_writes_a_picture_per_face(cli, weights, tmp_path):
    out = tmp_path / "out"
    done = cli("demo", "-o", out, "--weights", weights)
    assert done.code == 0 and not done.err
    assert sorted(path.name for path in out.iterdir()) == [f"{n}-face1.png" for n in sorted(TRUTH)]
    for name in TRUTH:
        assert name in done.out
        with Image.open(out / f"{name}-face1.png") as picture:
            assert picture.width > 1000
    assert cli("demo", "-o", out, "--weights", weights).code == 0  # once more, over the first


def test_demo_in_json_carries_the_truth(cli, weights, tmp_path):
    done = cli("demo", "-o", tmp_path, "--weights", weights, "--json")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert {answer["source"]: answer["truth"] for answer in answers} == TRUTH


def test_demo_into_a_place_that_cannot_be_written_still_prints(cli, weights, tmp_path):
    (tmp_path / "file").write_text("")
    done = cli("demo", "-o", tmp_path / "file", "--weights", weights)
    assert done.code == 2 and "cannot be written" in done.err and "astronaut-screen" in done.out


def test_demo_with_the_shipped_weights_is_right(cli, tmp_path):
    from despoof.weights.registry import records

    if "face-despoofing" not in records():
        pytest.skip("the shipped weights are not there yet")
    done = cli("demo", "-o", tmp_path, "--json")
    labels = [json.loads(line)["label"] for line in done.out.splitlines()]
    assert done.code == 0 and labels == ["live", "spoof", "spoof"]
