"""A configuration folder and its versions. Source: csw ConfigService.scala; what lies in the folder is active: ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.config import versioned_folder
from ocs_ray.config.versioned_folder import VersionedFolder
from ocs_ray.errors import BadInputError
from ocs_ray.models.config_messages import ConfigPath

PATH = ConfigPath("iris/filters.conf")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def folder(root: Path) -> VersionedFolder:
    return VersionedFolder(root)


def test_given_no_folder_when_looked_at_then_there_is_nothing_and_nothing_is_made(
    folder: VersionedFolder, root: Path
) -> None:
    assert folder.get(PATH) is None
    assert folder.history(PATH) == folder.list() == ()
    assert not root.exists()


def test_given_a_first_version_when_put_then_it_is_active_and_a_later_one_is_not_until_made_so(
    folder: VersionedFolder,
) -> None:
    one = folder.put(PATH, b"one")
    two = folder.put(PATH, b"two")
    assert (one.number, one.active, two.number, two.active) == (1, True, 2, False)
    assert folder.get(PATH) == b"one"
    assert folder.get(PATH, two.version) == b"two"
    folder.set_active(PATH, two.version)
    assert folder.get(PATH) == b"two"
    assert folder.get(PATH, one.version) == b"one"
    assert [(v.version, v.active) for v in folder.history(PATH)] == [(one.version, False), (two.version, True)]


def test_given_a_content_that_is_kept_already_when_put_again_then_it_is_the_same_version(
    folder: VersionedFolder,
) -> None:
    one = folder.put(PATH, b"one")
    folder.put(PATH, b"two")
    assert folder.put(PATH, b"one") == one
    assert len(folder.history(PATH)) == 2


def test_given_a_file_placed_by_hand_then_it_is_version_1_and_active_and_is_kept_when_another_comes(
    folder: VersionedFolder, root: Path
) -> None:
    (root / "iris").mkdir(parents=True)
    (root / PATH).write_bytes(b"by hand")
    (by_hand,) = folder.history(PATH)
    assert (by_hand.number, by_hand.active, by_hand.size_bytes) == (1, True, 7)
    assert folder.get(PATH) == folder.get(PATH, by_hand.version) == b"by hand"
    other = folder.put(PATH, b"other")
    folder.set_active(PATH, other.version)
    assert folder.get(PATH, by_hand.version) == b"by hand"
    assert [v.number for v in folder.history(PATH)] == [1, 2]


def test_given_an_active_file_when_edited_by_hand_then_the_edit_counts_and_what_was_before_is_kept(
    folder: VersionedFolder, root: Path
) -> None:
    one = folder.put(PATH, b"one")
    (root / PATH).write_bytes(b"edited")
    assert folder.get(PATH) == b"edited"
    assert [v.active for v in folder.history(PATH)] == [False, True]
    folder.set_active(PATH, one.version)
    assert folder.get(PATH) == b"one"
    assert len(folder.history(PATH)) == 2


def test_given_a_file_taken_away_by_hand_then_it_is_not_in_use_and_its_versions_are_still_there(
    folder: VersionedFolder, root: Path
) -> None:
    one = folder.put(PATH, b"one")
    (root / PATH).unlink()
    assert folder.get(PATH) is None
    assert folder.get(PATH, one.version) == b"one"
    (entry,) = folder.list()
    assert (entry.path, entry.active, entry.versions) == (PATH, None, 1)
    folder.set_active(PATH, one.version)
    assert folder.get(PATH) == b"one"


def test_given_several_files_when_listed_then_all_are_there_and_nothing_hidden_is(
    folder: VersionedFolder, root: Path
) -> None:
    folder.put(PATH, b"one")
    folder.put(ConfigPath("iris.conf"), b"two")
    (root / ".hidden").write_bytes(b"x")
    (root / "plain").write_bytes(b"y")
    assert [(entry.path, entry.versions) for entry in folder.list()] == [("iris.conf", 1), (PATH, 1), ("plain", 1)]


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../up", "iris/../../up", "a//b", "a/", ".versions/x", "a/.b", "a\\b", "a\nb", "x" * 300, "."],
)
def test_given_a_path_that_does_not_go_down_into_the_folder_then_it_is_refused(path: str) -> None:
    with pytest.raises(BadInputError):
        ConfigPath(path)


def test_given_a_link_that_leads_out_of_the_folder_then_it_is_neither_read_nor_written_nor_listed(
    folder: VersionedFolder, root: Path, tmp_path: Path
) -> None:
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "way").symlink_to(tmp_path)
    (root / "file").symlink_to(tmp_path / "secret")
    for path in (ConfigPath("way/secret"), ConfigPath("file")):
        with pytest.raises(BadInputError, match="leads out"):
            folder.get(path)
        with pytest.raises(BadInputError, match="leads out"):
            folder.put(path, b"x")
    assert folder.list() == ()
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_given_a_version_that_is_not_there_when_made_active_then_those_there_are_are_named(
    folder: VersionedFolder,
) -> None:
    one = folder.put(PATH, b"one")
    with pytest.raises(BadInputError, match=f"no version nine .*it has: {one.version}"):
        folder.set_active(PATH, "nine")


def test_given_a_kept_version_that_was_tampered_with_when_read_then_it_is_refused(
    folder: VersionedFolder, root: Path
) -> None:
    folder.put(PATH, b"one")
    two = folder.put(PATH, b"two")
    (kept,) = [file for file in (root / ".versions" / PATH).iterdir() if file.name.startswith("0002")]
    assert kept.stat().st_mode & 0o777 == 0o444
    kept.chmod(0o644)
    kept.write_bytes(b"forged")
    with pytest.raises(BadInputError, match="is not what was stored"):
        folder.get(PATH, two.version)


def test_given_a_write_that_fails_then_the_active_version_is_as_it_was_and_nothing_is_left_over(
    folder: VersionedFolder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put(PATH, b"one")
    two = folder.put(PATH, b"two")
    before = sorted(root.rglob("*"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(versioned_folder.os, "fsync", full)
    with pytest.raises(BadInputError, match="cannot be written: No space left"):
        folder.set_active(PATH, two.version)
    with pytest.raises(BadInputError, match="cannot be written: No space left"):
        folder.put(PATH, b"three")
    assert sorted(root.rglob("*")) == before
    assert folder.get(PATH) == b"one"


def test_given_a_path_below_a_file_or_a_content_that_is_too_large_then_it_is_refused(folder: VersionedFolder) -> None:
    folder.put(ConfigPath("iris.conf"), b"one")
    with pytest.raises(BadInputError, match="cannot be written"):
        folder.put(ConfigPath("iris.conf/below"), b"two")
    with pytest.raises(BadInputError, match="too much for a configuration file"):
        folder.put(PATH, bytes(versioned_folder.LARGEST_BYTES + 1))
