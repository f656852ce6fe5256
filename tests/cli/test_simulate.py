import json

import numpy as np
import pytest
from PIL import Image

from despoof.cli.simulate_files import noise_picture
from despoof.recapture.pipeline import recapture
from despoof.recapture.recipe import Recipe
from despoof.recapture.species import SPECIES

SMALL = ("--size", 96)


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_it_writes_recapture_genuine_noise_recipe_and_a_sheet(cli, photo, tmp_path):
    out = tmp_path / "deep" / "out"
    done = cli("simulate", photo, "-o", out, "--count", 2, "--array", "--json", *SMALL)
    assert done.code == 0 and not done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert len(lines) == 2 and all(line["species"] in SPECIES for line in lines)
    for line in lines:
        image, genuine = (pixels(line[key]).astype(np.float32) for key in ("image", "genuine"))
        assert image.shape == genuine.shape == (96, 96, 3)
        noise = np.load(line["noise_array"]).astype(np.float32)
        assert noise == pytest.approx((image - genuine) / 127.5, abs=2e-3)
        assert np.abs(pixels(line["noise"]) - 128.0 - (image - genuine) / 2).max() <= 0.51
        assert (
            line["mean_abs_noise"] == pytest.approx(np.abs(noise).mean(), abs=1e-3) and noise.any()
        )
    assert (out / "portrait-sheet.png").exists() and len(list(out.iterdir())) == 2 * 5 + 1


def test_a_recipe_makes_the_same_pixels_again(cli, tmp_path, portrait):
    picture = np.ascontiguousarray(portrait[:128, 160:288])
    Image.fromarray(picture).save(tmp_path / "crop.png")
    done = cli("simulate", tmp_path / "crop.png", "-o", tmp_path, "--cropped", "--count", 1,
               "--medium", "replay/laptop", "--json", *SMALL)  # fmt: skip
    line = json.loads(done.out)
    with open(line["recipe"], encoding="utf-8") as stream:
        recipe = Recipe.model_validate_json(stream.read())
    assert recipe.species == "replay/laptop"
    assert np.array_equal(recapture(picture, recipe).image, pixels(line["image"]))


def test_a_seed_decides_everything_and_an_oblong_photo_stays_oblong(cli, tmp_path, portrait):
    Image.fromarray(portrait[:100, 150:300]).save(tmp_path / "wide.png")
    taken = []
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        done = cli("simulate", tmp_path / "wide.png", "-o", tmp_path / folder, "--cropped",
                   "--seed", seed, "--medium", "print", "--count", 1, "--json", *SMALL)  # fmt: skip
        taken.append(pixels(json.loads(done.out)["image"]))
    assert taken[0].shape == (64, 96, 3)
    assert np.array_equal(taken[0], taken[1]) and not np.array_equal(taken[0], taken[2])


def test_what_cannot_be_done_is_said(cli, photo, tmp_path):
    done = cli("simulate", photo, "-o", tmp_path, "--medium", "mask")
    assert done.code == 64 and "print/laser-a4" in done.err and "replay" in done.err
    done = cli("simulate", photo, "-o", tmp_path, "--framing", "odd")
    assert done.code == 64 and "tight" in done.err
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "wall.png")
    done = cli("simulate", tmp_path / "wall.png", "-o", tmp_path / "none")
    assert done.code == 2 and "--cropped" in done.err and not (tmp_path / "none").exists()
    assert cli("simulate", tmp_path / "no.jpg", "-o", tmp_path).code == 2


def test_no_noise_is_grey_and_the_strongest_fits():
    noise = np.array([[[0, 2, -2]]], np.float32)
    assert noise_picture(noise)[0, 0].tolist() == [128, 255, 0]
