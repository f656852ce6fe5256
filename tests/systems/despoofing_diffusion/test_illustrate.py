import json

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from despoof.core.errors import DataError, InputError, TrainingError
from despoof.data.views import DataConfig
from despoof.systems.despoofing_diffusion import strip
from despoof.systems.despoofing_diffusion.illustrate import illustrate, noise_energy, strip_faces
from despoof.systems.despoofing_diffusion.loss_curves import draw_curves, read_curves, smoothed
from despoof.systems.despoofing_diffusion.stages import RecipeConfig, stages
from despoof.systems.despoofing_diffusion.strip import Steps, sample_domains, strip_picture
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.records import RECORDS
from despoof.training.config import TrainConfig
from despoof.training.loop import run_stages
from systems.test_every_system import data_config

pytest.importorskip("diffusers")
RECORD = RECORDS["despoofing-diffusion"]
CONFIG = DespoofingDiffusionConfig.parse(RECORD.tiny)


@pytest.fixture(scope="module")
def data(tmp_path_factory, made_up_root):
    folder = tmp_path_factory.mktemp("pictures")
    return DataConfig.parse(data_config(made_up_root, folder, dev=["celeba-spoof"]))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A run of two steps, its stages and its folder."""
    folder = tmp_path_factory.mktemp("run")
    recipe = RecipeConfig.parse({"views": 0.1, "fields": {"dev_faces": 4, "dev_times": 1}})
    made = []

    def kept():
        for stage in stages(CONFIG, recipe, data, 0):
            made.append(stage)
            yield stage

    settings = TrainConfig(steps=2, log_every=1, validate_every=1, threads=1)
    settings = {"fields": settings.model_copy(update={"monitor": "eps"}), "detector": settings}
    run_stages(kept(), settings, folder, progress=False)
    return made, folder


def size_of(path):
    with Pillow.open(path) as picture:
        picture.load()
        return picture.size


def test_a_finished_run_gets_its_pictures_once(run, monkeypatch):
    made, folder = run
    place = illustrate(made, folder)
    assert {path.name for path in place.iterdir()} == {
        "fields.png", "detector.png", "samples.png", "strip.png", "figures.json"
    }  # fmt: skip
    step = strip.SIDE + strip.GAP
    assert size_of(place / "strip.png") == (
        strip.GAP + 4 * step, strip.LINE + 4 * (step + strip.LINE)
    )  # fmt: skip
    assert size_of(place / "samples.png")[0] == strip.GAP + 6 * step
    figures = json.loads((place / "figures.json").read_text("utf-8"))
    sets = ("train", "celeba-spoof", "celeba-spoof-stressed")
    assert set(figures["noise_energy"]) == {f"{s}/{c}" for s in sets for c in ("live", "attack")}
    assert next(iter(figures["strip"])) == "live" and len(figures["strip"]) == 4
    assert figures["notes"] == []
    monkeypatch.setattr(strip, "bridged_faces", None)
    illustrate(made, folder)  # nothing is drawn again
    with torch.no_grad():
        next(made[-1].system.detector.parameters()).mul_(1.5)
    with pytest.raises(TypeError, match="NoneType"):
        illustrate(made, folder)


def test_the_energy_is_the_noises_by_hand(run):
    faces = run[0][-1].faces
    found = noise_energy(faces)
    shard = faces.dev["celeba-spoof"].shard(0)
    for word, live in (("live", True), ("attack", False)):
        rows = shard["noise"][shard["live"] == live].double()
        assert found[f"celeba-spoof/{word}"] == pytest.approx(float(rows.square().mean().sqrt()))


def test_the_strip_shows_a_live_face_its_recaptures_and_a_real_attack(data, made_up_root):
    names, faces = strip_faces(data, CONFIG.crop)
    assert [name.partition(" ")[0] for name in names] == ["live", "print", "screen", "real"]
    assert "print/" in names[1] and "replay/" in names[2]
    assert faces.shape == (4, 3, 32, 32) and faces.min() >= -1 and faces.max() <= 1
    assert torch.equal(faces, strip_faces(data, CONFIG.crop)[1]), "nothing is random"
    for other in faces[1:]:
        assert (other - faces[0]).abs().mean() > 0.02
    from despoof.systems.despoofing_diffusion import illustrate as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_samples", lambda *_: [])
        with pytest.raises(DataError, match="celeba-spoof has no live development picture"):
            strip_faces(data, CONFIG.crop)


def test_samples_of_a_field_that_knows_one_face_are_that_face():
    """The exact field of a single face, and of grey: its only sample is what it knows."""
    face = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8
    config = CONFIG.model_copy(update={"crop": CONFIG.crop.model_copy(update={"size": 8})})

    class Knower(torch.nn.Module):
        config = CONFIG.fields

        def __init__(self):
            super().__init__()
            self.known = torch.nn.Parameter(face)

        def forward(self, x, t, domain, place=None):
            alpha, sigma = config.schedule.at(t, x)
            return (x - alpha * (self.known if domain == "live" else 0)) / sigma

    found = sample_domains(Knower(), config, 2, seed=4)
    latent = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    schedule = config.schedule
    (top, noisy), (bottom, rest) = (
        (float(schedule.alpha(t)), float(schedule.sigma(t))) for t in (schedule.length, 1)
    )
    for domain, known in (("live", face), ("all", torch.zeros_like(face))):
        exact = bottom * known + rest * (latent - top * known) / noisy
        torch.testing.assert_close(found[domain], exact, rtol=0, atol=1e-4)
        assert (exact - known).abs().max() < 0.05, "of the noise next to nothing is left"
    assert list(found) == ["all", "live"]


def test_domains_are_sampled_from_the_same_latents():
    torch.manual_seed(0)
    system = DespoofingDiffusion(CONFIG).eval()
    one, two = (sample_domains(system.fields, CONFIG, 2, seed=s) for s in (0, 0))
    assert all(torch.equal(one[d], two[d]) for d in one)
    other = sample_domains(system.fields, CONFIG, 2, seed=1)
    assert not torch.equal(one["live"], other["live"])


def test_noise_is_drawn_with_its_sign_around_grey():
    faces = torch.zeros(2, 3, 16, 16)
    noise = torch.zeros_like(faces)
    noise[0, 0, :8], noise[0, 0, 8:] = 0.2, -0.2
    picture = strip_picture(Steps(faces, faces, faces, noise), ["a", "b"])
    canvas = np.asarray(picture)
    left = strip.GAP + 3 * (strip.SIDE + strip.GAP)
    top = 2 * strip.LINE
    red = canvas[top : top + strip.SIDE, left : left + strip.SIDE, 0]
    assert (red[: strip.SIDE // 2] == 255).all() and (red[strip.SIDE // 2 :] == 0).all()
    below = top + strip.SIDE + strip.GAP + strip.LINE
    quiet = canvas[below : below + strip.SIDE, left : left + strip.SIDE]
    assert (quiet == 128).all(), "no noise is grey"
    with pytest.raises(InputError, match="1 names for 2 faces"):
        strip_picture(Steps(faces, faces, faces, noise), ["a"])


def test_curves_are_what_the_journal_says(tmp_path):
    lines = [
        {"step": 1, "update": "fields", "loss": 2.0, "all": 1.5, "learning_rate": 1, "live": None},
        {"step": 20, "update": "fields", "loss": 1.0, "all": 0.5, "gradient_norm": 3, "live": 0.5},
    ]
    (tmp_path / "losses.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    (tmp_path / "metrics.jsonl").write_text('{"step": 20, "eps": 0.25, "auc": 0.5}\n')
    losses, metrics = read_curves(tmp_path)
    assert {k: (list(s), list(v)) for k, (s, v) in losses.items()} == {
        "fields": ([1, 20], [2, 1]), "fields/all": ([1, 20], [1.5, 0.5]),
        "fields/live": ([20], [0.5]),
    }  # fmt: skip
    assert {k: (list(s), list(v)) for k, (s, v) in metrics.items()} == {
        "eps": ([20], [0.25]), "auc": ([20], [0.5])
    }  # fmt: skip
    draw_curves(tmp_path, tmp_path / "x.png")
    assert size_of(tmp_path / "x.png") == (1200, 480)
    (tmp_path / "metrics.jsonl").unlink()
    with pytest.raises(TrainingError, match=r"metrics\.jsonl is no journal"):
        draw_curves(tmp_path, tmp_path / "y.png")


def test_the_smooth_line_starts_at_the_first_value_and_keeps_a_constant():
    assert smoothed(np.full(9, 3.0)) == pytest.approx(np.full(9, 3.0))
    found = smoothed(np.array([4.0, 2.0]))
    assert found[0] == 4 and found[1] == pytest.approx((0.9 * 0.1 * 4 + 0.1 * 2) / 0.19)
