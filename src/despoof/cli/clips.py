"""What a command that reads a manifest, or two folders in its stead, has in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from despoof.data.manifest import Clip

ManifestArgument = Annotated[
    Path | None,
    typer.Argument(metavar="MANIFEST", help="CSV or Parquet table: path, label, species, …"),
]
LiveOption = Annotated[
    Path | None, typer.Option("--live", metavar="DIR", help="Folder of live presentations.")
]
AttackOption = Annotated[
    Path | None,
    typer.Option("--attack", metavar="DIR", help="Folder of attacks; sub-folder = species."),
]
SplitOption = Annotated[
    str | None, typer.Option("--split", metavar="NAME", help="Only rows of train, dev or test.")
]
CroppedOption = Annotated[
    bool,
    typer.Option("--cropped", help="Pictures without a box are face crops, about 1.2 × the face."),
]
OwnManifestOption = Annotated[
    Path | None,
    typer.Option("--manifest", metavar="FILE", help="CSV or Parquet table: your own faces."),
]
OwnImagesOption = Annotated[
    Path | None,
    typer.Option("--images", metavar="DIR", help="Your own: a folder with live/ and attack/."),
]
ReferenceStepsOption = Annotated[
    int, typer.Option(min=4, metavar="N", help="Of the reference (DPM-Solver++), each way.")
]
DetectOption = Annotated[
    bool, typer.Option("--detect", help="Find the faces; pass over the manifest's boxes.")
]


def read_clips(
    manifest: Path | None, live: Path | None, attack: Path | None, split: str | None
) -> "list[Clip]":
    """Return the clips that were asked for.

    Raises:
        typer.BadParameter: neither a manifest nor folders, or both; a split of folders.
        InputError: there is no such manifest or folder.
        DataError: see `despoof.data.manifest`.
    """
    from despoof.core.errors import InputError
    from despoof.data.manifest import from_folders, of_split, read_manifest

    folders = [folder for folder in (live, attack) if folder is not None]
    if (manifest is None) == (not folders):
        raise typer.BadParameter("give a MANIFEST, or folders with --live and --attack.")
    for place in filter(None, (manifest, *folders)):
        if not place.exists():
            raise InputError(f"There is no file or folder {place}. Check the path.")
    if manifest is None:
        if split is not None:
            raise typer.BadParameter("--split is for a MANIFEST; folders have no splits.")
        return from_folders(live, attack)
    clips = read_manifest(manifest)
    return clips if split is None else of_split(clips, split)


def check_own(manifest: Path | None, images: Path | None, split: str | None) -> None:
    """Refuse, before anything is loaded, own faces that `own_clips` could not read.

    Raises:
        typer.BadParameter: manifest and folder both, or a split without a manifest.
    """
    if manifest is not None and images is not None:
        raise typer.BadParameter("--manifest and --images were both given; name one.")
    if split is not None and manifest is None:
        raise typer.BadParameter("--split is for a --manifest.")


def own_clips(manifest: Path | None, images: Path | None, split: str | None) -> "list[Clip]":
    """Return the clips of a manifest, or of a folder with live/ and attack/; as `read_clips`."""
    if images is not None:
        return read_clips(None, images / "live", images / "attack", None)
    return read_clips(manifest, None, None, split)
