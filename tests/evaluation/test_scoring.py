from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from data.made_up_data import make_data_root

from despoof.data.samples import read_samples, select
from despoof.data.store import crop_sample
from despoof.evaluation.scoring import (
    TIGHT,
    TIGHT_STRESSED,
    WIDE,
    WIDE_STRESSED,
    cut_faces,
    labelled,
    score_faces,
)
from despoof.face.crop import CropConfig
from despoof.systems.records import RECORDS


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    root = make_data_root(tmp_path_factory.mktemp("data"))
    found = select(read_samples(root, "celeba-spoof"), "dev")
    return found[:4] + found[-3:]


def test_faces_are_cut_as_the_view_says(samples):
    for view in (TIGHT, WIDE):
        faces = cut_faces(samples, view, 32)
        assert faces.samples == tuple(samples) and faces.skipped == ()
        assert faces.images.shape == (7, 32, 32, 3) and faces.images.dtype == np.uint8
        expected = crop_sample(samples[2], CropConfig(size=32, scale=view.scale)).image
        assert np.array_equal(faces.images[2], expected)


def test_a_sample_without_a_face_is_left_out_by_name(samples):
    blind = [samples[0], replace(samples[1], box=None), samples[2], replace(samples[3], box=None)]
    faces = cut_faces(blind, TIGHT, 32)
    assert faces.skipped == (samples[1].name, samples[3].name)
    assert faces.samples == (samples[0], samples[2])
    assert np.array_equal(faces.images, cut_faces([samples[0], samples[2]], TIGHT, 32).images)
    none = cut_faces(blind[1:2], TIGHT, 32)
    assert none.images.shape == (0, 32, 32, 3) and none.samples == ()


def test_the_stressed_twin_is_the_same_for_every_system_and_class(samples):
    first = cut_faces(samples, TIGHT_STRESSED, 32).images
    plain = cut_faces(samples, TIGHT, 32).images
    assert (first != plain).any(axis=(1, 2, 3)).all()
    # Another system asks again, in another order, for some of them, of a class that is not known.
    other = [replace(s, label="attack" if s.live else "live") for s in samples[::-2]]
    again = cut_faces(other, TIGHT_STRESSED, 32).images
    assert np.array_equal(again, first[::-2])


def test_another_seed_is_another_stress(samples):
    view = replace(WIDE_STRESSED, seed=1)
    assert (WIDE.seed, WIDE_STRESSED.stressed) == (0, True)
    assert not np.array_equal(
        cut_faces(samples, view, 32).images, cut_faces(samples, WIDE_STRESSED, 32).images
    )


class Listener:
    """Scores a face by its first pixel, and remembers how many came at a time."""

    def __init__(self):
        self.config, self.sizes = SimpleNamespace(), []

    def score(self, faces):
        assert faces.dtype == torch.float32 and faces.shape[1:] == (3, 8, 8)
        self.sizes.append(len(faces))
        return faces[:, 0, 0, 0]

    def decompose(self, faces):
        raise NotImplementedError


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (64, [7])])
def test_scores_come_in_the_order_of_the_faces_whatever_the_batch(batch, sizes):
    images = np.zeros((7, 8, 8, 3), np.uint8)
    codes = [0, 255, 51, 204, 102, 153, 17]
    images[:, 0, 0, 0] = codes  # of red
    system = Listener()
    scores = score_faces(system, images, batch)
    assert system.sizes == sizes
    assert scores.dtype == np.float64
    assert scores == pytest.approx([code / 127.5 - 1 for code in codes], abs=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_a_real_system_scores_alike_in_parts_and_at_once(batch):
    record = RECORDS["face-despoofing"]
    torch.manual_seed(0)
    system = record.make(record.tiny)
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    whole = system.score(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1)
    np.testing.assert_allclose(score_faces(system, images, batch), whole.numpy(), atol=1e-6)
    assert len(set(whole.tolist())) == 7


def test_no_faces_have_no_scores():
    system = Listener()
    assert score_faces(system, np.zeros((0, 8, 8, 3), np.uint8)).shape == (0,)
    assert system.sizes == []


def test_scores_are_joined_with_class_species_and_person(samples):
    strangers = [*samples[:2], replace(samples[2], subject=""), *samples[3:]]
    joined = labelled(strangers, np.arange(7.0))
    assert joined.score.tolist() == list(range(7))
    assert joined.live.tolist() == [True] * 4 + [False] * 3
    assert joined.species.tolist() == ["live"] * 4 + ["print/photo"] * 3
    person = "celeba-spoof/9"
    assert joined.group.tolist() == [person] * 2 + [samples[2].name] + [person] * 4
