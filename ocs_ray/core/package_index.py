"""What may change in a store of packages: a version never changes its bytes, tags move, every move is remembered.

Source: reference scramjet.md, section 8: ``sha256:...`` is the identity, ``name@version`` immutable, tags movable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.package_names import LATEST, Digest, PackageName, PackageRef, Tag, parse_ref
from ocs_ray.models.package_records import (
    AdmitPackage,
    IndexChange,
    IndexChanged,
    IndexRefused,
    MoveTag,
    PackageIndex,
    PackagePage,
    PackageRecord,
    RemovePackage,
    RollBackTag,
    TagMove,
)
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.wire_problems import advice

_LATEST: Final = Tag(LATEST)


def decide(index: PackageIndex, change: IndexChange) -> IndexChanged | IndexRefused:
    """The index after a change, or why it cannot be made."""
    match change:
        case AdmitPackage():
            return _admit(index, change)
        case MoveTag(name=name, tag=tag, to=to):
            target = resolve(index, to)
            if isinstance(target, IndexRefused):
                return target
            if target.name != name:
                return _unknown(f"{to} of the name {name}", [p.label for p in index.packages if p.name == name])
            return IndexChanged(index=_moved(index, name, tag, target.digest, change.at_unix_s), record=target)
        case RollBackTag():
            return _roll_back(index, change)
        case RemovePackage(digest=digest):
            found = resolve(index, digest)
            if isinstance(found, IndexRefused):
                return found
            return IndexChanged(index=_without(index, found, change.at_unix_s), record=found)


def resolve(index: PackageIndex, ref: str | PackageRef) -> PackageRecord | IndexRefused:
    """The package somebody means, or a refusal that names what is near."""
    try:
        wanted = parse_ref(ref) if isinstance(ref, str) else ref
    except BadInputError as wrong:
        return IndexRefused(reason="unknown", subject=str(ref), problem=wrong.problem, remedy=wrong.remedy)
    if wanted.by == "digest":
        found = [p for p in index.packages if p.digest.startswith(wanted.text)]
        if len(found) > 1:
            problem = f"{wanted.text} begins {len(found)} digests"
            return IndexRefused(reason="unknown", subject=str(wanted), problem=problem, remedy="write more of it")
        return found[0] if found else _unknown(str(wanted), ())
    of_name = [p for p in index.packages if p.name == wanted.name]
    if not of_name:
        return _unknown(str(wanted), {p.name for p in index.packages})
    if wanted.by == "version":
        at_version = next((p for p in of_name if p.version == wanted.text), None)
        return at_version or _unknown(str(wanted), [p.label for p in of_name])
    points = tags(index, wanted.name)
    digest = points.get(Tag(wanted.text))
    tagged = next((p for p in of_name if p.digest == digest), None)
    return tagged or _unknown(str(wanted), [f"{wanted.name}@{tag}" for tag in points])


def tags(index: PackageIndex, name: str) -> dict[Tag, Digest]:
    """Where the tags of a name point now."""
    points = {move.tag: move.after for move in index.moves if move.name == name}
    return {tag: digest for tag, digest in points.items() if digest is not None}


def history(index: PackageIndex, name: str, tag: str) -> tuple[TagMove, ...]:
    """Every move of one tag, the first one first."""
    return tuple(move for move in index.moves if move.name == name and move.tag == tag)


def script_for(index: PackageIndex, prefix: Prefix, tag: str = LATEST) -> PackageRecord | IndexRefused:
    """The package a sequencer with this prefix loads: of those written for it, the one the tag was moved to last."""
    meant = {p.digest: p for p in index.packages if p.manifest.observatory.sequencer_prefix == prefix}
    current = {(move.name, move.tag): move for move in index.moves}
    for move in reversed(index.moves):
        still_there = current[move.name, move.tag] is move
        if still_there and move.tag == tag and move.after is not None and move.after in meant:
            return meant[move.after]
    return _unknown(f"for {prefix} with the tag {tag}", sorted(p.label for p in meant.values()))


def page(index: PackageIndex, *, name: str = "", after: int = 0, limit: int = 100) -> PackagePage:
    """Part of the list in the order of arrival; what comes or goes meanwhile moves nobody to another page.

    Args:
        name: only packages of this name; empty for all.
        after: serial number the page begins behind.
        limit: how many at most.
    """
    rest = [p for p in index.packages if p.serial > after and name in ("", p.name)]
    shown = tuple(rest[:limit])
    return PackagePage(packages=shown, after=shown[-1].serial if len(rest) > limit and shown else None)


def prunable(index: PackageIndex, in_use: Iterable[str]) -> tuple[PackageRecord, ...]:
    """The packages no instance uses."""
    used = set(in_use)
    return tuple(p for p in index.packages if p.digest not in used)


def _admit(index: PackageIndex, change: AdmitPackage) -> IndexChanged | IndexRefused:
    offered = change.record
    for kept in index.packages:
        if kept.digest == offered.digest:
            return IndexChanged(index=index, record=kept, existing=True)
        if kept.label == offered.label:
            problem = f"{kept.label} is {kept.digest}"
            remedy = "raise the version in package.json"
            return IndexRefused(reason="taken", subject=kept.label, problem=problem, remedy=remedy)
    record = offered.model_copy(update={"serial": index.next_serial})
    grown = index.model_copy(
        update={"packages": (*index.packages, record), "next_serial": index.next_serial + 1},
    )
    return IndexChanged(index=_moved(grown, record.name, _LATEST, record.digest, record.created_unix_s), record=record)


def _roll_back(index: PackageIndex, change: RollBackTag) -> IndexChanged | IndexRefused:
    moves = history(index, change.name, change.tag)
    present = {p.digest: p for p in index.packages}
    before = moves[-1].before if moves else None
    if before is None or before not in present:
        subject = f"that {change.name}@{change.tag} pointed at before"
        return _unknown(subject, [p.label for p in index.packages if p.name == change.name])
    moved = _moved(index, change.name, change.tag, before, change.at_unix_s)
    return IndexChanged(index=moved, record=present[before])


def _without(index: PackageIndex, gone: PackageRecord, at_unix_s: float) -> PackageIndex:
    left = tuple(p for p in index.packages if p.digest != gone.digest)
    shrunk = index.model_copy(update={"packages": left})
    newest = next((p.digest for p in reversed(left) if p.name == gone.name), None)
    for tag, digest in tags(index, gone.name).items():
        if digest == gone.digest:
            shrunk = _moved(shrunk, gone.name, tag, newest if tag == _LATEST else None, at_unix_s)
    return shrunk


def _moved(index: PackageIndex, name: PackageName, tag: Tag, to: Digest | None, at_unix_s: float) -> PackageIndex:
    before = tags(index, name).get(tag)
    if before == to:
        return index
    move = TagMove(name=name, tag=tag, before=before, after=to, at_unix_s=at_unix_s)
    return index.model_copy(update={"moves": (*index.moves, move)})


def _unknown(subject: str, near: Iterable[str]) -> IndexRefused:
    names = sorted(near)
    remedy = advice(subject, names) if names else "see 'ocs seq list'"
    return IndexRefused(reason="unknown", subject=subject, problem="there is no such package", remedy=remedy)
