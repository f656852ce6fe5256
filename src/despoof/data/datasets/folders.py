"""A user's own set: folders called live and attack (or alike), or a table."""

from pathlib import Path

from despoof.core.cells import LABELS, SPLIT_WORDS, plain_word, say, translation
from despoof.core.errors import DataError
from despoof.data.datasets.contract import Dataset, Index
from despoof.data.datasets.tree import file_names, problem, with_suffix
from despoof.data.manifest import Clip, read_manifest
from despoof.media.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES

NAME = "folders"
TITLE = "folders of your own"
LAYOUT = """\
[train|dev|test/]{live|attack}/[<species>/]<anything>.jpg, .mp4, …
or a table (.csv, .parquet) with the columns path and label"""


def index(root: Path) -> Index:
    """Find pictures and videos; the first folders that are called so give label and split.

    The first folder below the label's is an attack's species. A table is read as it is.

    Raises:
        DataError: there is no such folder or table, or no folder in it is called live or attack.
    """
    if root.is_file():
        return Index(tuple(read_manifest(root)))
    if not root.is_dir():
        raise DataError(f"There is no folder or table {root}. Give one that holds this:\n{LAYOUT}")
    media = with_suffix(file_names(root), IMAGE_SUFFIXES | VIDEO_SUFFIXES)
    clips: list[Clip] = []
    loose: list[str] = []
    words = {folder for name in media for folder in name.split("/")[:-1]}
    for name in media:
        clip = _clip(root, name)
        loose += [name] if clip is None else []
        clips += [] if clip is None else [clip]
    if not clips:
        raise DataError(
            f"{root} holds no picture or video below a folder that is called "
            f"{', '.join(LABELS)}. Expected:\n{LAYOUT}"
        )
    say(translation(words, words))
    return Index(
        tuple(clips),
        problem("files below no folder called live or attack", loose, "They are left out."),
    )


def _clip(root: Path, name: str) -> Clip | None:
    folders = name.split("/")[:-1]
    place = next((i for i, folder in enumerate(folders) if plain_word(folder) in LABELS), None)
    if place is None:
        return None
    label = LABELS[plain_word(folders[place])]
    words = map(plain_word, folders)
    splits = (SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS)
    kinds = (folder for folder in folders[place + 1 :] if plain_word(folder) not in SPLIT_WORDS)
    return Clip(
        path=root / name,
        name=name,
        label=label,
        dataset=NAME,
        species="live" if label == "live" else next(kinds, ""),
        split=next(splits, ""),
    )


DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    reference="",
    terms="yours",
)
