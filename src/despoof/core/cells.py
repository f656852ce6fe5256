"""What every table's cells have in common: words for labels and splits, numbers, guarded text.

One table of synonyms serves manifests, score files and folders. A cell that a spreadsheet would
run as a formula is guarded when it is written, and read back as it was.
"""

import logging
import re
from collections.abc import Iterable

from despoof.core.types import Label

SPLITS = ("train", "dev", "test")
LABELS: dict[str, Label] = {
    **dict.fromkeys(("live", "real", "genuine", "bonafide", "client"), "live"),
    **dict.fromkeys(("attack", "attacks", "spoof", "fake", "imposter", "impostor"), "attack"),
}
"""Words for the classes, lower case without - _ and spaces."""
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "val", "valid", "validation"), "dev"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""Words for the splits, in the same form."""

_DANGER = "=+-@\t\r＝＋－＠"
_GUARD = "'"
_TO_GUARD = re.compile(f"{_GUARD}*[{re.escape(_DANGER)}]")
_GUARDED = re.compile(f"{_GUARD}+[{re.escape(_DANGER)}]")
_NUMBERS = re.compile(r"(?:(?:^|[ ,]+)[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)+")


def plain_word(word: str) -> str:
    """Return a word as `LABELS` and `SPLIT_WORDS` have it.

    >>> plain_word(" Bona-Fide")
    'bonafide'
    """
    return re.sub(r"[-_ ]", "", word.strip().lower())


def label_of(word: str) -> Label | None:
    """Return the label that a word stands for; None where it is unknown, as 0 and 1 are.

    >>> label_of("Genuine"), label_of("spoof"), label_of("1")
    ('live', 'attack', None)
    """
    return LABELS.get(word) or LABELS.get(plain_word(word))


def split_of(word: str) -> str | None:
    """Return the split that a word stands for, "" of an empty cell; None where it is unknown.

    >>> split_of("validation"), split_of("Eval"), split_of(""), split_of("fold 3")
    ('dev', 'test', '', None)
    """
    word = plain_word(word)
    return SPLIT_WORDS.get(word) if word else ""


def unknown_label(word: str, remedy: str) -> str:
    """Return what to say of a label that `label_of` does not know.

    Args:
        word: the label.
        remedy: what to do, a sentence.
    """
    if re.fullmatch(r"[+-]?[0-9.]+|true|false|yes|no", plain_word(word)):
        return (
            f"label {word!r} does not say which class is live: in many sets 1 is the attack, in "
            f"others the live class. {remedy}"
        )
    return (
        f"label {word!r} is unknown. Use live or attack (known besides: "
        f"{_others(LABELS, ('live', 'attack'))}). {remedy}"
    )


def unknown_split(word: str) -> str:
    """Return what to say of a split that `split_of` does not know."""
    return (
        f"split {word!r} is unknown. Use {', '.join(SPLITS)} or nothing (known besides: "
        f"{_others(SPLIT_WORDS, SPLITS)})."
    )


def translation(labels: Iterable[str], splits: Iterable[str] = ()) -> str:
    """Say which words were read as which; "" where all are our own or unknown.

    >>> translation({"real", "attack"}, {"eval", ""})
    "Other words: label 'real' was read as live; split 'eval' was read as test."
    """
    said = [
        f"{column} {word!r} was read as {meant}"
        for column, words, meaning in (("label", labels, label_of), ("split", splits, split_of))
        for word in sorted(words)
        if (meant := meaning(word)) is not None and meant != word.strip()
    ]
    return f"Other words: {'; '.join(said)}." if said else ""


def say(text: str) -> None:
    """Tell the user, on stderr if the program does not say otherwise; "" says nothing."""
    if text:
        logging.getLogger("despoof").warning(text)


def plain_number(cell: str) -> float:
    """Read a number that is written in ASCII without underscores; also nan and inf.

    Python's `float` takes "1_0" and digits of every script, which other programs read otherwise.

    Raises:
        ValueError: it is no such number.

    >>> plain_number(" -1.5e3 ")
    -1500.0
    """
    if "_" in cell or not cell.isascii():
        raise ValueError(f"{cell!r} is no number in ASCII digits without underscores")
    return float(cell)


def guarded(cell: str) -> str:
    """Return text that no spreadsheet runs: with ' before what begins with = + - @ or a tab.

    Numbers, also several with spaces or commas between, stay as they are. `restored` gives the
    text back.

    >>> guarded("=1+1"), guarded("-4 1.5"), guarded("'=x"), guarded("a=b")
    ("'=1+1", '-4 1.5', "''=x", 'a=b')
    """
    if _TO_GUARD.match(cell) and not _NUMBERS.fullmatch(cell):
        return _GUARD + cell
    return cell


def restored(cell: str) -> str:
    """Return the text that `guarded` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


def _others(words: Iterable[str], own: Iterable[str]) -> str:
    return ", ".join(word for word in words if word not in own)
