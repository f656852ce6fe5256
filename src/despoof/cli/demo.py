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
from despoof.core.defaults import DEFAULT_WEIGHTS

EXAMPLE = "Example: despoof demo -o demo"
NOTE = (
    "Print, telephone and camera are simulated from a public-domain portrait. The two attacks were "
    "chosen among those that the shipped weights get right: they show what the program does, not "
    "how good it is."
)


def demo(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="For the evidence pictures.")
    ] = Path("demo"),
    weights: WeightsOption = DEFAULT_WEIGHTS,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Check a portrait, a print of it and a telephone that shows it, and draw the evidence.

    All three are simulated from one public-domain portrait, by the same camera.

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
        console().print(NOTE, style="dim")
        for path in folder.written:
            console().print(str(path), markup=False)
    return UNDECIDED if folder.failed else LIVE
