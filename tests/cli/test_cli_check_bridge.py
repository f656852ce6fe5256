"""`despoof check` of a system with a bridge: --solver, --steps, --autocast, the latent, the bar."""

import json
from pathlib import Path

import pytest
from PIL import Image

from despoof.core.device import bf16_is_quick

pytest.importorskip("diffusers")
FACTS = {"solver", "grid", "steps", "t_max", "autocast"}
LATENT = {"index", "t", "mean", "std", "nfe", "picture"}
WIDTH = 5 * 256 + 6 * 16


@pytest.fixture(scope="module")
def bridged(make_weights, tmp_path_factory):
    return make_weights(tmp_path_factory.mktemp("w") / "tiny", system="despoofing-diffusion")


def lines(result):
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_photo_is_explained_with_its_latent(cli, bridged, photo, tmp_path):
    out = tmp_path / "out"
    ask = ["check", photo, "--weights", bridged, "--explain", out, "--json"]
    done = cli(*ask, "--solver", "o-belm", "--steps", 4, "--threshold", -1)
    (answer,) = lines(done)
    assert done.code == 0 and not done.err
    facts = answer["bridge"]
    assert set(facts) == FACTS | {"latents"} and facts["autocast"] is False
    assert (facts["solver"], facts["steps"], facts["grid"]) == ("o-belm", 4, "log-snr")
    (latent,) = facts["latents"]
    assert set(latent) == LATENT and (latent["index"], latent["t"], latent["nfe"]) == (0, 200, 7)
    assert Path(latent["picture"]) == out / "portrait.jpg-face1.png" and latent["std"] > 0
    with Image.open(latent["picture"]) as picture:
        assert picture.width == WIDTH


def test_a_video_has_a_latent_a_frame(cli, bridged, face_clip, tmp_path):
    out = tmp_path / "out"
    ask = ["check", face_clip, "--frames", 2, "--weights", bridged, "--explain", out, "--json"]
    (answer,) = lines(cli(*ask))
    latents = answer["bridge"]["latents"]
    assert [one["index"] for one in latents] == [0, 1] == [f["index"] for f in answer["faces"]]
    assert [Path(one["picture"]) for one in latents] == sorted(out.iterdir())
    assert len({one["std"] for one in latents}) == 2


def test_without_explain_the_bridge_is_named_and_no_latent_made(cli, bridged, photo):
    photo_, gone = lines(cli("check", photo, "gone.jpg", "--weights", bridged, "--json"))
    assert set(photo_["bridge"]) == FACTS == set(gone["bridge"])
    assert photo_["label"] == "live" and photo_["bridge"]["solver"] == "dpm-solver"


def test_another_way_decides_nothing_without_a_threshold(cli, bridged, photo):
    (answer,) = lines(cli("check", photo, "--weights", bridged, "--autocast", "--json"))
    assert answer["label"] == "undecided" and answer["bridge"]["autocast"] is bf16_is_quick()
    assert "chosen with another solver, steps or precision" in answer["reason"]
    done = cli("check", photo, "--weights", bridged, "--autocast")
    assert done.code == 2 and "undecided" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--solver", "euler"], "'ddim', 'heun', 'dpm-solver', 'inverse-ddim' or 'o-belm'"),
        (["--solver", "o-belm", "--steps", "1"], "steps over two intervals"),
        (["--steps", "0"], "--steps"),
        (["--steps", "many"], "--steps"),
    ],
)
def test_an_impossible_way_is_wrong_usage(cli, bridged, photo, options, said):
    done = cli("check", photo, "--weights", bridged, *options)
    assert done.code == 64 and done.err.count("\n") == 1 and said in done.err and not done.out


@pytest.mark.parametrize("option", [["--solver", "ddim"], ["--steps", "5"], ["--no-autocast"]])
def test_a_system_without_a_bridge_says_so(cli, weights, photo, option):
    done = cli("check", photo, "--weights", weights, *option)
    assert done.code == 64 and "these weights have none" in done.err


def test_a_folder_that_cannot_be_written_to_leaves_null(cli, bridged, photo, tmp_path):
    (tmp_path / "file").write_text("no folder")
    ask = ["check", photo, "--weights", bridged, "--explain", tmp_path / "file" / "x", "--json"]
    done = cli(*ask)
    (answer,) = lines(done)
    assert done.code == 2 and answer["label"] == "live"
    assert answer["bridge"]["latents"][0]["picture"] is None


def test_the_help_names_every_solver(cli):
    from despoof.diffusion.solvers.registry import SOLVERS

    text = " ".join(cli("check", "--help").out.replace("│", " ").split())
    assert all(name in text for name in SOLVERS)


def test_steps_show_on_a_terminal_and_not_beside_json(cli, bridged, photo, monkeypatch):
    assert not cli("check", photo, "--weights", bridged).err  # no terminal
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    seen = cli("check", photo, "--weights", bridged)
    assert seen.code == 0 and "steps" in seen.err and "4/4" in seen.err
    assert "pictures" not in seen.err and "4/4" not in seen.out
    two = cli("check", photo, photo, "--weights", bridged)
    assert "pictures" in two.err and "4/4" in two.err
    silent = cli("check", photo, "--weights", bridged, "--json")
    assert not silent.err and lines(silent)[0]["label"] == "live"
