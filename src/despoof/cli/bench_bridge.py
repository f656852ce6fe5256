"""`despoof bench bridge`: is a trained diffusion bridge fit for use?"""

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
    from despoof.diffusion.bridge import BridgeConfig
    from despoof.evaluation.bridge_checks.check import Check
    from despoof.evaluation.bridge_checks.faces import BridgeFaces, FindFace

EXAMPLE = "Example: despoof bench bridge --weights runs/despoofing_diffusion/weights --count 32"


def bridge(
    *,
    weights: Annotated[
        str, typer.Option("--weights", metavar="NAME|DIR", help="Of despoofing-diffusion.")
    ],
    manifest: OwnManifestOption = None,
    images: OwnImagesOption = None,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="Whose development faces, if neither is given.")
    ] = "celeba-spoof",
    split: SplitOption = None,
    cropped: CroppedOption = False,
    count: Annotated[int, typer.Option(min=4, metavar="N", help="Faces, half of them live.")] = 32,
    solver: Annotated[
        str | None, typer.Option(metavar="NAME", help="Check another bridge on the same weights.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, metavar="N", help="Each way.")] = None,
    reference_steps: ReferenceStepsOption = 100,
    reference_weights: Annotated[
        str | None,
        typer.Option(metavar="NAME|DIR", help="Same fields, detector trained on its noise."),
    ] = None,
    embedder: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Face recogniser (ONNX, aligned 112 × 112)."),
    ] = None,
    max_ms: Annotated[
        float | None, typer.Option(metavar="MS", help="Limit of one face's median time.")
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 if a check failed.")] = False,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Check a trained bridge: the eight acceptance checks, with figures.

    Round trip, order, fidelity to 100 + 100 steps, task fidelity, null test, latent, latency,
    identity. What is not there to be measured is said, and is no pass. Take faces of people whom
    the training has not seen.
    Exit code: 0 measured · 1 with --gate, a check failed · 64 wrong usage.
    """
    check_own(manifest, images, split)
    from despoof.core.device import pick_device
    from despoof.diffusion.bridge import reference_of
    from despoof.evaluation.bridge_checks.embedder import load_embedder
    from despoof.evaluation.bridge_checks.faces import cut_faces
    from despoof.evaluation.bridge_checks.run import NAMES, bridge_checks
    from despoof.evaluation.bridge_checks.subject import as_bridge, make_subject
    from despoof.systems.saving import load_system
    from despoof.weights.registry import resolve

    place = pick_device(device)
    system = as_bridge(load_system(resolve(weights))[1]).to(place)
    if solver is not None or steps is not None:
        system = system.with_bridge(_changed(system.config.bridge, solver, steps))
    other = None
    if reference_weights is not None:
        other = as_bridge(load_system(resolve(reference_weights))[1]).to(place)
    embed = None if embedder is None else load_embedder(embedder)
    clips, find = _clips(manifest, images, dataset, split, cropped=cropped)
    faces = cut_faces(clips, system.config.crop, count, find)
    subject = make_subject(system, faces)
    checks: list[Check] = []
    with progress(len(NAMES), not (json and sys.stdout.isatty())) as show:
        found = bridge_checks(
            subject,
            reference=reference_of(system.config.bridge, reference_steps),
            other=other,
            embed=embed,
            limit_ms=max_ms,
            show=show,
        )
        checks.extend(found)
    if json:
        print_json(_plain(checks, faces, system.config.bridge))
    else:
        _print(checks, faces, system.config.bridge)
    return SPOOF if gate and any(check.passed is False for check in checks) else LIVE


def _changed(config: "BridgeConfig", solver: str | None, steps: int | None) -> "BridgeConfig":
    changes = {"solver": solver, "steps": steps}
    given = {name: value for name, value in changes.items() if value is not None}
    return type(config).parse(config.plain() | given, "--solver, --steps")


def _clips(
    manifest: Path | None, images: Path | None, dataset: str, split: str | None, *, cropped: bool
) -> "tuple[list[Clip], FindFace]":
    from despoof.data.samples import find_data_root, read_samples, select
    from despoof.evaluation.bridge_checks import faces

    if manifest is None and images is None:
        samples = select(read_samples(find_data_root(), dataset), "dev")
        clips = [faces.sample_clip(sample) for sample in samples]
        return clips, faces.bare_crop_face
    return own_clips(manifest, images, split), faces.finder(cropped=cropped)


def _plain(checks: "list[Check]", faces: "BridgeFaces", config: "BridgeConfig") -> dict[str, Any]:
    return {
        "bridge": config.plain(),
        "n_live": int(faces.live.sum()),
        "n_attack": int((~faces.live).sum()),
        "n_people": len(set(faces.groups)),
        "skipped": list(faces.skipped),
    } | plain_checks(checks)


def _print(checks: "list[Check]", faces: "BridgeFaces", config: "BridgeConfig") -> None:
    out = console()
    out.print(check_table(checks))
    text = (
        f"{config.solver}, {config.grid}, {config.steps} + {config.steps}: {counted(checks)}. "
        f"{int(faces.live.sum())} live faces and "
        f"{int((~faces.live).sum())} attacks of {len(set(faces.groups))} people"
    )
    left_out = f"; {len(faces.skipped)} pictures showed no readable face." if faces.skipped else "."
    out.print(text + left_out, markup=False)
