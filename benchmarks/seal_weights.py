"""Seal the shipped weights, and list their seals in src/despoof/weights/shipped.py.

    python benchmarks/seal_weights.py      # after every publishing

A folder whose record lacks the hash of its configuration or the seal gets them, if it passes its
own checks; nothing else of the record changes. A shipped name is loaded only with the seal that the
code lists, so this is the last step of adding or changing a set.
"""

from pathlib import Path

from despoof.weights import shipped
from despoof.weights.check import check_folder
from despoof.weights.record import RECORD, seal_record
from despoof.weights.registry import FILES

LISTING = '''"""The seals of the weights in the package; written by benchmarks/seal_weights.py.

A shipped name is loaded only with this seal: no exchanged file, setting or threshold goes by it.
"""

SEALS: dict[str, str] = {{
{lines}}}
'''


def seal_all(files: Path = FILES) -> dict[str, str]:
    """Seal every folder below `files`; return the seals by name, in alphabetical order."""
    seals: dict[str, str] = {}
    for path in sorted(files.glob(f"*/{RECORD}")):
        check_folder(path.parent)
        seals[path.parent.name] = str(seal_record(path.parent).seal)
    return seals


def listing(seals: dict[str, str]) -> str:
    """Return the text of `shipped.py`."""
    lines = "".join(f'    "{name}": "{seal}",\n' for name, seal in seals.items())
    return LISTING.format(lines=lines)


def main() -> None:
    """Seal and list."""
    seals = seal_all()
    Path(shipped.__file__).write_text(listing(seals), encoding="utf-8")
    for name, seal in seals.items():
        print("kept" if shipped.SEALS.get(name) == seal else "new ", name, seal)


if __name__ == "__main__":
    main()
