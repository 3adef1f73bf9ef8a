"""Any order of sends, moves and removals against a model of a few lines.

Expected: cases 7, 8 and 11 of scramjet.md section 9.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ocs_ray.core.package_index import decide, history, page, resolve, tags
from ocs_ray.models.package_manifest import PackageManifest
from ocs_ray.models.package_names import Digest, PackageName, Tag
from ocs_ray.models.package_records import (
    AdmitPackage,
    IndexChange,
    IndexChanged,
    IndexRefused,
    MoveTag,
    PackageIndex,
    PackageRecord,
    RemovePackage,
    RollBackTag,
)
from ocs_ray.models.wire import decode_text

NAMES, VERSIONS, TAGS = ["a", "@s/b"], ["0.1.0", "0.2.0", "1.0.0-rc.1"], ["latest", "prod"]


def record(name: str, version: str, content: int) -> PackageRecord:
    digest = "sha256:" + hashlib.sha256(f"{name}{version}{content}".encode()).hexdigest()
    manifest = PackageManifest.model_validate({"name": name, "version": version, "main": "index.py"})
    return PackageRecord(
        digest=Digest(digest), manifest=manifest, size_bytes=1, unpacked_bytes=1, files=1, created_unix_s=0.0
    )


class Store(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.index = PackageIndex()
        self.kept: dict[str, str] = {}  # label -> digest
        self.points: dict[tuple[str, str], list[str | None]] = {}  # tag -> where it was, the last is where it is

    def apply(self, change: IndexChange) -> IndexChanged | IndexRefused:
        answer = decide(self.index, change)
        if isinstance(answer, IndexChanged):
            self.index = answer.index
        return answer

    def point(self, name: str, tag: str, digest: str | None) -> None:
        before = self.points.setdefault((name, tag), [None])
        if before[-1] != digest:
            before.append(digest)

    @rule(name=st.sampled_from(NAMES), version=st.sampled_from(VERSIONS), content=st.integers(0, 1))
    def send(self, name: str, version: str, content: int) -> None:
        offered = record(name, version, content)
        answer = self.apply(AdmitPackage(record=offered))
        known = self.kept.get(offered.label)
        if known is None:
            assert isinstance(answer, IndexChanged)
            assert not answer.existing
            self.kept[offered.label] = offered.digest
            self.point(name, "latest", offered.digest)
        elif known == offered.digest:
            assert isinstance(answer, IndexChanged)
            assert answer.existing
        else:
            assert isinstance(answer, IndexRefused)
            assert answer.reason == "taken"

    @rule(name=st.sampled_from(NAMES), tag=st.sampled_from(TAGS), version=st.sampled_from(VERSIONS))
    def move(self, name: str, tag: str, version: str) -> None:
        to = f"{name}@{version}"
        answer = self.apply(MoveTag(name=PackageName(name), tag=Tag(tag), to=to, at_unix_s=0.0))
        assert isinstance(answer, IndexChanged) == (to in self.kept)
        if to in self.kept:
            self.point(name, tag, self.kept[to])

    @rule(name=st.sampled_from(NAMES), tag=st.sampled_from(TAGS))
    def roll_back(self, name: str, tag: str) -> None:
        answer = self.apply(RollBackTag(name=PackageName(name), tag=Tag(tag), at_unix_s=0.0))
        before = ([None, None, *self.points.get((name, tag), [])])[-2]
        assert isinstance(answer, IndexChanged) == (before in self.kept.values())
        if before in self.kept.values():
            self.point(name, tag, before)

    @rule(name=st.sampled_from(NAMES), version=st.sampled_from(VERSIONS))
    def remove(self, name: str, version: str) -> None:
        digest = self.kept.pop(f"{name}@{version}", None)
        answer = self.apply(RemovePackage(digest=Digest(digest or "sha256:" + "f" * 64), at_unix_s=0.0))
        assert isinstance(answer, IndexChanged) == (digest is not None)
        newest = [p.digest for p in self.index.packages if p.name == name][-1:] or [None]
        for (owner, tag), where in list(self.points.items()):
            if owner == name and digest is not None and where[-1] == digest:
                self.point(name, tag, newest[0] if tag == "latest" else None)

    @invariant()
    def labels_and_tags_are_those_of_the_model(self) -> None:
        assert {p.label: p.digest for p in self.index.packages} == self.kept
        now = {(n, t): d for n in NAMES for t, d in tags(self.index, n).items()}
        assert now == {key: where[-1] for key, where in self.points.items() if where[-1] is not None}

    @invariant()
    def every_tag_resolves_and_its_history_is_a_chain(self) -> None:
        for name in NAMES:
            for tag, digest in tags(self.index, name).items():
                found = resolve(self.index, f"{name}@{tag}")
                assert isinstance(found, PackageRecord)
                assert found.digest == digest
            for tag in TAGS:
                moves = history(self.index, name, tag)
                assert all(one.after == two.before for one, two in pairwise(moves))

    @invariant()
    def pages_together_are_the_list(self) -> None:
        found, after = list[PackageRecord](), 0
        while True:
            part = page(self.index, after=after, limit=2)
            found += part.packages
            if part.after is None:
                break
            after = part.after
        assert tuple(found) == self.index.packages

    @invariant()
    def written_and_read_it_is_the_same(self) -> None:
        assert decode_text(PackageIndex, self.index.model_dump_json(by_alias=True)) == self.index


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
