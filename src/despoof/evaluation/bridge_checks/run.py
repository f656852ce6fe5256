"""All eight checks of SPEC §8.5, one after the other."""

from collections.abc import Callable, Iterator

from despoof.diffusion.bridge import REFERENCE, BridgeConfig
from despoof.evaluation.bridge_checks.check import Check
from despoof.evaluation.bridge_checks.fidelity import fidelity_check
from despoof.evaluation.bridge_checks.identity import Embed, identity_check
from despoof.evaluation.bridge_checks.latency import latency_check
from despoof.evaluation.bridge_checks.latent import latent_check
from despoof.evaluation.bridge_checks.null import null_check
from despoof.evaluation.bridge_checks.order import order_check
from despoof.evaluation.bridge_checks.round_trip import round_trip_check
from despoof.evaluation.bridge_checks.subject import Subject
from despoof.evaluation.bridge_checks.task import task_check
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion

NAMES = (
    "round trip",
    "order",
    "fidelity",
    "task fidelity",
    "null test",
    "latent",
    "latency",
    "identity",
)


def bridge_checks(
    subject: Subject,
    *,
    reference: BridgeConfig = REFERENCE,
    other: DespoofingDiffusion | None = None,
    embed: Embed | None = None,
    limit_ms: float | None = None,
    show: Callable[[str], None] = lambda name: None,
) -> Iterator[Check]:
    """Give one check after the other, in the order of SPEC §8.5.

    Args:
        subject: what is checked.
        reference: what its bridge is compared with, with the network in fp32.
        other: see `task_check`.
        embed: see `identity_check`.
        limit_ms: see `latency_check`.
        show: told the name of each check as it begins.

    Raises:
        WeightsError: see `task_check`.
    """
    names = iter(NAMES)
    show(next(names))
    own = subject.cross()
    yield round_trip_check(subject, own)
    show(next(names))
    yield order_check(subject)
    show(next(names))
    exact = subject.cross(config=reference, bf16=False)
    yield fidelity_check(subject, own, exact, reference)
    show(next(names))
    yield task_check(subject, own, exact, other)
    show(next(names))
    yield null_check(subject)
    show(next(names))
    yield latent_check(subject, own)
    show(next(names))
    yield latency_check(subject, own, limit_ms=limit_ms)
    show(next(names))
    yield identity_check(subject, own, embed)
