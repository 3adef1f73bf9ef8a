"""Each attack by name, with the reason it is refused for.

Expected: case 4 of scramjet.md section 9; S3 and S4 of reliability.md.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ocs_ray.errors import PackageRefusedError
from ocs_ray.packages import unpack_child
from ocs_ray.packages.archive_rules import HOUSE_CAPS, Caps, Reason
from ocs_ray.packages.checked_archive import manifest_of, unpack_checked
from ocs_ray.packages.extraction import extract

from .processor_time import least_processor_s

Make = Callable[..., Path]
REFUSAL_S = 2.0


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


SINGLE: dict[str, tuple[tarfile.TarInfo, Reason]] = {
    "an absolute path": (info("/tmp/x"), Reason.ABSOLUTE_PATH),
    "a step up": (info("a/../../x"), Reason.PARENT_PATH),
    "a symbolic link": (info("x", tarfile.SYMTYPE, "/etc/passwd"), Reason.LINK),
    "a symbolic link that stays inside": (info("x", tarfile.SYMTYPE, "y"), Reason.LINK),
    "a hard link": (info("x", tarfile.LNKTYPE, "package.json"), Reason.LINK),
    "a link with a long target": (info("x", tarfile.SYMTYPE, "y" * 200), Reason.LINK),
    "a character device": (info("x", tarfile.CHRTYPE), Reason.SPECIAL_FILE),
    "a block device": (info("x", tarfile.BLKTYPE), Reason.SPECIAL_FILE),
    "a fifo": (info("x", tarfile.FIFOTYPE), Reason.SPECIAL_FILE),
    "a sparse file": (info("x", tarfile.GNUTYPE_SPARSE), Reason.SPECIAL_FILE),
    "set-uid": (info("x", mode=0o4755), Reason.SET_UID),
    "set-gid": (info("x", mode=0o2755), Reason.SET_UID),
    "a set-uid folder": (info("x", tarfile.DIRTYPE, mode=0o4755), Reason.SET_UID),
    "a control character": (info("a\x1bb"), Reason.ODD_NAME),
    "a name that reads backwards": (info("a\u202eyp.exe"), Reason.ODD_NAME),
    "a reserved name": (info("aux.py"), Reason.ODD_NAME),
    "a backslash": (info("a\\..\\b"), Reason.ODD_NAME),
    "sixteen folders": (info("d/" * 16 + "f"), Reason.DEPTH),
    "a long name": (info("n" * 256), Reason.NAME_LENGTH),
    "a long path": (info(("p" * 200 + "/") * 6 + "f"), Reason.NAME_LENGTH),
}


def refused_reason(file: Path, target: Path, caps: Caps = HOUSE_CAPS) -> str:
    """The reason, with everything that has to hold for any refusal."""
    before = sorted(p.name for p in target.parent.iterdir())

    def unpack() -> str:
        with pytest.raises(PackageRefusedError) as caught:
            unpack_checked(file, target, caps)
        assert sorted(p.name for p in target.parent.iterdir()) == before
        return caught.value.reason

    reason, took_s = least_processor_s(unpack, REFUSAL_S)
    assert took_s < REFUSAL_S
    return reason


@pytest.mark.parametrize("attack", SINGLE)
def test_given_an_attack_when_unpacked_then_it_is_refused_for_its_reason(
    attack: str, tar_of: Make, tmp_path: Path
) -> None:  # case 4
    member, reason = SINGLE[attack]
    file = tar_of((info("package.json"), b"{}"), (member, b""))
    assert refused_reason(file, tmp_path / "out") == reason


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a.py", "a.py"], Reason.DUPLICATE),
        (["a.py", "A.PY"], Reason.DUPLICATE),
        (["stra\u00dfe", "STRASSE"], Reason.DUPLICATE),
        (["e\u0301", "\u00e9"], Reason.DUPLICATE),
        (["a", "a/b"], Reason.DUPLICATE),
        (["a/b", "a"], Reason.DUPLICATE),
        (["a/b", "A/c"], Reason.DUPLICATE),
    ],
)
def test_given_paths_that_meet_when_unpacked_then_the_second_is_refused(
    names: list[str], reason: Reason, tar_of: Make, tmp_path: Path
) -> None:  # case 4
    assert refused_reason(tar_of(*((info(name), b"") for name in names)), tmp_path / "out") == reason


def test_given_the_link_walk_of_cve_2025_4517_when_unpacked_then_the_first_link_ends_it(
    tar_of: Make, tmp_path: Path
) -> None:  # case 4; tarfile's filter="data" on Python 3.11.7 writes outside with this shape
    deep = "/".join("d" * 50 for _ in range(5))
    members = [info(deep, tarfile.DIRTYPE), info("a", tarfile.SYMTYPE, deep), info("b", tarfile.SYMTYPE, "a/../../..")]
    assert refused_reason(tar_of(*((m, b"") for m in [*members, info("b/escaped")])), tmp_path / "out") == Reason.LINK


def bomb(size_mib: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = tarfile.TarInfo("zeros")
    head.size = size_mib << 20
    pieces = [packer.compress(head.tobuf()), *(packer.compress(bytes(1 << 20)) for _ in range(size_mib))]
    return b"".join([*pieces, packer.compress(bytes(1024)), packer.flush()])


def test_given_a_gzip_bomb_when_unpacked_then_it_is_refused_early(tmp_path: Path) -> None:  # case 4
    (tmp_path / "bomb.tar.gz").write_bytes(bomb(200))
    assert refused_reason(tmp_path / "bomb.tar.gz", tmp_path / "out") == Reason.RATIO


def test_given_a_member_bigger_than_the_cap_when_unpacked_then_it_is_refused(tmp_path: Path) -> None:  # case 4
    (tmp_path / "big.tar.gz").write_bytes(bomb(3))
    caps = Caps(unpacked_bytes=2 << 20, ratio=10_000)
    assert refused_reason(tmp_path / "big.tar.gz", tmp_path / "out", caps) == Reason.BYTES


def test_given_too_many_members_when_unpacked_then_it_is_refused(tar_of: Make, tmp_path: Path) -> None:  # case 4
    file = tar_of(*((info(f"f{n}"), b"") for n in range(30)))
    assert refused_reason(file, tmp_path / "out", Caps(members=29)) == Reason.MEMBERS


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda good: b"", Reason.NOT_GZIP),
        (lambda good: b"hello", Reason.NOT_GZIP),
        (lambda good: gzip.compress(b"hello" * 200), Reason.NOT_TAR),
        (lambda good: good[:-12], Reason.TRUNCATED),
        (lambda good: good[: len(good) // 2], Reason.TRUNCATED),
        (lambda good: good + b"x", Reason.TRAILING_DATA),
        (lambda good: good + good, Reason.TRAILING_DATA),
        (lambda good: gzip.compress(gzip.decompress(good) + b"x" * 512), Reason.TRAILING_DATA),
        (lambda good: gzip.compress(gzip.decompress(good)[:512]), Reason.TRUNCATED),
    ],
)
def test_given_a_damaged_file_when_unpacked_then_the_damage_is_named(
    spoil: Callable[[bytes], bytes], reason: Reason, tar_of: Make, tmp_path: Path
) -> None:  # case 4
    file = tar_of((info("package.json"), b"{}" * 500))
    file.write_bytes(spoil(file.read_bytes()))
    assert refused_reason(file, tmp_path / "out") == reason


def test_given_endless_headers_about_headers_when_unpacked_then_it_is_refused_in_time(tmp_path: Path) -> None:
    # case 4; CVE-2025-8194 made tarfile loop for ever
    block = tarfile.TarInfo("x").tobuf()
    block = block[:156] + b"g" + block[157:]
    block = block[:148] + b"%06o\0 " % (sum(block) - sum(block[148:156]) + 256) + block[156:]
    started = time.process_time()
    with pytest.raises(PackageRefusedError) as caught:
        extract(io.BytesIO(gzip.compress(block * 50_000)), tmp_path, HOUSE_CAPS)
    assert caught.value.reason == Reason.HEADER
    assert time.process_time() - started < REFUSAL_S


@pytest.mark.parametrize("options", [["-C", "source", "."], ["-C", "source", "index.py", "package.json", "lib"]])
@pytest.mark.parametrize("form", ["gnu", "pax", "ustar", "v7"])
def test_given_plain_tar_czf_of_any_owner_when_unpacked_then_it_is_accepted(
    form: str, options: list[str], make_source: Make, tmp_path: Path
) -> None:  # case 4
    source = make_source(files={"lib/a.py": "x = 1\n"})
    (source / "lib").chmod(0o2775)
    command = ["tar", "czf", "hand.tar.gz", f"--format={form}", "--owner=astronomer:1234", "--group=staff:99", *options]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    unpack_checked(tmp_path / "hand.tar.gz", tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*")}
    assert found == {"index.py", "package.json", "lib", "lib/a.py"}
    assert manifest_of(tmp_path / "out").version == "0.1.1"


def test_given_a_syntax_error_when_unpacked_then_file_and_line_are_told_and_nothing_is_left(
    tar_of: Make, tmp_path: Path
) -> None:  # case 19
    file = tar_of((info("package.json"), b"{}"), (info("lib/a.py"), b"x = 1\ndef f(:\n"))
    with pytest.raises(PackageRefusedError) as caught:
        unpack_checked(file, tmp_path / "out")
    assert (caught.value.where, caught.value.reason) == ("lib/a.py:2", Reason.SYNTAX)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "source", [b"x = '\0'\n", b"# coding: nonsense\n", b"(" * 5000, b"\xff\xfe", b"return 1\n", b"-" * 200_000 + b"1"]
)
def test_given_python_that_breaks_parsers_when_unpacked_then_it_is_a_refusal(
    source: bytes, tar_of: Make, tmp_path: Path
) -> None:  # case 19
    reason = refused_reason(tar_of((info("a.py"), source)), tmp_path / "out")
    assert reason in (Reason.SYNTAX, Reason.LIMIT)


def test_given_more_python_than_can_be_read_in_time_when_unpacked_then_it_is_refused(
    tar_of: Make, tmp_path: Path
) -> None:  # case 4
    file = tar_of((info("a.py"), b"x = 1\n" * 20), (info("b.py"), b"y = 1\n" * 20))
    assert refused_reason(file, tmp_path / "out", Caps(python_bytes=200)) == Reason.BYTES


def test_given_thousands_of_deep_files_before_a_link_when_unpacked_then_the_refusal_is_in_time(
    tar_of: Make, tmp_path: Path
) -> None:  # case 4
    files = [info("a/" * 15 + f"f{n}") for n in range(9000)]
    file = tar_of(*((member, b"") for member in [*files, info("x", tarfile.SYMTYPE, "y")]))
    assert refused_reason(file, tmp_path / "out") == Reason.LINK


def test_given_no_manifest_or_no_main_when_looked_at_then_the_reason_says_so(tmp_path: Path) -> None:  # case 2
    with pytest.raises(PackageRefusedError) as caught:
        manifest_of(tmp_path)
    assert caught.value.reason == Reason.MANIFEST
    (tmp_path / "package.json").write_text('{"name": "a", "version": "1.0.0", "main": "index.py"}')
    with pytest.raises(PackageRefusedError) as caught:
        manifest_of(tmp_path)
    assert caught.value.reason == Reason.MAIN


def test_given_a_child_that_runs_out_of_time_when_unpacking_then_it_is_a_refusal(
    tar_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # case 4
    spinning = tmp_path / "spinning_child.py"
    spinning.write_text("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)\n")
    monkeypatch.setattr(unpack_child, "__file__", str(spinning))
    with pytest.raises(PackageRefusedError) as caught:
        unpack_checked(tar_of((info("a"), b"")), tmp_path / "out")
    assert caught.value.reason == Reason.LIMIT
