"""What the development data's README says of them, where they are present."""

from collections import Counter

import pytest

from despoof.core.errors import DataError
from despoof.data.depth_labels import read_depth
from despoof.data.manifest import read_manifest
from despoof.data.samples import find_data_root, read_samples, select, subject_disjoint
from despoof.data.store import crop_sample, face_of
from despoof.face.crop import CropConfig
from despoof.media.images import read_image


@pytest.fixture(scope="module")
def root():
    try:
        found = find_data_root()
        read_samples(found, "lfw")
    except DataError as error:
        pytest.skip(f"no development data: {error}")
    return found


@pytest.mark.parametrize(
    ("dataset", "live", "attack"),
    [("celeba-spoof", 2152 + 297, 2205 + 252), ("nuaa", 1008, 1407), ("lfw", 6732, 0)],
)
def test_counts_are_those_of_the_readme(root, dataset, live, attack):
    samples = read_samples(root, dataset)
    counts = Counter(s.label for s in samples)
    assert (counts["live"], counts["attack"]) == (live, attack)
    assert len(read_depth(root, dataset)) == len(samples)
    assert len({s.name for s in samples}) == len(samples)
    assert all((s.species == "live") == s.live for s in samples)


def test_nuaa_parts(root):
    samples = read_samples(root, "nuaa")
    assert len(select(samples, "train")) + len(select(samples, "dev")) == 884
    assert len(select(samples, "test")) == 1531
    for split in ("train", "dev", "test"):
        assert select(samples, split, "live") and select(samples, split, "attack")
    honest = subject_disjoint(samples)
    assert {s.label for s in honest} == {"live", "attack"} and len(honest) < 1531


@pytest.mark.parametrize("dataset", ["celeba-spoof", "nuaa", "lfw"])
def test_nobody_is_in_train_and_dev(root, dataset):
    # CelebA-Spoof's `context` pictures name nobody: they cannot be held to this.
    samples = [s for s in read_samples(root, dataset) if s.subject]
    train, dev = ({s.subject for s in select(samples, split)} for split in ("train", "dev"))
    assert train and dev and not train & dev


def test_one_of_each_kind_can_be_cut_out(root):
    for dataset in ("celeba-spoof", "nuaa", "lfw"):
        samples = read_samples(root, dataset)
        for sample in (
            samples[0],
            samples[-1],
            next((s for s in samples if not s.box), samples[1]),
        ):
            face = face_of(sample, read_image(sample.path))
            crop = crop_sample(sample, CropConfig(size=64, scale=1.25))
            assert (crop is None) == (face is None)
            if crop is not None:
                assert crop.image.shape == (64, 64, 3) and crop.valid.mean() > 0.4


@pytest.mark.parametrize("dataset", ["celeba-spoof", "nuaa", "lfw"])
def test_the_tables_are_manifests(root, dataset):
    clips, samples = read_manifest(root / f"{dataset}.csv"), read_samples(root, dataset)
    assert [(c.name, c.label, c.group, c.box) for c in clips] == [
        (s.name, s.label, s.group, s.box) for s in samples
    ]
