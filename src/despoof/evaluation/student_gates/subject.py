"""What is compared on a set of faces: the student's noise and the reference's, both on the CPU."""

from dataclasses import dataclass

import torch
from torch import Tensor

from despoof.core.errors import WeightsError
from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.bridge_checks.faces import BridgeFaces
from despoof.evaluation.bridge_checks.subject import Crossed, Subject, make_subject
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.student.system import Student


@dataclass(frozen=True)
class Compared:
    """One set, seen by both.

    Attributes:
        student: in eval mode, on its device.
        subject: the teacher with the faces.
        noise: (N, 3, S, S) float32, the student's, not clipped.
        reference: the teacher's by the reference bridge.
        bridge: how that was integrated.
    """

    student: Student
    subject: Subject
    noise: Tensor
    reference: Crossed
    bridge: BridgeConfig

    @property
    def faces(self) -> BridgeFaces:
        """The faces."""
        return self.subject.faces


def as_student(system: object) -> Student:
    """Return a system under its own type.

    Raises:
        WeightsError: it is no student.
    """
    if isinstance(system, Student):
        return system
    raise WeightsError(
        f"These weights are of a {type(system).__name__}; expected a student. Name such weights."
    )


def check_pair(student: Student, teacher: DespoofingDiffusion) -> None:
    """Raise WeightsError unless both cut faces alike."""
    if student.config.crop != teacher.config.crop:
        raise WeightsError(
            f"The student cuts faces as {student.config.crop.plain()}, the teacher as "
            f"{teacher.config.crop.plain()}. Name the teacher that it was distilled from."
        )


def compare(
    student: Student,
    teacher: DespoofingDiffusion,
    faces: BridgeFaces,
    reference: BridgeConfig,
    chunk: int = 16,
) -> Compared:
    """Find both noises of a set.

    Args:
        student: in eval mode, on its device.
        teacher: in eval mode, on its device.
        faces: of people whom no pair showed, cut as both want them.
        reference: how the teacher's bridge is integrated, with the network in fp32.
        chunk: faces a call.

    Raises:
        InputError: fewer than two faces of a class, or crops of another size.
    """
    subject = make_subject(teacher, faces, chunk)
    device = next(student.parameters()).device
    noise = torch.cat([student.noise(x.to(device)).cpu() for x in subject.pixels.split(chunk)])
    return Compared(student, subject, noise, subject.cross(config=reference, bf16=False), reference)
