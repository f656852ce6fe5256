"""What every dataset file promises, whichever there are."""

import re

import pytest

from despoof.core.errors import DataError
from despoof.data.datasets.registry import dataset_named, datasets

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(_[a-z0-9]+)?")


@pytest.mark.parametrize("name", datasets())
def test_a_dataset_says_what_it_is(name):
    dataset = dataset_named(name)
    assert dataset.name == name and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert dataset.title and dataset.layout.strip() and dataset.terms
    assert "all" not in dataset.protocols
    for key, protocol in dataset.protocols.items():
        assert protocol.name == key and NAME.fullmatch(key), key
        for part, counts in (protocol.counts or {}).items():
            assert part in ("train", "dev", "test") and set(counts) == {"live", "attack"}


def test_a_dataset_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(DataError, match=r"'oulu_npu'. Did you mean oulu-npu\?"):
        dataset_named("oulu_npu")
    with pytest.raises(DataError, match=r"'qqq'. Known: .*siw"):
        dataset_named("qqq")


def test_the_seven_video_datasets_are_there():
    seven = {"casia-mfsd", "msu-mfsd", "oulu-npu", "replay-attack", "siw", "siw-m", "siw-mv2"}
    assert seven <= set(datasets())
