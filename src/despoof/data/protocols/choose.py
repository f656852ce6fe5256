"""Which protocols a manifest can be divided by, and one of them by name."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Division, Protocol
from despoof.data.datasets.dividing import by_split
from despoof.data.datasets.registry import datasets
from despoof.data.manifest import Clip
from despoof.data.protocols.cross import CROSS, cross_protocols
from despoof.data.protocols.parts import by_person
from despoof.data.protocols.unseen import unseen_protocols


def protocols_for(clips: Sequence[Clip]) -> Mapping[str, Protocol]:
    """Return every protocol that is meant for clips of these datasets, by name.

    These are the dataset's own (for clips of one dataset) or the cross-dataset ones (of several),
    and for any clips `all`, `given`, `by-person` and one `unseen-…` for each kind of attack.
    """
    there = {clip.dataset for clip in clips}
    own = datasets()[min(there)].protocols if len(there) == 1 and there <= {*datasets()} else {}
    return {**own, **cross_protocols(there), **GENERAL, **unseen_protocols(clips)}


def protocol_named(clips: Sequence[Clip], name: str) -> Protocol:
    """Return one of `protocols_for(clips)`.

    Raises:
        DataError: there is none of that name; the message names the nearest and all.
    """
    known = protocols_for(clips)
    if name in known:
        return known[name]
    there = {clip.dataset for clip in clips}
    if name in CROSS:
        lacking = ", ".join(sorted(CROSS[name].needs - there))
        raise DataError(f"{name} needs clips of {lacking}, too. Give the manifests of all.")
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    sets = " with ".join(sorted(one or "(no dataset)" for one in there))
    raise DataError(f"{sets} has no protocol {name!r}.{hint} Known: {', '.join(known)}.")


def _all(clips: Sequence[Clip]) -> Division:
    return Division((), (), tuple(clips))


def _given(clips: Sequence[Clip]) -> Division:
    return by_split([clip for clip in clips if clip.split], "a manifest with splits")


GENERAL: Mapping[str, Protocol] = {
    "all": Protocol("all", _all, None, "everything is test"),
    "by-person": Protocol("by-person", by_person, None, "people by a hash of their name: ours"),
    "given": Protocol("given", _given, None, "the manifest's own splits", disjoint=False),
}
