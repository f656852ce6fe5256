"""Protocols across datasets: leave one of four out, limited sources, CASIA against Replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from despoof.core.errors import DataError
from despoof.data.datasets import casia_mfsd, msu_mfsd
from despoof.data.datasets.contract import Division, Protocol
from despoof.data.datasets.dividing import carve_dev, published
from despoof.data.manifest import Clip

CASIA, MSU, REPLAY, OULU = "casia-mfsd", "msu-mfsd", "replay-attack", "oulu-npu"
SIZES = {CASIA: (150, 450), MSU: (70, 210), REPLAY: (140, 700), OULU: (720, 2880)}
"""Live and attack videos, without the dev splits of Replay-Attack and OULU-NPU."""
DEV_SIZES = {CASIA: (0, 0), MSU: (0, 0), REPLAY: (60, 300), OULU: (270, 1080)}
CARVED = {
    CASIA: (casia_mfsd.DEV_SUBJECTS, (3, 9)),
    MSU: (msu_mfsd.DEV_SUBJECTS, (2, 6)),
}
"""Train people who are dev where no source has a dev split, and the clips that each has."""
_ORACLE = (
    "Published convention: nothing is left for a threshold or for choosing weights, so papers "
    "take both from the target. That is an oracle; the -strict twin is the honest one."
)


@dataclass(frozen=True)
class Cross:
    """A protocol and the datasets whose clips it needs."""

    protocol: Protocol
    needs: frozenset[str]


def cross_protocols(there: set[str]) -> dict[str, Protocol]:
    """Return the protocols for whose datasets there are clips.

    Args:
        there: names of datasets.
    """
    return {name: cross.protocol for name, cross in CROSS.items() if cross.needs <= there}


def _pick(clips: Sequence[Clip], *datasets: str, split: str = "") -> tuple[Clip, ...]:
    """Return a dataset's clips of a split; without one all but dev."""
    kept = tuple(
        clip
        for clip in clips
        if clip.dataset in datasets and (clip.split == split if split else clip.split != "dev")
    )
    lacking = [name for name in datasets if not any(clip.dataset == name for clip in kept)]
    if lacking:
        raise DataError(
            f"The manifests have no {split or 'train or test'} clips of {', '.join(lacking)}. "
            "Give the manifests of all datasets of this protocol, made by despoof data index."
        )
    unsplit = next((clip.name for clip in kept if not clip.split), None)
    if unsplit is not None:
        raise DataError(f"{unsplit} has no split. Make the manifest by despoof data index.")
    return kept


def _published(clips: Sequence[Clip], sources: Sequence[str], target: str) -> Division:
    return Division(_pick(clips, *sources), (), _pick(clips, target), (_ORACLE,))


def _strict(clips: Sequence[Clip], sources: Sequence[str], target: str) -> Division:
    owners = [name for name in sources if DEV_SIZES[name][0]]
    if owners:
        dev = _pick(clips, *owners, split="dev")
        note = f"Train and test as published; dev is the dev split of {' and '.join(owners)}."
        return Division(_pick(clips, *sources), dev, _pick(clips, target), (note,))
    whole = Division(_pick(clips, *sources), (), _pick(clips, target))
    for name in sources:
        people = CARVED[name][0]
        note = f"No source has a dev split: people {', '.join(people)} of {name} are dev."
        ours = tuple(clip for clip in whole.train if clip.dataset == name)
        rest = tuple(clip for clip in whole.train if clip.dataset != name)
        part = carve_dev(Division(ours, (), ()), people, note)
        notes = (*whole.notes, *part.notes)
        whole = Division(rest + part.train, whole.dev + part.dev, whole.test, notes)
    return whole


def _one_to_one(
    clips: Sequence[Clip], source: str, dev: tuple[str, str], target: str, note: str
) -> Division:
    return Division(
        train=_pick(clips, source, split="train"),
        dev=_pick(clips, dev[0], split=dev[1]),
        test=_pick(clips, target, split="test"),
        notes=(note,),
    )


def _total(names: Sequence[str], sizes: Mapping[str, tuple[int, int]] = SIZES) -> str:
    return "/".join(str(sum(sizes[name][side] for name in names)) for side in (0, 1))


def _family(name: str, sources: Sequence[str], target: str, source: str) -> dict[str, Cross]:
    """Return a protocol in the published convention, and its strict twin."""
    test = _total([target])
    live, attack = (sum(SIZES[one][side] for one in sources) for side in (0, 1))
    dev, rest = _total(sources, DEV_SIZES), f"{live}/{attack}"
    if dev == "0/0":  # nobody has a dev split: people of train are
        held = [(len(CARVED[one][0]), *CARVED[one][1]) for one in sources]
        away = [sum(people * each[side] for people, *each in held) for side in (0, 1)]
        dev, rest = f"{away[0]}/{away[1]}", f"{live - away[0]}/{attack - away[1]}"
    kinds = (
        (name, _published, f"{live}/{attack} 0/0 {test}"),
        (f"{name}-strict", _strict, f"{rest} {dev} {test}"),
    )
    return {
        called: Cross(
            Protocol(
                called,
                partial(divide, sources=tuple(sources), target=target),
                published(sizes),
                source,
            ),
            frozenset((*sources, target)),
        )
        for called, divide, sizes in kinds
    }


def _all() -> dict[str, Cross]:
    found: dict[str, Cross] = {}
    for target in SIZES:
        sources = [name for name in SIZES if name != target]
        found |= _family(f"ocim-to-{target}", sources, target, "SSDG, CVPR 2020; AG-FAS's code")
    for target in (REPLAY, OULU):
        source = "limited source, after Jia et al. 2020: unverified"
        found |= _family(f"limited-to-{target}", (MSU, CASIA), target, source)
    pairs = (
        ("casia-to-replay", CASIA, (CASIA, "test"), REPLAY, "60/180 90/270 80/400"),
        ("replay-to-casia", REPLAY, (REPLAY, "dev"), CASIA, "60/300 60/300 90/270"),
    )
    for name, source, dev, target, sizes in pairs:
        note = f"dev is {dev[0]}'s {dev[1]} split; papers also take the target's EER threshold"
        divide = partial(_one_to_one, source=source, dev=dev, target=target, note=note)
        origin = "the datasets' splits; of two conventions, the threshold of the source"
        found[name] = Cross(
            Protocol(name, divide, published(sizes), origin), frozenset((source, target))
        )
    return found


CROSS = _all()
"""Every cross-dataset protocol by name."""
