"""The teacher: a trained System 1, and what it must be to teach."""

from pathlib import Path

import torch
from torch import Tensor

from despoof.core.errors import TrainingError, WeightsError
from despoof.diffusion.bridge import bridge
from despoof.diffusion.network import eps_function
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.recipe import RecipeConfig

GREY_LEVEL = 2 / 255
"""One of 255 steps of grey, in [-1, 1] units."""
FACES, SOME = 8, 64
"""How many faces the round trip is tried on, of so many that are looked through."""


def take_teacher(recipe: RecipeConfig, config: StudentConfig) -> DespoofingDiffusion | None:
    """Return the recipe's teacher with the recipe's bridge; None where it names none.

    Raises:
        WeightsError: as `own_teacher`.
    """
    system = own_teacher(recipe, config)
    return None if system is None else system.with_bridge(recipe.bridge, recipe.precision)


def own_teacher(recipe: RecipeConfig, config: StudentConfig) -> DespoofingDiffusion | None:
    """Return the recipe's teacher with the bridge that its detector learnt from.

    Raises:
        WeightsError: the folder holds no readable system, one without a bridge, one that cuts faces
            in another way, or no trained detector where the head shall be the teacher's.
    """
    if recipe.teacher is None:
        return None
    from despoof.systems.saving import load_system  # it knows every system, this one too

    folder = Path(recipe.teacher)
    name, system = load_system(folder)
    if not isinstance(system, DespoofingDiffusion):
        raise WeightsError(
            f"recipe.teacher {folder} holds {name}, which has no bridge; expected "
            "despoofing-diffusion. Name such weights."
        )
    if system.config.crop != config.crop:
        raise WeightsError(
            f"The teacher cuts faces as {system.config.crop.plain()}, the student as "
            f"{config.crop.plain()}; its noise is of its own crops. Give model.crop the same."
        )
    detector = system.config.detector
    if recipe.head != "train" and detector.needs_noise and detector.noise_scale is None:
        raise WeightsError(
            f"The detector of {folder} was never trained (noise_scale is null). Set recipe.head to "
            "train, or name a teacher whose detector is trained."
        )
    return system


@torch.no_grad()
def check_round_trip(teacher: DespoofingDiffusion, genuine: Tensor) -> None:
    """Raise TrainingError unless the teacher's live field brings its genuine faces back.

    Only then may the student be told that nothing is to be changed in them: up and down with the
    live field would be no noise, too.

    Args:
        teacher: with the bridge to try.
        genuine: (B, 3, S, S) in [-1, 1], where the teacher's bridge ended.
    """
    config = teacher.config
    device = next(teacher.parameters()).device
    live = eps_function(teacher.fields, "live", config.schedule, bf16=config.precision == "bf16")
    left = bridge(genuine.to(device), live, live, config.schedule, config.bridge).noise
    rms = float(left.double().square().mean().sqrt())
    if not rms <= GREY_LEVEL:
        raise TrainingError(
            f"recipe.identity: the teacher's own round trip with the live field leaves an RMS of "
            f"{rms:.4f} in its genuine faces; expected at most {GREY_LEVEL:.4f} (one grey level). "
            "Take a truer bridge (o-belm, more steps, fp32), or set identity to 0."
        )
