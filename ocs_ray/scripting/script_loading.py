"""From a script file to its entry. Source: esw ScriptLoader.scala for the failures it must tell apart."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import re
import sys
import sysconfig
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from ocs_ray import errors
from ocs_ray.errors import ScriptError
from ocs_ray.models.package_names import VENDORED
from ocs_ray.scripting.exit_calls import EXITS, exit_text
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_entry import Script, script
from ocs_ray.scripting.workflows import Workflow, script_of

__all__ = ["Script", "load_script", "script", "script_error", "start_script"]

LIBRARIES: Final = tuple(
    str(Path(folder).resolve()) + "/"
    for folder in (
        *(sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib")),
        Path(errors.__file__).parent,
    )
)
"""What lies here is nobody's script, though a root may lie above it."""

_loading = threading.Lock()
_roots: Final[list[str]] = []
"""Folders scripts were loaded from: what comes from there is imported anew for every script."""


def load_script(file: str, root: str, prefix: str) -> Script:
    """Import a script file and find its ``@script`` or ``@fsm_script`` function, or its ``@workflow`` functions.

    Shared modules below ``root`` are imported anew too, so an edit of them is seen even in the same process.

    Args:
        file: path of the script.
        root: folder put first on the import path, so that scripts can share code; a package's dependencies in its
            ``__pypackages__`` come next.
        prefix: the sequencer that wants it, for the messages.

    Raises:
        ScriptError: no such file, a syntax or import error (with file and line), no or several marked functions.
    """
    path = Path(file)
    if not path.is_file():
        raise ScriptError(prefix=prefix, file=file, line=0, problem="there is no such file; correct it in mode.yaml")
    with _loading, _root_first(root):
        _forget_modules_of_scripts()
        module = _execute(path, prefix)
    found = list(dict.fromkeys(value for value in vars(module).values() if isinstance(value, Script)))
    own = [entry for entry in found if entry.body.__module__ == module.__name__]
    match own or found:
        case [only]:
            return only
        case [] if workflows := [value for value in vars(module).values() if isinstance(value, Workflow)]:
            return script_of(workflows)
        case []:
            raise ScriptError(prefix=prefix, file=file, line=0, problem="it has no function marked with @script")
        case _:
            raise ScriptError(prefix=prefix, file=file, line=0, problem="it has several functions marked with @script")


@contextmanager
def _root_first(root: str) -> Generator[None, None, None]:
    """Import from ``root`` and from no other catalogue; those go behind it again for scripts that import later on."""
    vendored = str(Path(root) / VENDORED)
    first = [root, vendored] if os.path.isdir(vendored) else [root]
    _roots.extend(folder for folder in first if folder not in _roots)
    sys.path[:] = [*first, *(folder for folder in sys.path if folder not in _roots)]
    try:
        yield
    finally:
        sys.path.extend(folder for folder in _roots if folder not in first)


def modules_below(*roots: str) -> dict[str, ModuleType]:
    """The imported modules that lie below one of these folders, installed libraries and ocs_ray itself left out."""
    folders = tuple(str(Path(root).resolve()) + "/" for root in roots)
    below: dict[str, bool] = {}  # a process has a thousand modules in some tens of folders: each is looked up once

    def is_below(folder: str) -> bool:
        if folder not in below:
            real = str(Path(folder).resolve()) + "/"
            below[folder] = real.startswith(folders) and not real.startswith(LIBRARIES)
        return below[folder]

    found: dict[str, ModuleType] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        places = [*([os.path.dirname(file)] if isinstance(file, str) else ()), *getattr(module, "__path__", ())]
        if any(isinstance(place, str) and is_below(place) for place in places):  # a plain folder has no file
            found[name] = module
    return found


def _forget_modules_of_scripts() -> None:
    for name in modules_below(*_roots):
        del sys.modules[name]
    importlib.invalidate_caches()


def _execute(path: Path, prefix: str) -> ModuleType:
    name = "ocs_script_" + re.sub(r"\W", "_", f"{prefix}_{path.stem}")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScriptError(prefix=prefix, file=str(path), line=0, problem="it is not a Python file; name it *.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up there
    # Compiled files carry the second of the source's last edit: two edits in one second would look like one.
    writes_no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except BaseException as failure:
        if _comes_from_elsewhere(failure):
            raise
        raise script_error(prefix, str(path), failure) from failure
    finally:
        sys.dont_write_bytecode = writes_no_bytecode
    return module


async def start_script(entry: Script, ctx: ScriptContext, file: str) -> RunningScript:
    """Run the entry's function once.

    Raises:
        ScriptError: it failed, called ``sys.exit`` or raised a CancelledError of its own; names file and line.
        asyncio.CancelledError: the caller does not want it any more.
    """
    try:
        return await entry.start(ctx)
    except BaseException as failure:
        if _comes_from_elsewhere(failure):
            raise
        raise script_error(ctx.prefix, file, failure) from failure


def _comes_from_elsewhere(failure: BaseException) -> bool:
    """Whether it only passes through the script: its loading is cancelled, or somebody presses Ctrl-C again."""
    if isinstance(failure, GeneratorExit):
        return True
    if not isinstance(failure, (asyncio.CancelledError, KeyboardInterrupt)):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs here, so nothing is cancelled
        return False
    return task is not None and task.cancelling() > 0


def script_error(prefix: str, file: str, failure: BaseException) -> ScriptError:
    """Name the place in the script a failure comes from: its deepest line in the script's own folder."""
    if isinstance(failure, SyntaxError) and failure.filename:
        return ScriptError(
            prefix=prefix, file=failure.filename, line=failure.lineno or 0, problem=f"syntax error: {failure.msg}"
        )
    frames = traceback.extract_tb(failure.__traceback__)
    catalogue = str(Path(os.path.abspath(file)).parent.parent).rstrip("/") + "/"  # frames have whole paths
    own = [f for f in frames if f.filename.startswith(catalogue) and not f.filename.startswith(LIBRARIES)]
    place = own[-1] if own else None
    return ScriptError(
        prefix=prefix,
        file=place.filename if place else file,
        line=(place.lineno or 0) if place else 0,
        problem=exit_text(failure) if isinstance(failure, EXITS) else _text(failure),
    )


def _text(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {failure}".removesuffix(": ")
