"""What a script would do, without an observatory: the handlers it registers, and what is wrong with it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocs_ray.core.procedure_events import Moment
from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import ScriptError
from ocs_ray.models.alarm_messages import AlarmSummary, GetAlarm, GetAlarms
from ocs_ray.models.component_messages import Oneway, Submit, Validate
from ocs_ray.models.component_modes import (
    GetCurrentStates,
    LockAcquired,
    LockComponent,
    LockReleased,
    NextLockNotice,
    UnlockComponent,
)
from ocs_ray.models.config_messages import ConfigExists, GetConfig
from ocs_ray.models.event_messages import GetEvent, NextEvents
from ocs_ray.models.identifiers import Id, ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Accepted, Completed
from ocs_ray.models.sequencer_messages import (
    GetSequence,
    GetSequencerState,
    Query,
    QueryFinal,
    RetryFailed,
    SequencerState,
    StartSequence,
    SubmitSequence,
)
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.fsm_script import FsmScript
from ocs_ray.scripting.handlers import Handlers
from ocs_ray.scripting.named_handlers import ANY_COMMAND, commands_in
from ocs_ray.scripting.port import use_port
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_loading import load_script, modules_below, script_error, start_script
from ocs_ray.scripting.time_scale import TimeScale
from ocs_ray.scripting.undefined_names import undefined_names

BODY_S: Final = 10.0
"""Longest the script's own function may take, in seconds."""
RUN_ID: Final = Id("script-check")
PREFIX: Final = Prefix("ESW.script_check")
OBS_MODE: Final = ObsMode("script_check")


class Problem(NamedTuple):
    """What is wrong, and where; line 0: the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class ScriptReport(NamedTuple):
    """What is known of a script.

    Args:
        handlers: what it registers: ``Setup preset``, ``on_stop``; of an FSM script those of its first state.
        states: of an FSM script.
        elsewhere: of an FSM script, the commands its source registers in any state.
        problems: none means it can be loaded.
    """

    file: str
    handlers: tuple[str, ...]
    states: tuple[str, ...]
    problems: tuple[Problem, ...]
    elsewhere: tuple[str, ...] = ()


def check_script(file: str, root: str, prefix: Prefix = PREFIX, obs_mode: ObsMode = OBS_MODE) -> ScriptReport:
    """Look at a script and load it as a sequencer would; what it asks of other components is answered with success.

    Its own code is run: what it does besides asking components (files, network) it does here too.

    Args:
        file: path of the script.
        root: folder it imports shared code from.
        prefix: of the sequencer it is the script of; a script may register by it.
        obs_mode: of that sequencer.
    """
    problems = _undefined_in(file)
    if any(problem.text.startswith("syntax error") for problem in problems):
        return ScriptReport(file, (), (), tuple(problems))
    try:
        handlers, states = asyncio.run(_load(file, root, prefix, obs_mode))
    except (ScriptError, SystemExit) as failure:  # the second: a task of the script's own ends the whole loop
        failure = failure if isinstance(failure, ScriptError) else script_error(prefix, file, failure)
        problems += [problem for module in _shared_modules(root, file) for problem in _undefined_in(module)]
        already = any(problem.line == failure.line and problem.file == failure.file for problem in problems)
        found = [] if already else [Problem(failure.file or file, failure.line, failure.problem)]
        return ScriptReport(file, (), (), tuple(problems + found))
    shared = _shared_modules(root, file)
    problems += [problem for module in shared for problem in _undefined_in(module)]
    sources = [Path(each).read_text(encoding="utf-8") for each in (file, *shared)] if states else []
    elsewhere = tuple(sorted({name for source in sources for name in commands_in(source)}))
    return ScriptReport(file, handlers, states, tuple(problems), elsewhere)


class _Everybody(list[str]):
    """Names of components: whoever is looked for is there."""

    def __contains__(self, name: object) -> bool:
        return True


class _Agreeable:
    """A port behind which everything succeeds, no event ever comes and nothing is configured."""

    def names(self) -> list[str]:
        return _Everybody()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        match message:
            case Submit() | Query() | QueryFinal() | SubmitSequence() | StartSequence() | RetryFailed():
                return Completed(RUN_ID)
            case Oneway() | Validate():
                return Accepted(RUN_ID)
            case GetEvent(keys=keys):
                return tuple(None for _ in keys)
            case GetAlarm() | GetConfig() | GetSequence():
                return None
            case GetSequencerState():
                return SequencerState.IDLE
            case LockComponent():
                return LockAcquired(lock_id="script-check")
            case UnlockComponent():
                return LockReleased()
            case ConfigExists():
                return False
            case GetAlarms():
                return AlarmSummary(severity=None, health=None, alarms=())
            case NextEvents() | GetCurrentStates() | NextLockNotice():
                return await asyncio.get_running_loop().create_future()  # for ever
            case _:
                return Ok()


async def _load(file: str, root: str, prefix: Prefix, obs_mode: ObsMode) -> tuple[tuple[str, ...], tuple[str, ...]]:
    port = _Agreeable()
    use_port(port)
    entry = load_script(file, root, prefix)
    ctx = ScriptContext(prefix, obs_mode, port, TimeScale(0.0))
    try:
        async with asyncio.timeout(BODY_S):
            running = await start_script(entry, ctx, file)
    except TimeoutError:
        line = entry.body.__code__.co_firstlineno
        problem = f"the function did not end within {BODY_S:g} s: a script registers handlers and returns"
        raise ScriptError(prefix=prefix, file=file, line=line, problem=problem) from None
    finally:
        await ctx.life.close()
    states = entry.states if isinstance(entry, FsmScript) else ()
    return tuple(name for scope in running.scopes for name in _registered(scope)), states


def _registered(handlers: Handlers) -> list[str]:
    default = [ANY_COMMAND] if handlers.default is not None else []
    hooks = [hook.value for hook in Hook for _ in handlers.hooks[hook]]
    moments = [moment.value for moment in Moment for _ in handlers.moments[moment]]
    return [*handlers.commands, *default, *hooks, *moments, *("on_global_error" for _ in handlers.global_error)]


def _undefined_in(file: str) -> list[Problem]:
    try:
        found = undefined_names(Path(file).read_text(encoding="utf-8"), file)
    except OSError:
        return []  # loading says so in its own words
    except (SyntaxError, ValueError) as failure:
        line = (failure.lineno or 0) if isinstance(failure, SyntaxError) else 0
        return [Problem(file, line, f"syntax error: {getattr(failure, 'msg', failure)}")]
    return [Problem(file, line, f"undefined name '{name}'") for line, name in found]


def _shared_modules(root: str, file: str) -> list[str]:
    """The files below ``root`` that the script imported."""
    files = {getattr(module, "__file__", None) or "" for module in modules_below(root).values()}
    return sorted(files - {"", file, str(Path(file).resolve())})
