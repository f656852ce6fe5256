"""All gates: each set's correlation, bands and task, then the latency."""

from collections.abc import Callable, Iterator, Sequence

from despoof.diffusion.bridge import REFERENCE, BridgeConfig
from despoof.evaluation.bridge_checks.check import Check
from despoof.evaluation.student_gates.fidelity import (
    BAND_TARGET,
    CORRELATION_TARGET,
    fidelity_gates,
)
from despoof.evaluation.student_gates.latency import latency_gate
from despoof.evaluation.student_gates.sets import GateSet
from despoof.evaluation.student_gates.subject import check_pair, compare
from despoof.evaluation.student_gates.task import TARGET as TASK_TARGET
from despoof.evaluation.student_gates.task import task_gate
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.student.system import Student

LATENCY = "latency"


def student_gates(
    student: Student,
    teacher: DespoofingDiffusion,
    sets: Sequence[GateSet],
    *,
    reference: BridgeConfig = REFERENCE,
    repeats: int = 20,
    show: Callable[[str], None] = lambda name: None,
) -> Iterator[Check]:
    """Give one check after the other; a set that is not there gives checks that are not passed.

    Args:
        student: in eval mode, on its device.
        teacher: in eval mode, on its device.
        sets: of faces that no pair of the two showed.
        reference: how the teacher's bridge is integrated for the comparison.
        repeats: see `latency_gate`.
        show: told the name of each set as it begins, and `latency`.

    Raises:
        WeightsError: the two cut faces in other ways.
        InputError: a set has fewer than two faces of a class.
    """
    check_pair(student, teacher)
    pixels = None
    for one in sets:
        show(one.name)
        if one.faces is None:
            yield from _not_measured(one)
            continue
        seen = compare(student, teacher, one.faces, reference)
        yield from fidelity_gates(seen, one.name, one.what)
        yield task_gate(seen, one.name)
        pixels = seen.subject.pixels
    show(LATENCY)
    if pixels is not None:
        yield latency_gate(student, teacher, pixels, repeats)


def _not_measured(one: GateSet) -> Iterator[Check]:
    targets = {"correlation": CORRELATION_TARGET, "bands": BAND_TARGET, "task": TASK_TARGET}
    for gate, target in targets.items():
        yield Check(f"{gate}, {one.name}", None, target, {}, f"Not measured: {one.missing}")
