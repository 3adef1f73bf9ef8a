"""From an unpacked package to the thing its instances run. Used by the check at send and by the instance itself."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ocs_ray.models.package_names import VENDORED
from ocs_ray.packages.archive_rules import Reason, refuse

MODULE_NAME: Final = "ocs_program"
"""What the main file is called in ``sys.modules``: its own name could hide one of Python's."""
ENTRY_NAMES: Final = ("run", "main")


def import_folders(folder: Path, main: str) -> list[str]:
    """What goes first on ``sys.path``: beside the main file, the package's root, its dependencies."""
    return list(dict.fromkeys(str(each) for each in ((folder / main).parent, folder, folder / VENDORED)))


def load_program(folder: Path, main: str) -> ModuleType:
    """Import the main file; ``import_folders`` are put on the path and stay there.

    Raises:
        PackageRefusedError: its code raised; ``where`` is the deepest ``file:line`` of the package.
    """
    sys.path[:0] = import_folders(folder, main)
    spec = importlib.util.spec_from_file_location(MODULE_NAME, folder / main)
    if spec is None or spec.loader is None:
        refuse(Reason.MAIN, main, "this is not a Python file", "name a file that ends in .py")
    module = sys.modules[MODULE_NAME] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SystemExit as leaving:
        problem = f"it ends the process while it is imported (exit code {leaving.code})"
        refuse(Reason.IMPORT, place_in(folder, main, leaving), problem, "leave that to the program's function")
    except Exception as failure:
        where = place_in(folder, main, failure)
        refuse(Reason.IMPORT, where, f"{type(failure).__name__}: {failure}", "correct it and pack again")
    return module


def find_entry(module: ModuleType, main: str) -> Callable[..., Any]:
    """What an instance calls: ``run``, else ``main``, else the one public function or class of the main file.

    Raises:
        PackageRefusedError: there is none, or more than one and none is called run or main.
    """
    for name in ENTRY_NAMES:
        named = getattr(module, name, None)
        if callable(named):
            return named
    own = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    }
    if len(own) == 1:
        return next(iter(own.values()))
    found = f"several ({', '.join(own)})" if own else "none"
    remedy = "name the one to start 'run'" if own else "define a function 'run'"
    refuse(Reason.ENTRY, main, f"it needs a function or class to start and has {found}", remedy)


def place_in(folder: Path, main: str, failure: BaseException) -> str:
    """``file:line`` of the deepest line of the package a failure went through, relative to its root."""
    if isinstance(failure, SyntaxError) and failure.filename:
        return _place(folder, failure.filename, failure.lineno)
    below = str(folder) + "/"
    frames = [f for f in traceback.extract_tb(failure.__traceback__) if f.filename.startswith(below)]
    return _place(folder, frames[-1].filename, frames[-1].lineno) if frames else main


def _place(folder: Path, file: str, line: int | None) -> str:
    path = file.removeprefix(str(folder) + "/")
    return f"{path}:{line}" if line else path
