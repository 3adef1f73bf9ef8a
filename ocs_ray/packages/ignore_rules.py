"""Which files of a source folder stay out of its package. Source: reference scramjet.md, section 1; git's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocs_ray.errors import BadInputError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES: Final = (".seqignore", ".siignore")
"""Ours, and the one of transform-hub's users. Both count."""
JUNK: Final = (
    "__pycache__/",
    "*.py[cod]",
    ".git/",
    ".hg/",
    ".svn/",
    ".venv/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    "node_modules/",
    ".DS_Store",
    "._*",
    "*.swp",
    "*~",
    *IGNORE_FILES,
)
"""Left out unless an ignore file takes it back with ``!``."""


def _compiled(lines: Iterable[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # only packing needs it, and every command would wait for it

    return GitIgnoreSpec.from_lines(lines)


class IgnoreRules:
    """Patterns as in .gitignore, the later one wins.

    Args:
        lines: patterns.
        kept: paths no pattern can leave out: package.json and the main file.
    """

    def __init__(self, lines: Iterable[str], kept: Iterable[str] = ()) -> None:
        self._patterns = _compiled([*JUNK, *lines])
        self._kept = frozenset(kept)
        self._ways = {"/".join(path.split("/")[:n]) for path in self._kept for n in range(1, path.count("/") + 1)}

    @classmethod
    def of(cls, folder: Path, kept: Iterable[str]) -> IgnoreRules:
        """The rules of a source folder.

        Raises:
            BadInputError: an ignore file is not UTF-8, or one of its patterns is none.
        """
        lines: list[str] = []
        for name in IGNORE_FILES:
            file = folder / name
            if file.is_file():
                try:
                    found = file.read_text(encoding="utf-8").splitlines()
                except UnicodeDecodeError:
                    raise BadInputError(str(file), "this is not UTF-8 text", "save it as UTF-8") from None
                _check(found, file)
                lines += found
        return cls(lines, kept)

    def leaves_out_file(self, path: str) -> bool:
        """Whether a file stays out; ``path`` is relative, with ``/``."""
        return path not in self._kept and self._patterns.match_file(path)

    def leaves_out_folder(self, path: str) -> bool:
        """Whether nothing below a folder can come in; a pattern cannot take back what lies in such a folder."""
        return path not in self._ways and self._patterns.match_file(path + "/")


def _check(lines: list[str], file: Path) -> None:
    for number, line in enumerate(lines, 1):
        try:
            _compiled([line])
        except ValueError as failure:
            raise BadInputError(f"{file}:{number}", f"this is no pattern: {failure}", "see 'man gitignore'") from None
