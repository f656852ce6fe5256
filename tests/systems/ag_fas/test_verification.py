import numpy as np
import pytest
import torch

from despoof.core.errors import InputError
from despoof.data.views import DataConfig
from despoof.metrics.intervals import wilson
from despoof.systems.ag_fas.verification import Pairs, best_threshold, lfw_pairs, verify
from systems.test_every_system import data_config


def pairs(cosines, same):
    """Pairs whose first two numbers, as embeddings, have these cosines."""
    cosines = torch.tensor(cosines, dtype=torch.float32)
    first, second = torch.zeros(2, len(cosines), 3, 1, 1)
    first[:, 0] = 1
    second[:, 0, 0, 0], second[:, 1, 0, 0] = cosines, (1 - cosines.square()).sqrt()
    return Pairs(first, second, torch.tensor(same))


def embed(faces):
    return faces.flatten(1)


def test_people_that_are_far_apart_are_all_told():
    found = verify(embed, pairs([0.9, 0.1, 0.8, 0.2, 0.7, 0.3], [True, False] * 3))
    assert (found.accuracy, found.auc, found.pairs) == (1.0, 1.0, 6)
    assert found.interval == wilson(6, 6)


def test_a_threshold_is_judged_on_other_pairs_than_it_was_chosen_on():
    # Two folds, each parted without an error by its own threshold; the other's is wrong for half.
    cosines = [0.9, 0.6, 0.9, 0.6, 0.4, 0.1, 0.4, 0.1]
    found = verify(embed, pairs(cosines, [True, False] * 4), folds=2)
    assert found.accuracy == 0.5
    assert found.auc == pytest.approx(0.75)


def test_batches_do_not_matter():
    rng = np.random.default_rng(0)
    given = pairs(rng.uniform(-0.9, 0.9, 20).tolist(), (rng.uniform(size=20) < 0.5).tolist())
    assert verify(embed, given, batch=3) == verify(embed, given, batch=64)


def test_the_best_threshold_by_brute_force():
    rng = np.random.default_rng(1)
    for _ in range(20):
        cosine = rng.integers(-4, 5, 12) / 5  # with ties
        same = rng.uniform(size=12) < 0.5

        def right(limit, cosine=cosine, same=same):
            return int(((cosine >= limit) == same).sum())

        limits = [-2, 2, *(np.unique(cosine)[:-1] + np.unique(cosine)[1:]) / 2]
        assert right(best_threshold(cosine, same)) == max(map(right, limits))


def test_too_few_pairs_or_folds_are_refused():
    with pytest.raises(InputError, match="3 pairs"):
        verify(embed, pairs([0.9, 0.1, 0.5], [True, False, True]))
    with pytest.raises(InputError, match="1 folds"):
        verify(embed, pairs([0.9, 0.1] * 4, [True, False] * 4), folds=1)


def test_people_with_one_picture_and_other_splits_give_no_pairs(made_up_root, tmp_path):
    """The made-up LFW has one development person: nobody to tell that one from."""
    assert lfw_pairs(DataConfig.parse(data_config(made_up_root, tmp_path)), 32) is None


def test_each_person_comes_with_oneself_and_with_another(made_up_root, tmp_path):
    root = tmp_path / "more"
    root.mkdir()
    for name in made_up_root.iterdir():
        (root / name.name).symlink_to(name)
    table = (made_up_root / "lfw.csv").read_text().splitlines()
    (root / "lfw.csv").unlink()
    (root / "lfw.csv").write_text("\n".join(two_people(table)))
    found = lfw_pairs(DataConfig.parse(data_config(root, tmp_path)), 32, "train")
    assert found is not None
    assert found.same.tolist() == [True, False] * 2
    assert torch.equal(found.first[0], found.first[1])
    assert torch.equal(found.second[1], found.second[2]), "the next one's second picture"
    assert found.first.shape == found.second.shape == (4, 3, 32, 32)
    assert found.first.min() >= -1 and found.first.max() <= 1


def two_people(table):
    """Make the second half of A_B's four training pictures another person's."""
    head, *rows = table
    subject = head.split(",").index("subject")
    changed = []
    for number, row in enumerate(rows):
        cells = row.split(",")
        cells[subject] = "E_F" if number >= 2 and cells[subject] == "A_B" else cells[subject]
        changed.append(",".join(cells))
    return [head, *changed]
