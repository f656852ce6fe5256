"""The student's stages: its noise, then, unless the teacher's is taken, its detector."""

from collections.abc import Iterator

from despoof.data.views import DataConfig
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.head_stage import HeadStage
from despoof.systems.student.noise_stage import NoiseStage
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.teacher import take_teacher
from despoof.training.stage import Stage


def stages(
    config: StudentConfig, recipe: RecipeConfig, data: DataConfig, seed: int
) -> Iterator[Stage]:
    """Yield the stage `student` and, with `recipe.head: train`, the stage `head`.

    A generator: the head's scale is measured on what the noise network has become.

    Raises:
        WeightsError: the teacher cannot teach this student, see `take_teacher`.
        DataError: there is no teacher, and no source is simulated either.
    """
    first = NoiseStage(config, recipe, data, seed, take_teacher(recipe, config))
    yield first
    if recipe.head == "train":
        yield HeadStage(first.network, config, recipe, data, seed)
