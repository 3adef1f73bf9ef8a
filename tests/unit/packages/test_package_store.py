"""Expected: cases 7, 8, 9, 11 and 12 (the store's half) of scramjet.md section 9; section 8 for digests and tags."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ocs_ray.core.package_index import decide, history, page, prunable, resolve, script_for, tags
from ocs_ray.errors import PackageRefusedError, PackageTakenError, UnknownPackageError
from ocs_ray.models.package_manifest import PackageManifest
from ocs_ray.models.package_names import Digest
from ocs_ray.models.package_records import IndexRefused, PackageRecord
from ocs_ray.models.prefix import Prefix
from ocs_ray.packages.archive_rules import Caps
from ocs_ray.packages.package_store import PackageStore, SendProgress, Sent

Make = Callable[..., Path]


def send(store: PackageStore, package: Path) -> Sent:
    with package.open("rb") as source:
        return store.send(source)


def labels(records: tuple[PackageRecord, ...]) -> list[str]:
    return [record.label for record in records]


def test_given_a_package_when_sent_then_it_is_kept_under_its_digest(store: PackageStore, make_package: Make) -> None:
    # case 1
    package, told = make_package(), list[SendProgress]()
    with package.open("rb") as source:
        record = store.send(source, progress=told.append).record
    assert record.label == "@example/my-sequence@0.1.1"
    assert store.archive(record.digest).read_bytes() == package.read_bytes()
    assert (store.folder(record.digest) / "index.py").read_text().startswith("\ndef count")
    assert [at.stage for at in told] == ["receive", "unpack", "check", "keep"]


def test_given_a_kept_package_when_looked_at_then_nothing_in_it_can_be_written(
    store: PackageStore, make_package: Make
) -> None:
    folder = store.folder(send(store, make_package(files={"lib/a.py": ""})).record.digest)
    assert all(p.stat().st_mode & 0o222 == 0 for p in [folder, *folder.rglob("*")])


def test_given_the_same_bytes_when_sent_again_then_the_same_id_existing_and_one_blob(
    store: PackageStore, make_package: Make, tmp_path: Path
) -> None:  # case 7
    first, again = send(store, make_package()), send(store, make_package())
    assert (first.existing, again.existing) == (False, True)
    assert again.record == first.record
    assert len(list((tmp_path / "store" / "blobs" / "sha256").iterdir())) == 1


def test_given_senders_of_the_same_bytes_at_once_when_all_are_through_then_one_was_first_and_there_is_one_blob(
    store: PackageStore, make_package: Make, tmp_path: Path
) -> None:  # case 7
    package, results, start = make_package(), list[Sent](), threading.Barrier(6)

    def one() -> None:
        start.wait(60)
        results.append(send(store, package))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(result.existing for result in results) == [False] + [True] * 5
    assert len({result.record.digest for result in results}) == 1
    assert len(list((tmp_path / "store" / "blobs" / "sha256").iterdir())) == 1
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_given_other_bytes_under_the_same_version_when_sent_then_refused_and_nothing_changes(
    store: PackageStore, make_package: Make
) -> None:  # case 8
    kept = send(store, make_package()).record
    before = store.index()
    with pytest.raises(PackageTakenError) as caught:
        send(store, make_package(description="other"))
    assert (caught.value.label, caught.value.kept) == ("@example/my-sequence@0.1.1", kept.digest)
    assert store.index() == before


def test_given_a_new_version_when_sent_then_both_are_listed_latest_moves_and_the_old_one_can_still_be_used(
    store: PackageStore, make_package: Make
) -> None:  # case 8
    old, new = send(store, make_package()).record, send(store, make_package(version="0.2.0")).record
    assert labels(store.index().packages) == ["@example/my-sequence@0.1.1", "@example/my-sequence@0.2.0"]
    assert resolve(store.index(), "@example/my-sequence") == new
    assert resolve(store.index(), "@example/my-sequence@0.1.1") == old
    assert resolve(store.index(), old.digest[:20]) == old
    assert (store.folder(old.digest) / "index.py").exists()


def test_given_tags_when_moved_then_one_more_move_rolls_back_and_the_history_is_kept(
    store: PackageStore, make_package: Make
) -> None:  # case 8
    old, new = send(store, make_package()).record, send(store, make_package(version="0.2.0")).record
    name = str(old.name)
    store.move_tag(name, "night-2026-11-21", f"{name}@0.1.1")
    store.move_tag(name, "night-2026-11-21", f"{name}@latest")
    assert resolve(store.index(), f"{name}@night-2026-11-21") == new
    assert store.roll_back(name, "night-2026-11-21") == old
    assert [move.after for move in history(store.index(), name, "night-2026-11-21")] == [
        old.digest,
        new.digest,
        old.digest,
    ]


def test_given_packages_when_listed_in_pages_then_arrivals_and_removals_move_nothing(
    store: PackageStore, make_package: Make
) -> None:  # case 9
    sent = [send(store, make_package(version=f"0.{n}.0")).record for n in range(4)]
    first = page(store.index(), limit=2)
    store.delete(sent[0].digest)
    send(store, make_package(version="0.9.0"))
    second = page(store.index(), after=first.after or 0, limit=2)
    rest = page(store.index(), after=second.after or 0, limit=2)
    assert [p.version for p in (*first.packages, *second.packages, *rest.packages)] == [
        "0.0.0",
        "0.1.0",
        "0.2.0",
        "0.3.0",
        "0.9.0",
    ]
    assert rest.after is None
    assert page(store.index(), name="other").packages == ()


def test_given_a_removed_package_when_asked_for_then_unknown_and_its_files_are_gone(
    store: PackageStore, make_package: Make, tmp_path: Path
) -> None:  # case 10, the store's half
    old, new = send(store, make_package()).record, send(store, make_package(version="0.2.0")).record
    store.delete(new.digest)
    with pytest.raises(UnknownPackageError):
        store.delete(new.digest)
    with pytest.raises(UnknownPackageError):
        store.folder(new.digest)
    assert tags(store.index(), old.name) == {"latest": old.digest}
    assert len(list((tmp_path / "store" / "unpacked").iterdir())) == 1
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_given_some_in_use_when_pruned_then_only_the_idle_ones_go(store: PackageStore, make_package: Make) -> None:
    # case 11
    used, idle = send(store, make_package()).record, send(store, make_package(version="0.2.0")).record
    unknown = Digest("sha256:" + "0" * 64)
    removed = store.prune([p.digest for p in prunable(store.index(), {used.digest})] + [unknown])
    assert removed == (idle,)
    assert store.prune([p.digest for p in prunable(store.index(), ())]) == (used,)
    assert store.index().packages == ()


def test_given_a_record_of_a_digest_when_the_tag_is_updated_then_the_old_digest_is_still_what_it_was(
    store: PackageStore, make_package: Make
) -> None:  # case 12, the store's half
    old = send(store, make_package()).record
    started_with = old.digest
    new = send(store, make_package(version="0.2.0", description="updated")).record
    assert resolve(store.index(), old.name) == new
    assert resolve(store.index(), started_with) == old


def test_given_scripts_of_a_sequencer_when_it_loads_then_it_gets_what_the_tag_points_at(
    store: PackageStore, make_package: Make
) -> None:
    script = {"obsMode": "IRIS_ImagerOnly", "subsystem": "IRIS"}
    prefix = Prefix("IRIS.IRIS_ImagerOnly")
    old = send(store, make_package(observatory=script)).record
    new = send(store, make_package(observatory={"prefix": str(prefix)}, version="0.2.0")).record
    assert script_for(store.index(), prefix) == new
    store.roll_back(old.name, "latest")
    assert script_for(store.index(), prefix) == old
    assert isinstance(script_for(store.index(), Prefix("TCS.IRIS_ImagerOnly")), IndexRefused)


def test_given_a_program_that_does_not_pass_when_sent_then_nothing_is_kept(make_package: Make, tmp_path: Path) -> None:
    def no(folder: Path, manifest: PackageManifest) -> None:
        raise PackageRefusedError(where="index.py:1", problem="no", remedy="", reason="import")

    store = PackageStore(tmp_path / "store", decide, check=no)
    with pytest.raises(PackageRefusedError):
        send(store, make_package())
    assert store.index().packages == ()
    assert [p for p in (tmp_path / "store").rglob("*") if p.is_file() and p.name != "lock"] == []


def test_given_a_stream_without_end_when_sent_then_it_is_refused_at_the_cap(tmp_path: Path) -> None:  # case 4
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"x" * size

    store = PackageStore(tmp_path / "store", decide, caps=Caps(archive_bytes=3 << 20))
    with pytest.raises(PackageRefusedError, match="more than"):
        store.send(Endless())  # pyright: ignore[reportArgumentType]
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_given_a_blob_that_changed_on_the_disk_when_unpacked_anew_then_it_is_refused(
    store: PackageStore, make_package: Make, tmp_path: Path
) -> None:
    record = send(store, make_package()).record
    other = make_package(description="other")
    place = store.folder(record.digest)
    place.chmod(0o755)
    place.rename(tmp_path / "moved-away")
    store.archive(record.digest).unlink()
    store.archive(record.digest).write_bytes(other.read_bytes())
    with pytest.raises(PackageRefusedError, match="became sha256:"):
        store.folder(record.digest)
    assert not place.exists()


SEND_AND_DIE = """
import os, signal, sys
from pathlib import Path
from ocs_ray.core.package_index import decide
from ocs_ray.packages import package_store, store_files
from ocs_ray.packages.package_store import PackageStore

def dies(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

step, store, package = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
owner, name = {
    "receiving": (store_files.os, "fsync"),
    "unpacking": (package_store, "unpack_checked"),
    "sealing": (package_store, "seal_tree"),
    "placing": (PackageStore, "_place_tree"),
    "indexing": (store_files.StoreFiles, "write_index"),
    "replacing": (store_files.os, "replace"),
}[step]
setattr(owner, name, dies)
with package.open("rb") as source:
    PackageStore(store, decide, check=lambda *a: None).send(source)
"""


@pytest.mark.parametrize("step", ["receiving", "unpacking", "sealing", "placing", "indexing", "replacing"])
def test_given_a_sender_killed_at_any_step_when_looked_at_then_nothing_is_visible_and_a_later_send_succeeds(
    step: str, store: PackageStore, make_package: Make, tmp_path: Path
) -> None:
    kept, package = send(store, make_package(version="0.0.1")).record, make_package()
    child = [sys.executable, "-c", SEND_AND_DIE, step, str(tmp_path / "store"), str(package)]
    died = subprocess.run(child, timeout=60, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert died.returncode == -signal.SIGKILL
    assert store.index().packages == (kept,)
    PackageStore(tmp_path / "store", decide, clock=lambda: 1e12).sweep()
    assert list((tmp_path / "store" / "incoming").iterdir()) == []
    assert len(list((tmp_path / "store" / "unpacked").iterdir())) == 1
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == [
        "blobs",
        "incoming",
        "index.json",
        "lock",
        "unpacked",
    ]
    sent = send(store, package)
    assert not sent.existing
    assert (store.folder(sent.record.digest) / "index.py").exists()
