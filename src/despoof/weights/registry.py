"""The weights that come with the package, and how a name or a path becomes a checked folder."""

import difflib
import re
from pathlib import Path

from despoof.core.errors import WeightsError
from despoof.weights.check import check_folder
from despoof.weights.record import CONFIG, PARTS, README, RECORD, Record, read_record
from despoof.weights.shipped import SEALS

FILES = Path(__file__).parent / "files"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def records() -> dict[str, Record]:
    """Return the records of all weights in the package, by name, in alphabetical order.

    Raises:
        WeightsError: a shipped record is damaged or its name is not its folder's.
    """
    found: dict[str, Record] = {}
    for path in sorted(FILES.glob(f"*/{RECORD}")):
        record = read_record(path.parent)
        if record is None or record.name != path.parent.name:
            raise WeightsError(f"{path} is not the record of {path.parent.name!r}. Reinstall.")
        found[record.name] = record
    return found


def resolve(
    name_or_path: str | Path, *, system: str | None = None, allow_download: bool = False
) -> Path:
    """Return the checked folder of a registered name, a local folder, or a Hugging Face repository.

    A registered name wins over a folder of the same name; write "./name" for the folder.

    Args:
        name_or_path: e.g. "face-despoofing", "runs/mine", or "org/name".
        system: the system that the weights must be of; None = any.
        allow_download: fetch "org/name" over the network if it is not a local path.

    Raises:
        WeightsError: there are no such weights, they fail `check_folder`, or they bear a shipped
            name and are not what was shipped.
    """
    known = records()
    if str(name_or_path) in known:
        folder = FILES / str(name_or_path)
        _check_shipped(known[str(name_or_path)])
    elif Path(name_or_path).expanduser().is_dir():
        folder = Path(name_or_path).expanduser()
    elif isinstance(name_or_path, str) and _HUB_NAME.fullmatch(name_or_path):
        folder = _download(name_or_path, allow_download)
    else:
        near = difflib.get_close_matches(str(name_or_path), known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"No weights named {str(name_or_path)!r}, and no such folder.{hint} "
            f"Known names: {', '.join(known) or 'none'}."
        )
    check_folder(folder, system)
    return folder


def _check_shipped(record: Record) -> None:
    """A shipped name stands for one set of weights with one threshold: the one listed in code."""
    expected = SEALS.get(record.name)
    if record.seal is None or record.seal != expected:
        raise WeightsError(
            f"{FILES / record.name / RECORD} has the seal {record.seal or '- (none)'}, this "
            f"version of despoof ships {record.name!r} with {expected or '- (it lists none)'}. "
            "Reinstall; for weights of your own give their folder (after publishing a set: "
            "python benchmarks/seal_weights.py)."
        )


def _download(name: str, allowed: bool) -> Path:
    if not allowed:
        raise WeightsError(
            f"No folder {name!r} here. If it is a Hugging Face repository, allow the download "
            "(allow_download=True); nothing is fetched unasked."
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        wanted = [CONFIG, PARTS, README, RECORD]
        return Path(snapshot_download(name, allow_patterns=wanted))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise WeightsError(
            f"{name!r} could not be downloaded: {error}. Check the name and the network, or fetch "
            "the folder yourself and give its path."
        ) from error
