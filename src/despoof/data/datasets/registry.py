"""All datasets, found by their files: a new one is a new file here and nothing else."""

import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache

import despoof.data.datasets as folder
from despoof.core.errors import DataError
from despoof.data.datasets.contract import Dataset


@cache
def datasets() -> dict[str, Dataset]:
    """Return every `DATASET` of the files beside this one, by name, sorted."""
    found: dict[str, Dataset] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        dataset = getattr(
            importlib.import_module(f"{folder.__name__}.{module.name}"), "DATASET", None
        )
        if isinstance(dataset, Dataset):
            found[dataset.name] = dataset
    return dict(sorted(found.items()))


def dataset_named(name: str) -> Dataset:
    """Return a dataset.

    Raises:
        DataError: there is none of that name; the message names the nearest and all.
    """
    known = datasets()
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise DataError(f"There is no dataset {name!r}.{hint} Known: {', '.join(known)}.")
