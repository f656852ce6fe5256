"""`despoof bench student`: does the one-pass student say what its teacher says?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from despoof.cli.check_table import check_table, counted, plain_checks
from despoof.cli.clips import (
    CroppedOption,
    OwnImagesOption,
    OwnManifestOption,
    ReferenceStepsOption,
    SplitOption,
    check_own,
    own_clips,
)
from despoof.cli.options import (
    LIVE,
    SPOOF,
    DebugOption,
    DeviceOption,
    JsonOption,
    VersionOption,
)
from despoof.cli.output import console, print_json, progress

if TYPE_CHECKING:
    from despoof.data.manifest import Clip
    from despoof.evaluation.bridge_checks.check import Check
    from despoof.evaluation.student_gates.sets import GateSet
    from despoof.face.crop import CropConfig

EXAMPLE = (
    "Example: despoof bench student --weights runs/student/weights "
    "--teacher runs/despoofing_diffusion/weights"
)


def student(
    *,
    weights: Annotated[str, typer.Option("--weights", metavar="NAME|DIR", help="Of a student.")],
    teacher: Annotated[
        str, typer.Option("--teacher", metavar="NAME|DIR", help="Its teacher: System 1's weights.")
    ],
    manifest: OwnManifestOption = None,
    images: OwnImagesOption = None,
    split: SplitOption = None,
    cropped: CroppedOption = False,
    species: Annotated[
        list[str] | None,
        typer.Option(
            "--species",
            metavar="NAME",
            help="Simulated species or family; may be repeated. Default: those it never saw.",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(min=4, metavar="N", help="Faces of each set, half of them live.")
    ] = 64,
    reference_steps: ReferenceStepsOption = 100,
    repeats: Annotated[int, typer.Option(min=2, metavar="N", help="Timed calls.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated faces.")] = 0,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 if a gate failed.")] = False,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Hold the student against its teacher: correlation, bands, task, latency.

    On three sets that no pair of the two held, if the data are at hand: people (CelebA-Spoof's
    development people), prints (NUAA's new people), species (simulated, left out of the student's
    experiment); or on your own faces. What is not there to be measured is said, and is no pass.
    Exit code: 0 measured · 1 with --gate, a gate failed · 64 wrong usage.
    """
    check_own(manifest, images, split)
    own = manifest is not None or images is not None
    if species and own:
        raise typer.BadParameter("--species are simulated; your own pictures have their own.")
    from despoof.core.device import pick_device
    from despoof.diffusion.bridge import reference_of
    from despoof.evaluation.bridge_checks.subject import as_bridge
    from despoof.evaluation.student_gates.run import student_gates
    from despoof.evaluation.student_gates.subject import as_student, check_pair
    from despoof.systems.saving import load_system
    from despoof.weights.registry import resolve

    place, folder = pick_device(device), resolve(weights)
    pupil = as_student(load_system(folder)[1]).to(place)
    master = as_bridge(load_system(resolve(teacher))[1]).to(place)
    check_pair(pupil, master)
    crop = pupil.config.crop
    if own:
        sets = [_own(own_clips(manifest, images, split), crop, count, cropped=cropped)]
    else:
        sets = _held_out(folder, crop, count, species or [], seed)
    with progress(len(sets) + 1, not (json and sys.stdout.isatty())) as show:
        reference = reference_of(master.config.bridge, reference_steps)
        found = student_gates(pupil, master, sets, reference=reference, repeats=repeats, show=show)
        checks = list(found)
    if json:
        print_json({"sets": [_facts(one) for one in sets]} | plain_checks(checks))
    else:
        _print(checks, sets)
    return SPOOF if gate and any(check.passed is False for check in checks) else LIVE


def _own(clips: "list[Clip]", crop: "CropConfig", count: int, *, cropped: bool) -> "GateSet":
    from despoof.evaluation.bridge_checks.faces import cut_faces, finder
    from despoof.evaluation.student_gates.sets import GateSet

    faces = cut_faces(clips, crop, count, finder(cropped=cropped))
    return GateSet("given", "the faces that were given", faces)


def _held_out(
    weights: Path, crop: "CropConfig", count: int, species: list[str], seed: int
) -> "list[GateSet]":
    from despoof.data.samples import find_data_root
    from despoof.evaluation.student_gates.seen import seen_data
    from despoof.evaluation.student_gates.sets import gate_sets

    seen = seen_data(weights)
    return gate_sets(find_data_root(), crop, count, seen=seen, species=species, seed=seed)


def _facts(one: "GateSet") -> dict[str, Any]:
    faces = one.faces
    facts = {"name": one.name, "what": one.what, "missing": one.missing}
    if faces is None:
        return facts | {"n_live": 0, "n_attack": 0, "n_people": 0, "skipped": []}
    return facts | {
        "n_live": int(faces.live.sum()),
        "n_attack": int((~faces.live).sum()),
        "n_people": len(set(faces.groups)),
        "skipped": list(faces.skipped),
    }


def _print(checks: "list[Check]", sets: "list[GateSet]") -> None:
    out = console()
    out.print(check_table(checks))
    parts = [
        f"{fact['name']}: {fact['n_live']} live faces and {fact['n_attack']} attacks of "
        f"{fact['n_people']} people"
        for fact in map(_facts, sets)
    ]
    out.print(f"{counted(checks)}. {'; '.join(parts)}.", markup=False)
