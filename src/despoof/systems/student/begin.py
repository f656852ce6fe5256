"""A noise network that learns on from another student's."""

from pathlib import Path

from despoof.core.errors import WeightsError
from despoof.systems.residuals import weights_hash
from despoof.systems.student.config import NetworkConfig
from despoof.systems.student.network import NoiseNetwork


def begin_from(network: NoiseNetwork, folder: Path, config: NetworkConfig) -> str:
    """Copy the noise network of a trained student; its octave gains and its head stay behind.

    Args:
        network: that shall learn on.
        folder: weights of a student.
        config: of `network`.

    Returns:
        A hash of what it begins with.

    Raises:
        WeightsError: no readable weights there, or those of another system or geometry.
    """
    from despoof.systems.saving import load_system  # it knows every system, this one too
    from despoof.systems.student.system import Student

    name, system = load_system(folder)
    if not isinstance(system, Student):
        raise WeightsError(f"recipe.begin {folder} holds {name}; expected student.")
    if system.config.network != config:
        raise WeightsError(
            f"recipe.begin {folder} has a noise network of {system.config.network.plain()}, this "
            f"one is of {config.plain()}. Give model.network the same."
        )
    network.load_state_dict(system.network.state_dict())
    return weights_hash(network)
