"""The process of a program: prepared by its keeper, it imports the package, binds the arguments, runs, and is gone.

Nothing in here returns to the fork server it came from: ``run`` ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import inspect
import io
import json
import logging
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from pydantic_core import to_json

from ocs_ray.errors import BadInputError, PackageRefusedError
from ocs_ray.models.instance_messages import InstanceTask
from ocs_ray.models.package_manifest import InstanceLimits
from ocs_ray.packages.archive_rules import Reason
from ocs_ray.packages.argument_binding import Bound, bind
from ocs_ray.packages.program_context import ProgramContext, StopRequested, raise_stop
from ocs_ray.packages.program_loading import find_entry, load_program, place_in
from ocs_ray.packages.program_output import RUN_METHOD, encode_item, is_asynchronous, items_of
from ocs_ray.packages.program_pipes import Flusher, InstanceInput, PipeWriter

HEARTBEAT_S: Final = 1.0
_ONE_ITEM: Final[tuple[Any, ...]] = (str, bytes, bytearray, memoryview, dict)
_PR_SET_PDEATHSIG: Final = 1
_BAD_ENTRY, _FAILED_ON_START = 21, 22
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_OURS: Final = "OCS_"
ACTOR_MARK: Final = "OCS_ACTOR"
"""What carries it ends with the actor that started it; an instance outlives it."""
INSTANCE_MARK: Final = "OCS_INSTANCE"
"""In the environment of a program and of all it starts: ``id/run``."""


class ProgramPipes(NamedTuple):
    """The program's ends: descriptors to read from, then to write to."""

    stdin: int
    input: int
    control: int
    output: int
    stdout: int
    stderr: int
    log: int
    events: int
    status: int


def run(task: InstanceTask, package: Path, work: Path, pipes: ProgramPipes) -> NoReturn:
    """Run the program and end the process.

    Args:
        package: where the package lies unpacked.
        work: a folder of its own that goes with it.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prepare(task, package, work, pipes)
    program = _Program(task, package, pipes)
    try:
        program.run()
    finally:
        program.leave()


class _Program:
    def __init__(self, task: InstanceTask, package: Path, pipes: ProgramPipes) -> None:
        self._task, self._package, self._pipes = task, package, pipes
        self._telling = threading.Lock()
        flusher = Flusher()
        self._output, self._log, self._events = (
            PipeWriter(each, flusher.reminder) for each in (pipes.output, pipes.log, pipes.events)
        )
        self._pipes_out = (self._output, self._log, self._events, *_replace_standard_streams(flusher))
        flusher.pipes += self._pipes_out
        logging.basicConfig(handlers=[_LogChannel(self._log)], level=logging.INFO, force=True)
        self._ctx = ProgramContext(str(task.record.id), task.config, self._tell, self._events)
        threading.Thread(target=self._listen, name="control", daemon=True).start()

    def run(self) -> None:
        injected = {"ctx": self._ctx, "input": InstanceInput(self._pipes.input, self._task.input)}
        bound = self._bound(injected)
        if bound is None:
            return
        asynchronous = is_asynchronous(bound.function)
        if not asynchronous:
            signal.signal(signal.SIGTERM, raise_stop)
        values = json.loads(to_json(list(bound.values.values()), fallback=repr))
        self._tell({"ready": values})
        try:
            if asynchronous:
                asyncio.run(self._drain_async(bound.call, injected))
            else:
                self._drain(bound.call(), injected)
        except (StopRequested, asyncio.CancelledError):
            outcome: dict[str, Any] = {"returned": True}
        except SystemExit as leaving:
            outcome = {"returned": True} if not leaving.code else {"raised": f"it left with exit code {leaving.code}"}
        except BaseException as failure:
            outcome = {"raised": self._reason(failure)}
            failure = self._from_its_first_line(failure)
            self._ctx.logger.error("the program failed", exc_info=failure)
            traceback.print_exception(failure)
        else:
            outcome = {"returned": True}
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._flush()
        self._tell(outcome)

    def leave(self) -> NoReturn:
        """End the process, with all its threads and whatever is registered for the exit."""
        with contextlib.suppress(BaseException):
            self._flush()
        os._exit(0)

    def _bound(self, injected: dict[str, Any]) -> Bound | None:
        main = self._task.main
        try:
            entry = find_entry(load_program(self._package, main), main)
            return bind(entry, self._task.args, self._task.named, injected)
        except PackageRefusedError as refused:
            code = _BAD_ENTRY if refused.reason in (Reason.ENTRY, Reason.MAIN) else _FAILED_ON_START
            self._fail(refused, code)
        except BadInputError as refused:
            self._fail(refused, _FAILED_ON_START)
        return None

    def _fail(self, refused: BadInputError, code: int) -> None:
        self._ctx.logger.error("the program cannot start: %s", refused)
        self._flush()
        fields = {"where": refused.where, "problem": refused.problem, "remedy": refused.remedy}
        self._tell({"failed": fields, "code": code, "reason": str(refused)})

    def _drain(self, result: Any, injected: dict[str, Any]) -> None:
        run_method = getattr(result, RUN_METHOD, None)
        if inspect.isawaitable(result) or hasattr(result, "__aiter__"):
            asyncio.run(self._drain_async(lambda: result, injected))
        elif callable(run_method) and not isinstance(result, _ONE_ITEM):
            self._drain(bind(run_method, injected=injected).call(), injected)
        elif hasattr(result, "__iter__") and not isinstance(result, _ONE_ITEM):
            append = self._output.append
            for item in result:
                append(item if type(item) is bytes else encode_item(item))
        elif result is not None:
            self._output.append(encode_item(result))

    async def _drain_async(self, call: Callable[[], Any], injected: dict[str, Any]) -> None:
        main = asyncio.current_task()
        assert main is not None
        self._ctx.adopt_loop(main)
        output = self._output
        async for item in items_of(call(), injected):
            if output.is_near_full:  # nobody may be reading: the loop goes on meanwhile
                await asyncio.to_thread(output.flush)
            output.append(encode_item(item))

    def _reason(self, failure: BaseException) -> str:
        text = "".join(traceback.format_exception_only(failure)).strip().splitlines()[-1]
        return f"{text} ({place_in(self._package, self._task.main, failure)})"

    def _from_its_first_line(self, failure: BaseException) -> BaseException:
        """Without our own lines above those of the package."""
        lines = failure.__traceback__
        while lines is not None and not lines.tb_frame.f_code.co_filename.startswith(str(self._package)):
            lines = lines.tb_next
        return failure if lines is None else failure.with_traceback(lines)

    def _listen(self) -> None:
        """Take what the keeper says; a line at least each second tells it that this process still runs Python."""
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        with open(self._pipes.control, "rb") as control:
            for line in control:
                said = json.loads(line)
                if "stop" in said:
                    limits = said["stop"], said["can_keep_alive"]
                    threading.Thread(target=self._ctx.stop, args=limits, name="stop", daemon=True).start()
                elif "event" in said:
                    self._ctx.deliver(said["event"], said["message"])

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            self._tell({"health": json.loads(to_json(self._ctx.health(), fallback=repr))})
            pause.wait(HEARTBEAT_S)

    def _tell(self, said: dict[str, Any]) -> None:
        left = memoryview(json.dumps(said).encode() + b"\n")
        with self._telling, contextlib.suppress(BrokenPipeError):
            while left:
                left = left[os.write(self._pipes.status, left) :]

    def _flush(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):  # the program may have closed it
                stream.flush()
        for pipe in self._pipes_out:
            pipe.flush()


class _LogChannel(logging.Handler):
    """The root logger's handler: JSON lines."""

    def __init__(self, pipe: PipeWriter) -> None:
        super().__init__()
        self._pipe = pipe
        self._format = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        line: dict[str, Any] = {
            "at_unix_s": record.created,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self._format.formatException(record.exc_info)
        self._pipe.append(to_json(line, fallback=repr) + b"\n")


class _PipeFile(io.BufferedIOBase):
    """What ``sys.stdout`` writes to."""

    def __init__(self, descriptor: int, pipe: PipeWriter) -> None:
        self._descriptor, self._pipe = descriptor, pipe
        self.name, self.raw = f"<{descriptor}>", io.RawIOBase()

    def write(self, data: Any, /) -> int:
        self._pipe.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """A line is at its reader within 20 ms; writing each one by itself would take ten times as long."""

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True


def _replace_standard_streams(flusher: Flusher) -> tuple[PipeWriter, PipeWriter]:
    """Fresh streams: those of the fork server hold its buffers and locks."""
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(open(0, "rb", closefd=False), "utf-8", "replace")  # noqa: SIM115
    out, err = PipeWriter(1, flusher.reminder), PipeWriter(2, flusher.reminder)
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(_PipeFile(1, out), "utf-8", "backslashreplace", line_buffering=True)
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(_PipeFile(2, err), "utf-8", "backslashreplace", line_buffering=True)
    return out, err


def _prepare(task: InstanceTask, package: Path, work: Path, pipes: ProgramPipes) -> None:
    for source, target in ((pipes.stdin, 0), (pipes.stdout, 1), (pipes.stderr, 2)):
        os.dup2(source, target)
        os.close(source)
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    kept |= {k: v for k, v in os.environ.items() if k.startswith(_OURS) and k != ACTOR_MARK}
    mark = f"{task.record.id}/{task.record.run}"
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(HOME=str(work), TMPDIR=str(work), PYTHONUNBUFFERED="1", **{INSTANCE_MARK: mark})
    os.chdir(work)
    sys.argv[:] = [str(package / task.main)]
    sys.dont_write_bytecode = True  # a package lies read-only
    import tempfile

    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _limit(task.limits)


def _limit(limits: InstanceLimits) -> None:
    wanted = {
        resource.RLIMIT_AS: None if limits.memory_mb is None else limits.memory_mb << 20,
        resource.RLIMIT_CPU: None if limits.cpu_s is None else max(1, round(limits.cpu_s)),
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        if value is not None:
            _, hard = resource.getrlimit(kind)
            lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (lower, lower))
