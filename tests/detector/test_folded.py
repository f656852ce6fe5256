"""A detector in use runs its network folded; what is trained and saved is not."""

import numpy as np
import pytest
import torch
from torch import nn

import despoof
from despoof.core.errors import InputError
from despoof.nets.central_difference import CentralDifferenceConv2d
from despoof.systems.despoofing_diffusion.system import as_cached
from despoof.systems.records import RECORDS
from despoof.systems.saving import load_system, save_system
from detector.bridged_weights import write_bridged

pytest.importorskip("diffusers")
BOXES = [(170.0, 60.0, 280.0, 190.0), (10.0, 20.0, 110.0, 130.0), (300.0, 300.0, 420.0, 430.0)]
TRAINED = (CentralDifferenceConv2d, nn.BatchNorm2d)


@pytest.mark.parametrize(
    "detector",
    [
        {"inputs": "rgb+noise"},
        {"inputs": "rgb+noise", "fusion": "f3", "positive": True},
        {"inputs": "rgb+rgb", "fusion": "f2"},
        {"inputs": "noise", "fold": 1, "noise_form": "signed"},
        {"inputs": "rgb", "theta": 0.0},
    ],
    ids=lambda d: " ".join(map(str, d.values())),
)
def test_the_loaded_detector_answers_as_what_was_saved(tmp_path, portrait, detector):
    folder = write_bridged(tmp_path / "w", detector=detector)
    files = {path: path.read_bytes() for path in folder.iterdir()}
    made = despoof.load(folder, quality=None, face_detector=lambda image: [])
    system = load_system(folder)[1]
    assert any(isinstance(part, TRAINED) for part in system.detector.modules())
    assert not any(isinstance(part, TRAINED) for part in made.system.detector.modules())
    assert not any(part.training for part in made.system.modules())
    parts = made.decompose(portrait, boxes=BOXES)
    crops = torch.from_numpy(np.stack([part.crop.image for part in parts]))
    faces = crops.permute(0, 3, 1, 2).float() / 127.5 - 1
    truth = system.decompose(faces)
    found = [part.verdict.score for part in parts]
    np.testing.assert_allclose(found, truth.score, rtol=0, atol=1e-5)
    evidence = np.stack([part.evidence for part in parts])
    np.testing.assert_allclose(evidence, truth.evidence, rtol=0, atol=1e-5)
    with torch.no_grad():  # the evidence is clipped: the maps before that, too
        noise = as_cached(system.bridged(faces).noise)
        one, other = (each.detector(faces, noise) for each in (system, made.system))
    torch.testing.assert_close(other, one, rtol=0, atol=1e-5)
    assert np.ptp(one.numpy()) > 0.1 and np.ptp(found) > 1e-4  # they are not all the same
    scores = [verdict.score for verdict in made.check(portrait, boxes=BOXES)]
    np.testing.assert_allclose(scores, truth.score, rtol=0, atol=1e-5)
    assert {path: path.read_bytes() for path in folder.iterdir()} == files


def test_it_runs_fewer_layers_on_the_same_fields(bridged_weights):
    system = load_system(bridged_weights)[1]
    names = set(system.state_dict())
    folded = system.for_inference()
    assert folded.fields is system.fields and folded.config is system.config
    assert set(system.state_dict()) == names  # the original is left alone
    counts = [
        sum(isinstance(part, (nn.Conv2d, *TRAINED)) for part in one.detector.modules())
        for one in (system, folded)
    ]
    # A trunk is a stem and nine layers, each of a convolution and a norm; a head two such and one.
    assert counts == [2 * (2 * 10) + 2 * 2 + 1, 2 * 10 + 3]
    other = folded.with_bridge(system.config.bridge.model_copy(update={"steps": 3}))
    assert other.detector is folded.detector


WITH_NORMS = ("face-despoofing", "rgb-baseline", "texture", "two-views")


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_every_loaded_system_answers_as_what_was_saved(record, make_weights, tmp_path):
    """Batch norms are as training leaves them, not as it begins with them."""
    folder = make_weights(tmp_path / "w", record.name)
    system = load_system(folder)[1]
    torch.manual_seed(0)
    for part in system.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 2.0)
            nn.init.normal_(part.bias, std=0.5)
            nn.init.normal_(part.running_mean, std=0.5)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
    save_system(tmp_path / "trained", record.name, system.config, system)
    quick = despoof.load(tmp_path / "trained").system
    if record.name in WITH_NORMS:
        assert any(isinstance(part, nn.BatchNorm2d) for part in system.modules())
        assert not any(isinstance(part, nn.BatchNorm2d) for part in quick.modules())
    size = system.config.crop.size
    faces = torch.rand(3, 3, size, size) * torch.tensor([0.2, 1.0, 2.0])[:, None, None, None] - 1
    one, other = system.decompose(faces), quick.decompose(faces)
    for part in ("genuine", "noise", "evidence", "score"):
        wanted = getattr(one, part)
        torch.testing.assert_close(getattr(other, part), wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(quick.score(faces), other.score, rtol=1e-4, atol=1e-4)


def test_a_system_in_training_is_not_folded():
    record = RECORDS["despoofing-diffusion"]
    with pytest.raises(InputError, match="training mode"):
        record.make(record.tiny).train().for_inference()
