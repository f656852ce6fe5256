"""Gates 1 and 2: the noise must be the reference's, face by face and band by band."""

from despoof.evaluation.bridge_checks.check import Check, not_finite
from despoof.evaluation.bridge_checks.fidelity import noise_fidelity
from despoof.evaluation.student_gates.subject import Compared

MEDIAN, FIFTH, BAND_SLACK = 0.95, 0.85, 0.20
CORRELATION_TARGET = "Pearson's, face by face: median ≥ 0.95, 5th percentile ≥ 0.85"
BAND_TARGET = "energy of each octave within ± 20 %"


def fidelity_gates(seen: Compared, name: str, words: str) -> tuple[Check, Check]:
    """Return the gate of correlation and that of band energies.

    Args:
        seen: one set.
        name: of the set.
        words: what it is.
    """
    titles = (f"correlation, {name}", f"bands, {name}")
    for noise in (seen.noise, seen.reference.noise):
        broken = [
            not_finite(title, target, noise)
            for title, target in zip(titles, (CORRELATION_TARGET, BAND_TARGET), strict=True)
        ]
        if broken[0] is not None and broken[1] is not None:
            return broken[0], broken[1]
    figures = noise_fidelity(seen.noise, seen.reference.noise)
    bands = {key: value for key, value in figures.items() if key.startswith("band_")}
    rest = {key: value for key, value in figures.items() if key not in bands}
    how = seen.bridge
    text = (
        f"{words}. {len(seen.noise)} faces, against {how.solver}, {how.grid}, {how.steps} + "
        f"{how.steps}, the teacher's networks in fp32."
    )
    near = rest["correlation_median"] >= MEDIAN and rest["correlation_5th"] >= FIFTH
    even = all(abs(value - 1) <= BAND_SLACK for value in bands.values())
    return (
        Check(titles[0], near, CORRELATION_TARGET, rest, text),
        Check(titles[1], even, BAND_TARGET, bands, "Energy of all faces' noise / the reference's."),
    )
