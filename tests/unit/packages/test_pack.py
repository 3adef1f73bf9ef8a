"""Expected: seed 003 (source and package) and cases 1, 2, 3 and 5 of scramjet.md section 9."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.packages.archive_rules import Caps
from ocs_ray.packages.ignore_rules import IgnoreRules
from ocs_ray.packages.manifest_peek import peek_manifest
from ocs_ray.packages.pack import PackProgress, pack

Make = Callable[..., Path]


def test_given_a_minimal_folder_when_packed_then_the_package_holds_the_two_files(
    make_source: Make, tmp_path: Path
) -> None:
    # case 1
    packed = pack(make_source(), tmp_path / "out.tar.gz")
    with tarfile.open(packed.file) as tar:
        assert tar.getnames() == ["index.py", "package.json"]
    assert packed.size_bytes == packed.file.stat().st_size
    assert packed.manifest.main == "index.py"


def test_given_no_manifest_when_packed_then_the_error_names_the_path_and_no_file_is_left(tmp_path: Path) -> None:
    # case 2
    (tmp_path / "source").mkdir()
    with pytest.raises(BadInputError) as caught:
        pack(tmp_path / "source", tmp_path / "out.tar.gz")
    assert caught.value.where == str(tmp_path / "source" / "package.json")
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [({"main": "gone.py"}, "$.main"), ({"main": "../index.py"}, "$.main"), ({"main": "index.js"}, "$.main")],
)
def test_given_a_bad_main_when_packed_then_the_error_points_at_it_and_no_file_is_left(
    fields: dict[str, str], where: str, make_source: Make, tmp_path: Path
) -> None:  # case 2
    with pytest.raises(BadInputError) as caught:
        pack(make_source(**fields), tmp_path / "out.tar.gz")
    assert caught.value.where.endswith(f"package.json: {where}")
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_given_a_file_that_cannot_be_read_when_packed_then_no_file_is_left(make_source: Make, tmp_path: Path) -> None:
    # case 2
    source = make_source(files={"data": "x" * 100})
    with pytest.raises(BadInputError, match="bigger than 60 bytes"):
        pack(source, tmp_path / "out.tar.gz", caps=Caps(archive_bytes=60))
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_given_ignore_files_when_packed_then_they_count_but_manifest_and_main_stay(
    make_source: Make, tmp_path: Path
) -> None:  # case 3
    source = make_source(
        main="src/index.py",
        files={
            ".seqignore": "*.py\n*.json\nsrc/\n!keep.py\n/notes  \n# a comment\n",
            ".siignore": "*.csv\n",
            "src/index.py": "def run(): ...\n",
            "src/other.py": "",
            "keep.py": "",
            "notes/a.txt": "",
            "deep/notes/a.txt": "",
            "data.csv": "",
            ".git/config": "",
            "__pycache__/index.cpython-311.pyc": "",
            "deep/__pycache__/x.pyc": "",
        },
    )
    assert pack(source, tmp_path / "out.tar.gz").paths == (
        "deep/notes/a.txt",
        "keep.py",
        "package.json",
        "src/index.py",
    )


def test_given_a_bad_pattern_when_packed_then_the_error_has_file_and_line(make_source: Make, tmp_path: Path) -> None:
    # case 3
    source = make_source(files={".seqignore": "*.csv\n!\n"})
    with pytest.raises(BadInputError, match=r"\.seqignore:2"):
        pack(source, tmp_path / "out.tar.gz")


def test_given_junk_when_an_ignore_file_takes_it_back_then_it_comes_in() -> None:  # case 3
    assert IgnoreRules([]).leaves_out_folder("node_modules")
    assert not IgnoreRules(["!node_modules/"]).leaves_out_folder("node_modules")


PACK_ELSEWHERE = """
import os, sys
from pathlib import Path
from ocs_ray.packages.pack import pack
os.umask(int(sys.argv[3], 8))
print(pack(Path(sys.argv[1]), Path(sys.argv[2])).digest)
"""


def test_given_the_same_tree_when_packed_elsewhere_later_and_by_another_umask_then_the_digest_is_the_same(
    make_source: Make, tmp_path: Path
) -> None:  # case 5
    files = {"lib/\u00e9.py": "", "lib/" + "n" * 120 + ".py": "", "tool.sh": "#!/bin/sh\n"}
    one, two = make_source("one", files), make_source("two/deeper", files)
    for root, mode, at in ((one, 0o600, 1_000_000), (two, 0o664, 2_000_000)):
        for file in root.rglob("*"):
            os.utime(file, (at, at))
            if file.is_file():
                file.chmod(mode)
        (root / "tool.sh").chmod(0o755)
    first = pack(one, tmp_path / "one.tar.gz")
    command = [sys.executable, "-c", PACK_ELSEWHERE, ".", str(tmp_path / "two.tar.gz"), "077"]
    second = subprocess.run(command, cwd=two, capture_output=True, text=True, check=True, timeout=60)
    assert second.stdout.strip() == first.digest
    assert (tmp_path / "two.tar.gz").read_bytes() == first.file.read_bytes()
    assert f"{(tmp_path / 'two.tar.gz').stat().st_mode & 0o777:o}" == "644"


def test_given_the_output_inside_the_source_when_packed_twice_then_it_does_not_hold_itself(make_source: Make) -> None:
    # case 5
    source = make_source()
    first = pack(source, source / "out.tar.gz")
    assert pack(source, source / "out.tar.gz").digest == first.digest


def test_given_dependencies_that_are_named_when_packed_then_nobody_installs_them(
    make_source: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # case 5
    def no_process(*args: object, **kwargs: object) -> None:
        raise AssertionError("pack started a process")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    monkeypatch.setattr(os, "system", no_process)
    source = make_source(dependencies={"x": "1"}, files={"requirements.txt": "numpy\n"})
    assert "requirements.txt" in pack(source, tmp_path / "out.tar.gz").paths


def test_given_any_package_when_looked_at_then_its_header_tells_nothing_of_place_or_time(
    make_source: Make, tmp_path: Path
) -> None:  # case 5
    file = pack(make_source(), tmp_path / "out.tar.gz").file
    assert file.read_bytes()[:10] == bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 0xFF))
    with tarfile.open(file) as tar:
        facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in tar}
    assert facts == {(0, 0, 0, "", "", 0o644)}
    assert len(gzip.decompress(file.read_bytes())) % 512 == 0


def test_given_a_link_in_the_source_when_packed_then_it_is_refused_by_name(make_source: Make, tmp_path: Path) -> None:
    source = make_source()
    (source / "alias.py").symlink_to("index.py")
    with pytest.raises(BadInputError, match=r"alias\.py.*link"):
        pack(source, tmp_path / "out.tar.gz")


def test_given_a_syntax_error_when_packed_then_file_and_line_are_told(make_source: Make, tmp_path: Path) -> None:
    # case 19
    with pytest.raises(BadInputError) as caught:
        pack(make_source(files={"lib/a.py": "x = 1\nif x\n"}), tmp_path / "out.tar.gz")
    assert caught.value.where == "lib/a.py:2"


def test_given_several_files_when_packed_then_progress_ends_at_the_whole(make_source: Make, tmp_path: Path) -> None:
    told: list[PackProgress] = []
    pack(make_source(files={"a": "x" * 10}), tmp_path / "out.tar.gz", progress=told.append)
    assert len(told) == 3
    assert told[-1].done_bytes == told[-1].total_bytes
    assert [p.done_bytes for p in told] == sorted(p.done_bytes for p in told)


def test_given_a_package_when_peeked_at_then_its_manifest_is_told_and_nothing_is_unpacked(
    make_package: Callable[..., Path], tar_of: Callable[..., Path], tmp_path: Path
) -> None:
    assert peek_manifest(make_package(version="2.0.0")).version == "2.0.0"
    by_hand = tar_of((tarfile.TarInfo("./package.json"), b'{"name": "by-hand", "version": "1.0.0", "main": "a.py"}'))
    assert peek_manifest(by_hand).name == "by-hand"
    for content, problem in ((b"junk", "gzip"), (None, "No such file")):
        file = tmp_path / "odd.tar.gz"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(BadInputError, match=problem):
            peek_manifest(file)
    with pytest.raises(BadInputError, match=r"no package\.json at its root"):
        peek_manifest(tar_of((tarfile.TarInfo("lib/package.json"), b"{}")))


def test_given_a_file_where_a_folder_belongs_when_packed_then_its_folder_is_named(make_source: Make) -> None:
    folder = make_source()
    with pytest.raises(BadInputError, match=f"this is no folder .*{folder.name}"):
        pack(folder / "index.py")
