"""`despoof demo`: the embedded sample, checked and explained."""

from pathlib import Path
from typing import Annotated

import typer

from despoof.cli.evidence import EvidenceFolder
from despoof.cli.judging import answer
from despoof.cli.options import (
    LIVE,
    UNDECIDED,
    DebugOption,
    DeviceOption,
    JsonOption,
    VersionOption,
    WeightsOption,
)
from despoof.cli.output import console, print_json
from despoof.cli.table import verdict_table

EXAMPLE = "Example: despoof demo -o demo"


def demo(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="For the evidence pictures.")
    ] = Path("demo"),
    weights: WeightsOption = "face-despoofing",
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Check a portrait, a print of it and a screen that shows it, and draw the evidence.

    Exit code: 0 when the demonstration ran, whatever the verdicts; 2 when it could not.
    """
    import despoof
    from despoof.cli.inputs import Item
    from despoof.core.types import Frame
    from despoof.evaluation.sample import TRUTH, sample_pictures

    detector = despoof.load(weights, device=device)
    folder = EvidenceFolder(output)
    answers = [
        answer(detector, Item(name, taken=(Frame(picture, name),)), evidence=True)
        for name, picture in sample_pictures().items()
    ]
    for one in answers:
        folder.write(one.verdict.source, one.parts)
        if json:
            print_json(one.plain() | {"truth": TRUTH[one.verdict.source]})
    if not json:
        console().print(verdict_table(answers, TRUTH))
        console().print("The two attacks are simulated from the portrait.", style="dim")
        for path in folder.written:
            console().print(str(path), markup=False)
    return UNDECIDED if folder.failed else LIVE
