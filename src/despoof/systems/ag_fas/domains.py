"""Which domain a source of the training mix belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from despoof.core.errors import ConfigError
from despoof.data.views import SourceConfig


@dataclass(frozen=True)
class Domains:
    """Domains of live faces and of attacks, numbered apart.

    Attributes:
        live: names of the live faces' domains.
        attack: names of the attacks'.
        of_source: of each source, its number among those of its own class.
    """

    live: tuple[str, ...]
    attack: tuple[str, ...]
    of_source: tuple[int, ...]

    def of(self, source: Tensor) -> Tensor:
        """Return the domains of (B,) positions in the sources."""
        return torch.tensor(self.of_source)[source]


def domain_name(source: SourceConfig) -> str:
    """Return the dataset's name; of simulated attacks that of their families.

    >>> domain_name(SourceConfig(dataset="lfw", label="live", weight=1, simulate="attack",
    ...                          species=("print/a4", "print/photo")))
    'simulated print'
    """
    if source.simulate != "attack":
        return source.dataset
    families = sorted({species.split("/")[0] for species in source.species})
    return " ".join(["simulated", *families])


def is_live(source: SourceConfig) -> bool:
    """Whether a source's pictures are live in the mix."""
    return source.label == "live" and source.simulate != "attack"


def deal_domains(sources: Sequence[SourceConfig], names: Sequence[str] = ()) -> Domains:
    """Number the domains of a mix.

    Args:
        sources: of the mix.
        names: one for each source; empty = `domain_name`.

    Raises:
        ConfigError: another number of names than of sources.
    """
    if names and len(names) != len(sources):
        raise ConfigError(
            f"recipe.domains has {len(names)} names for {len(sources)} sources; expected one for "
            "each of data.sources, or none at all."
        )
    called = list(names) or [domain_name(source) for source in sources]
    pairs = [(is_live(source), name) for source, name in zip(sources, called, strict=True)]
    order: dict[bool, list[str]] = {True: [], False: []}
    for live, name in pairs:
        if name not in order[live]:
            order[live].append(name)
    numbers = tuple(order[live].index(name) for live, name in pairs)
    return Domains(tuple(order[True]), tuple(order[False]), numbers)
