"""The stages of the student: its noise, and, unless the teacher's is taken, its detector."""

from collections.abc import Iterator
from typing import cast

from despoof.data.views import DataConfig
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.head_stage import HeadStage
from despoof.systems.student.noise_stage import NoiseStage
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.system import Student
from despoof.systems.student.taught_head import TaughtHeadStage
from despoof.systems.student.teacher import own_teacher, take_teacher
from despoof.training.stage import Stage


def stages(
    config: StudentConfig, recipe: RecipeConfig, data: DataConfig, seed: int
) -> Iterator[Stage]:
    """Yield the stage `student` and, unless `recipe.head` is `teacher`, the stage `head`.

    A generator: the head learns on what the noise network has become.

    Raises:
        WeightsError: the teacher cannot teach this student, see `take_teacher`.
        DataError: there is no teacher, and no source is simulated either.
    """
    first = NoiseStage(config, recipe, data, seed, take_teacher(recipe, config))
    yield first
    if recipe.head == "train":
        yield HeadStage(first.network, config, recipe, data, seed)
    elif recipe.head == "taught" and (teacher := own_teacher(recipe, config)) is not None:
        yield TaughtHeadStage(cast("Student", first.module), teacher, recipe, data, seed)
