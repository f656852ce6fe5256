"""What a run learnt from, so that a gate can say what it did not."""

from dataclasses import dataclass
from pathlib import Path

from despoof.core.config import read_yaml
from despoof.core.errors import ConfigError
from despoof.data.simulated import chosen_species
from despoof.recapture.species import SPECIES
from despoof.systems.experiment import Experiment

EXPERIMENT = "experiment.yaml"


@dataclass(frozen=True)
class SeenData:
    """The sources of a run.

    Attributes:
        datasets: whose pictures of either class were in it, as they are or simulated.
        species: that were simulated, in the simulator's order.
    """

    datasets: frozenset[str]
    species: tuple[str, ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Species that were not simulated, in the simulator's order."""
        return tuple(name for name in SPECIES if name not in self.species)


def seen_data(weights: Path) -> SeenData | None:
    """Read what the run of a `weights/` folder was made with; None where nothing says so.

    Args:
        weights: folder that `despoof train` wrote; the experiment lies beside it.
    """
    path = weights.resolve().parent / EXPERIMENT
    if not path.is_file():
        return None
    try:
        sources = Experiment.parse(read_yaml(path), str(path)).data.sources
    except ConfigError:
        return None
    species: set[str] = set()
    for source in sources:
        if source.simulate == "attack":
            without = set(chosen_species(source.without)) if source.without else set[str]()
            species |= set(chosen_species(source.species)) - without
    return SeenData(
        frozenset(source.dataset for source in sources),
        tuple(name for name in SPECIES if name in species),
    )
