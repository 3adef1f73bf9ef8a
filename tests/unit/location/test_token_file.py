from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from ocs_ray.core import token_book
from ocs_ray.errors import BadInputError, ClusterError
from ocs_ray.location.token_file import FreshTokens, TokenFile, new_token
from ocs_ray.models.access import ESW_USER, TokenBook


def _add(path: Path, name: str) -> None:
    record = token_book.new_record(name, [ESW_USER], new_token(), 1.0, None)
    TokenFile(path).change(lambda book: token_book.with_token(book, record))


def _add_some(path: Path, worker: int) -> None:
    for number in range(8):
        _add(path, f"token-{worker}-{number}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "here" / "tokens.json"


def test_given_a_token_when_made_then_it_is_long_random_and_recognisable() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("ocs_") and len(token) == 4 + 43 for token in tokens)  # 43 characters hold 256 bits


def test_given_no_file_when_read_then_there_is_no_token(path: Path) -> None:
    assert TokenFile(path).read() == TokenBook()


def test_given_a_wide_open_umask_when_written_then_file_and_folder_are_for_this_user_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        _add(path, "console")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["tokens.json"]


def test_given_a_write_that_fails_half_way_when_read_then_the_old_tokens_are_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(path, "console")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ClusterError, match="No space left"):
        _add(path, "second")
    assert [each.name for each in TokenFile(path).read().tokens] == ["console"]


def test_given_a_refused_change_when_tried_then_the_file_is_untouched(path: Path) -> None:
    _add(path, "console")
    before = path.stat()
    with pytest.raises(BadInputError):
        _add(path, "console")
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_given_several_commands_at_once_when_each_adds_tokens_then_none_is_lost(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_some, args=(path, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(TokenFile(path).read().tokens) == 32


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b'{"tokens": [{"name": "a"}]}', b"\xff"])
def test_given_a_damaged_file_when_read_then_it_is_named_and_no_token_counts(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ClusterError, match=r"tokens\.json"):
        TokenFile(path).read()
    assert FreshTokens(str(path)).book() == TokenBook()


def test_given_a_reader_when_the_file_comes_changes_and_goes_then_he_sees_it_and_reads_no_more_than_he_must(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    real = TokenFile.read
    monkeypatch.setattr(TokenFile, "read", lambda self: (reads.append(self.path), real(self))[1])
    fresh = FreshTokens(str(path))
    assert fresh.book().tokens == ()
    _add(path, "console")
    reads.clear()
    assert [len(fresh.book().tokens) for _ in range(50)] == [1] * 50
    assert len(reads) == 1
    _add(path, "second")
    assert len(fresh.book().tokens) == 2
    path.unlink()
    assert fresh.book().tokens == ()
