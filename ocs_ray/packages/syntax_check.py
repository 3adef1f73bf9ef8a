"""Whether every Python file of a package is Python; nothing is executed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from ocs_ray.packages.archive_rules import Caps, Reason, refuse, shown_name


def check_syntax(folder: Path, paths: Iterable[str], caps: Caps) -> None:
    """Compile every ``.py`` file.

    Args:
        paths: files below ``folder``; what Python would not import is passed over.
    Raises:
        PackageRefusedError: ``where`` is ``file:line``; or there is more Python than ``caps`` allow.
    """
    sources = [path for path in paths if _is_imported(path)]
    size = sum((folder / path).stat().st_size for path in sources)
    if size > caps.python_bytes:
        problem = f"its Python files have {size} bytes together, {caps.python_bytes} are allowed"
        refuse(Reason.BYTES, "", problem, "install big libraries on the machines instead of packing them")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape is the author's business
        for path in sources:
            _compile((folder / path).read_bytes(), path)


def _is_imported(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and not name.startswith("._")  # macOS puts binary notes beside files


def _compile(source: bytes, path: str) -> None:
    try:
        compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as failure:
        where = f"{path}:{failure.lineno}" if failure.lineno else path
        refuse(Reason.SYNTAX, where, f"syntax error: {failure.msg}", "correct it and pack again")
    except (ValueError, RecursionError, MemoryError, OverflowError) as failure:
        refuse(Reason.SYNTAX, path, f"this is not Python: {shown_name(str(failure) or type(failure).__name__)}")
