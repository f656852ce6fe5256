from collections import Counter

import numpy as np
import pytest
import torch

from despoof.core.errors import ConfigError, DataError
from despoof.data.views import SourceConfig
from despoof.systems.ag_fas.balanced import balanced_rows, find_groups
from despoof.systems.ag_fas.domains import deal_domains
from despoof.systems.residuals import write_residuals

SOURCES = [
    SourceConfig(dataset="celeba-spoof", label="live", weight=1),
    SourceConfig(dataset="celeba-spoof", label="attack", weight=1),
    SourceConfig(dataset="lfw", label="live", weight=1, simulate="camera"),
    SourceConfig(dataset="lfw", label="live", weight=1, simulate="attack", species=("print",)),
    SourceConfig(dataset="lfw", label="live", weight=1, simulate="attack", species=("replay",)),
]


def test_domains_are_datasets_and_simulated_families():
    found = deal_domains(SOURCES)
    assert found.live == ("celeba-spoof", "lfw")
    assert found.attack == ("celeba-spoof", "simulated print", "simulated replay")
    assert found.of_source == (0, 0, 1, 1, 2)
    assert found.of(torch.tensor([4, 0, 2])).tolist() == [2, 0, 1]


def test_domains_may_be_named():
    found = deal_domains(SOURCES, ["a", "a", "a", "b", "b"])
    assert (found.live, found.attack) == (("a",), ("a", "b"))
    with pytest.raises(ConfigError, match="2 names for 5 sources"):
        deal_domains(SOURCES, ["a", "b"])


def cached(folder, sources):
    """Three shards of the same sources; live ones are 0 and 2."""
    source = torch.tensor(sources)

    def make(number):
        faces = torch.zeros(len(sources), 3, 4, 4)
        return {"faces": faces, "live": (source == 0) | (source == 2), "source": source}

    return write_residuals(folder, 3, make, lambda shard: shard["faces"], lambda *_: None)


def test_batches_are_balanced_over_classes_and_domains(tmp_path):
    shards = cached(tmp_path, [0, 0, 0, 0, 0, 1, 1, 2, 3, 4])
    domains = deal_domains(SOURCES)
    groups = find_groups(shards, domains)
    assert [len(rows) for half in groups for rows in half] == [15, 3, 6, 3, 3]
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(5):
        picks = balanced_rows(groups, 12, rng)
        rows = shards.rows(picks)
        assert Counter(rows["source"].tolist()) == {0: 3, 2: 3, 1: 2, 3: 2, 4: 2}
        seen |= set(picks)
    assert len({shard for shard, _ in seen}) == 3
    odd = [balanced_rows(groups, 7, np.random.default_rng(seed)) for seed in range(40)]
    assert {len(picks) for picks in odd} == {7}
    extra = {tuple(sorted(shards.rows(picks)["source"].tolist())) for picks in odd[:10]}
    assert {source.count(1) + source.count(3) + source.count(4) for source in extra} == {3}


def test_a_domain_without_a_view_is_named(tmp_path):
    shards = cached(tmp_path, [0, 1, 2, 3])
    with pytest.raises(DataError, match=r"'simulated replay'.*recipe\.views"):
        find_groups(shards, deal_domains(SOURCES))
