"""Whether every Python file of a package is Python; nothing is executed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from ocs_ray.packages.archive_rules import Reason, refuse, shown_name


def check_syntax(folder: Path, paths: Iterable[str]) -> None:
    """Compile every ``.py`` file.

    Args:
        paths: files below ``folder``; what Python would not import is passed over.
    Raises:
        PackageRefusedError: ``where`` is ``file:line``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape is the author's business
        for path in paths:
            name = path.rpartition("/")[2]
            if name.endswith(".py") and not name.startswith("._"):  # macOS puts binary notes beside files
                _compile((folder / path).read_bytes(), path)


def _compile(source: bytes, path: str) -> None:
    try:
        compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as failure:
        where = f"{path}:{failure.lineno}" if failure.lineno else path
        refuse(Reason.SYNTAX, where, f"syntax error: {failure.msg}", "correct it and pack again")
    except (ValueError, RecursionError, MemoryError, OverflowError) as failure:
        refuse(Reason.SYNTAX, path, f"this is not Python: {shown_name(str(failure) or type(failure).__name__)}")
