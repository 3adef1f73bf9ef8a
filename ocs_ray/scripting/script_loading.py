"""From a script file to a running body. Source: esw ScriptLoader.scala for the failures it must tell apart."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ocs_ray.errors import ScriptError
from ocs_ray.scripting.script_context import ScriptContext

Body = Callable[[ScriptContext], Awaitable[None] | None]


@dataclass(frozen=True)
class Script:
    """A script file's entry: the function marked with ``@script``."""

    body: Body

    async def start(self, ctx: ScriptContext) -> None:
        """Run the body once: it registers the handlers."""
        outcome = self.body(ctx)
        if inspect.isawaitable(outcome):
            await outcome


def script(body: Body) -> Script:
    """Mark the one function of a file that is its script; it is called once, at load, with the ScriptContext."""
    return Script(body)


def load_script(file: str, root: str, prefix: str) -> Script:
    """Import a script file and find its ``@script`` function.

    Args:
        file: path of the script.
        root: folder put first on the import path, so that scripts can share code.
        prefix: the sequencer that wants it, for the messages.

    Raises:
        ScriptError: no such file, a syntax or import error (with file and line), no or several ``@script`` functions.
    """
    path = Path(file)
    if not path.is_file():
        raise ScriptError(prefix=prefix, file=file, line=0, problem="there is no such file; correct it in mode.yaml")
    if root not in sys.path:
        sys.path.insert(0, root)
    spec = importlib.util.spec_from_file_location(f"ocs_script_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ScriptError(prefix=prefix, file=file, line=0, problem="it is not a Python file; name it *.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as failure:
        raise script_error(prefix, file, failure) from failure
    found = [value for value in vars(module).values() if isinstance(value, Script)]
    own = [
        entry for entry in found if inspect.getmodule(entry.body) is None or entry.body.__module__ == module.__name__
    ]
    match own or found:
        case [only]:
            return only
        case []:
            raise ScriptError(prefix=prefix, file=file, line=0, problem="it has no function marked with @script")
        case _:
            raise ScriptError(prefix=prefix, file=file, line=0, problem="it has several functions marked with @script")


def script_error(prefix: str, file: str, failure: BaseException) -> ScriptError:
    """Name the place in the script a failure comes from: its deepest line in the script's own folder."""
    if isinstance(failure, SyntaxError) and failure.filename:
        return ScriptError(
            prefix=prefix, file=failure.filename, line=failure.lineno or 0, problem=f"syntax error: {failure.msg}"
        )
    frames = traceback.extract_tb(failure.__traceback__)
    catalogue = str(Path(file).parent.parent)
    own = [frame for frame in frames if frame.filename.startswith(catalogue)]
    place = own[-1] if own else None
    return ScriptError(
        prefix=prefix,
        file=place.filename if place else file,
        line=(place.lineno or 0) if place else 0,
        problem=f"{type(failure).__name__}: {failure}",
    )
