from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.core.package_index import decide
from ocs_ray.packages.pack import pack
from ocs_ray.packages.package_store import PackageStore

SEED_PROGRAM = """
def count(initial_number=0, length=1000):
    for i in range(initial_number, initial_number + length):
        yield i
"""


@pytest.fixture
def make_source(tmp_path: Path) -> Callable[..., Path]:
    """A source folder: files by path, and the manifest's fields besides name, version and main."""

    def make(folder: str = "source", files: dict[str, str] | None = None, **fields: Any) -> Path:
        root = tmp_path / folder
        manifest = {"name": "@example/my-sequence", "version": "0.1.1", "main": "./index.py", **fields}
        for path, text in {"index.py": SEED_PROGRAM, "package.json": json.dumps(manifest), **(files or {})}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    return make


@pytest.fixture
def make_package(make_source: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A packed package."""

    def make(**fields: Any) -> Path:
        folder = make_source(**fields)
        return pack(folder, tmp_path / f"{fields.get('version', '0.1.1')}-{folder.name}.tar.gz").file

    return make


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    """A store that looks at everything but does not import; importing has tests of its own."""
    return PackageStore(tmp_path / "store", decide, check=lambda folder, manifest: None, clock=lambda: 1000.0)


@pytest.fixture
def tar_of(tmp_path: Path) -> Callable[..., Path]:
    """An archive of members with contents, as Python's own tarfile writes it."""

    def make(*members: tuple[tarfile.TarInfo, bytes]) -> Path:
        file = tmp_path / "made.tar.gz"
        with tarfile.open(file, "w:gz") as tar:
            for info, content in members:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return file

    return make
