"""Who takes part: peers whose files are there, tables of scores, weights of ours."""

from collections.abc import Sequence
from pathlib import Path

from despoof.core.errors import InputError, WeightsError
from despoof.core.files import sha256
from despoof.systems.saving import MODEL
from despoof.weights.registry import FILES
from peers import face_antispoof, minifasnet, ours, score_csv
from peers.contract import Candidate

ROOT = Path(__file__).parents[2]
PEERS = ROOT.parent / "shared" / "peers"
RUNS = ("texture*", "face_despoofing*")


def public(folder: Path) -> tuple[list[Candidate], list[str]]:
    """Return the public peers whose files are in the folder, and why the others are not here."""
    found: list[Candidate] = []
    skipped: list[str] = []
    for adapter in (minifasnet, face_antispoof):
        try:
            found.append(adapter.candidate(folder))
        except WeightsError as error:
            skipped.append(str(error))
    return found, skipped


def named(pairs: Sequence[str], option: str) -> dict[str, Path]:
    """Read `name=path` options.

    Raises:
        InputError: one has no name, no path, or a name that was there before.
    """
    found: dict[str, Path] = {}
    for text in pairs:
        name, _, path = text.partition("=")
        if not name or not path or name in found:
            raise InputError(f"{option} {text!r}: expected name=path, every name once.")
        found[name] = Path(path)
    return found


def default_weights(shipped: Path = FILES, runs: Path = ROOT / "runs") -> dict[str, Path]:
    """Return the shipped weights, and the runs' that are not the same file again."""
    folders = {f"{path.name} (shipped)": path for path in sorted(shipped.iterdir())}
    for pattern in RUNS:
        folders |= {path.parent.name: path for path in sorted(runs.glob(f"{pattern}/weights"))}
    found: dict[str, Path] = {}
    seen: set[str] = set()
    for name, folder in folders.items():
        if (folder / MODEL).is_file() and (digest := sha256(folder / MODEL)) not in seen:
            seen.add(digest)
            found[name] = folder
    return found


def gather(
    peers: Path, weights: dict[str, Path], tables: dict[str, Path]
) -> tuple[list[Candidate], list[str]]:
    """Return all candidates and what was skipped.

    Raises:
        WeightsError: weights of ours cannot be read.
        DataError: a table cannot be read.
        InputError: two candidates have one name.
    """
    found, skipped = public(peers)
    found += [score_csv.candidate(name, path) for name, path in tables.items()]
    found += [ours.candidate(name, path) for name, path in weights.items()]
    names = [candidate.name for candidate in found]
    if again := {name for name in names if names.count(name) > 1}:
        raise InputError(f"Two candidates are called {', '.join(again)}; give one another name.")
    return found, skipped
