import numpy as np
import pytest
import torch

from despoof.core.errors import DataError
from despoof.data import pairs as pairs_module
from despoof.data.pairs import recapture_pairs
from despoof.data.store import Retaken
from despoof.data.views import DataConfig

SIDE = 32


def config(root, cache, **changes):
    values = {
        "root": str(root),
        "cache": str(cache),
        "stored_size": 48,
        "sources": [
            {"dataset": "celeba-spoof", "label": "attack", "weight": 1},
            {"dataset": "celeba-spoof", "label": "live", "weight": 1, "simulate": "attack"},
        ],
        "dev": ["celeba-spoof"],
        "augment": {"probability": 1.0},
    }
    return DataConfig.parse(values | changes)


def unchanged(picture, face, rng):
    return Retaken(picture, picture, face, "print/none")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def pairs(made_up_root, cache):
    return recapture_pairs(config(made_up_root, cache), SIDE, "train")


def test_the_store_holds_each_attack_and_its_genuine_picture(pairs):
    (store,) = pairs.stores
    assert len(store.live) == 12 and not store.live.any()
    assert store.genuine.shape == store.images.shape
    assert (store.genuine != store.images).any(axis=(1, 2, 3)).all()


def test_a_retake_that_changes_nothing_gives_two_equal_views(made_up_root, tmp_path, monkeypatch):
    same = config(made_up_root, tmp_path)
    monkeypatch.setattr(pairs_module, "retake_of", lambda source: (unchanged, "unchanged"))
    same = recapture_pairs(same, SIDE, "train")
    for seed in range(3):
        batch = same.batch(8, 0.25, seed)
        assert torch.equal(batch["faces"], batch["target"])


def test_several_sources_come_by_their_weights(made_up_root, cache):
    sources = [
        {"dataset": "celeba-spoof", "label": "live", "weight": 3, "simulate": "attack"},
        {"dataset": "nuaa", "label": "live", "weight": 1, "simulate": "attack"},
    ]
    both = recapture_pairs(config(made_up_root, cache, sources=sources), SIDE, "train")
    assert [len(store.live) for store in both.stores] == [12, 6] and both.weights == (3, 1)
    assert both.batch(8, 0.5, 0)["faces"].shape == (8, 3, SIDE, SIDE)


def test_a_recapture_stands_beside_its_own_genuine_picture(pairs):
    batch = pairs.batch(16, 0.25, 0)
    attack = ~batch["live"]
    faces, target = batch["faces"][attack], batch["target"][attack]
    assert (faces != target).flatten(1).any(dim=1).all()
    # Each recapture is nearer to its own picture than to any other row's.
    grey = [x.mean(dim=1).flatten(1) for x in (faces, target)]
    grey = [x - x.mean(dim=1, keepdim=True) for x in grey]
    likeness = torch.nn.functional.normalize(grey[0]) @ torch.nn.functional.normalize(grey[1]).T
    assert likeness.argmax(dim=1).tolist() == list(range(len(faces)))


def test_live_faces_come_through_a_camera_and_are_their_own_target(pairs, monkeypatch):
    batch = pairs.batch(10, 0.25, 4)
    live = batch["live"]
    assert live.tolist() == [True] * 2 + [False] * 8  # round(2.5)
    assert torch.equal(batch["faces"][live], batch["target"][live])
    monkeypatch.setattr(pairs_module, "photometry", lambda faces, *_: faces)
    plain = pairs.batch(10, 0.25, 4)
    changed = (batch["faces"] != plain["faces"]).flatten(1).any(dim=1)
    assert changed.tolist() == live.tolist(), "the camera is for live faces alone"
    assert torch.equal(batch["target"][~live], plain["target"][~live])


def test_nothing_is_erased_from_a_live_face(pairs, monkeypatch):
    seen = []
    monkeypatch.setattr(
        pairs_module, "photometry", lambda faces, augment, _: (seen.append(augment), faces)[1]
    )
    pairs.batch(4, 0.5, 0)
    assert [augment.erase for augment in seen] == [0.0]
    assert pairs.config.augment.erase > 0


def test_a_batch_has_its_shapes_and_range(pairs):
    batch = pairs.batch(6, 0.5, 1)
    assert set(batch) == {"faces", "target", "live"}
    for name in ("faces", "target"):
        value = batch[name]
        assert value.shape == (6, 3, SIDE, SIDE) and value.dtype == torch.float32
        assert value.min() >= -1 and value.max() <= 1 and value.std() > 0.1
    assert batch["live"].dtype == torch.bool


def test_a_batch_is_a_pure_function_of_its_seed(pairs):
    state = torch.get_rng_state()
    first = pairs.batch(6, 0.5, 7)
    other = pairs.batch(6, 0.5, 8)
    again = pairs.batch(6, 0.5, 7)
    for name, value in first.items():
        assert torch.equal(value, again[name]), name
    assert not torch.equal(first["faces"], other["faces"])
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"


def test_a_limit_is_spread_over_the_table(pairs, made_up_root, cache):
    few = recapture_pairs(config(made_up_root, cache), SIDE, "train", limit=3)
    assert np.array_equal(few.stores[0].images, pairs.stores[0].images[[0, 4, 8]])
    assert np.array_equal(few.stores[0].genuine, pairs.stores[0].genuine[[0, 4, 8]])


def test_without_a_recaptured_source_there_are_no_pairs(made_up_root, tmp_path):
    plain = [{"dataset": "celeba-spoof", "label": "live", "weight": 1}]
    with pytest.raises(DataError, match="No source of the mix has `simulate: attack`"):
        recapture_pairs(config(made_up_root, tmp_path, sources=plain), SIDE, "train")
    assert not list(tmp_path.iterdir()), "nothing was cut"


def test_without_live_pictures_there_are_no_pairs(made_up_root, tmp_path):
    with pytest.raises(DataError, match="celeba-spoof has no live test pictures to recapture"):
        recapture_pairs(config(made_up_root, tmp_path), SIDE, "test")
