import json
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from despoof.core.config import read_yaml
from despoof.evaluation.sample import RECIPES, TRUTH, sample_pictures
from despoof.recapture.recipe import Recipe


def test_the_sample_is_one_portrait_and_two_attacks():
    pictures = sample_pictures()
    assert list(pictures) == list(TRUTH)
    for picture in pictures.values():
        assert picture.shape == (320, 320, 3) and picture.dtype == np.uint8
        assert not picture.flags.writeable  # every caller gets the same arrays
    for one, other in combinations(pictures.values(), 2):
        assert np.abs(one.astype(int) - other).mean() > 5


def test_one_camera_takes_all_three():
    shown, printed = (Recipe.parse(read_yaml(RECIPES)[name]) for name in ("replay", "print"))
    assert shown.camera == printed.camera  # photograph_live takes the print's
    assert (shown.species, printed.species) == ("replay/phone-oled", "print/laser-a4")


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
    assert done.code == 2 and "cannot be written" in done.err and "astronaut-replay" in done.out


def test_demo_with_the_shipped_weights_is_right(cli, tmp_path):
    from despoof.weights.registry import records

    if "face-despoofing" not in records():
        pytest.skip("the shipped weights are not there yet")
    done = cli("demo", "-o", tmp_path, "--json")
    labels = [json.loads(line)["label"] for line in done.out.splitlines()]
    assert done.code == 0 and labels == ["live", "spoof", "spoof"]
