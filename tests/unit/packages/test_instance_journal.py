"""The journal of instances on a disk that is full for a while."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import InstanceChanged
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.package_names import Digest, PackageName, PackageVersion
from ocs_ray.packages.instance_journal import InstanceJournal


def entry(id_: str) -> InstanceChanged:
    digest = Digest("sha256:" + "0" * 64)
    record = InstanceRecord(
        id=Id(id_), digest=digest, name=PackageName("p"), version=PackageVersion("1.0.0"), created_unix_s=0
    )
    return InstanceChanged(record=record)


def test_given_a_line_that_a_full_disk_cut_off_when_written_on_then_only_that_line_is_lost(tmp_path: Path) -> None:
    journal = InstanceJournal(tmp_path / "journal")
    journal.begin([entry("one")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "journal").stat().st_size + 20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.append(entry("two"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append(entry("three"))
    journal.append(entry("four"))
    assert [each.record.id for each in journal.read()] == ["one", "three", "four"]
    journal.begin(journal.read())
    journal.append(entry("five"))
    journal.close()
    assert [each.record.id for each in journal.read()] == ["one", "three", "four", "five"]


def test_given_a_full_disk_when_begun_anew_then_the_old_journal_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = InstanceJournal(tmp_path / "journal")
    journal.begin([entry("one")])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ocs_ray.packages.instance_journal.write_atomically", full)
        with pytest.raises(OSError, match="No space left"):
            journal.begin([])
    journal.append(entry("two"))
    assert [each.record.id for each in journal.read()] == ["one", "two"]
