"""A script that was started: what the sequencer's shell runs on the strand. Source: esw ScriptApi.scala."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from ocs_ray.core.procedure_events import Moment
from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import StepFailedError
from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.responses import Result
from ocs_ray.scripting.handlers import Handlers
from ocs_ray.scripting.procedure import Procedure
from ocs_ray.scripting.script_life import ScriptLife


class StepOutcome(NamedTuple):
    """How a step ended.

    Args:
        failure: of the last attempt; None when the step succeeded.
        attempts: how often the handler was run; 0 when there is none.
        result: what the handler returned.
    """

    failure: Exception | None
    attempts: int
    result: Result | None


class RunningScript:
    """One interface for handler scripts and FSM scripts.

    Args:
        life: what the parts of the script share.
        scopes: the handlers in force now; the first ones take the commands, hooks run in all, in this order: those of
            the state before those of the top level.
        state: the state an FSM script is in, None for a handler script.
    """

    def __init__(
        self,
        life: ScriptLife,
        scopes: Callable[[], Sequence[Handlers]],
        state: Callable[[], str] | None = None,
    ) -> None:
        self._life, self._scopes, self._state = life, scopes, state
        life.error_handlers = lambda: [handler for scope in scopes() for handler in scope.global_error]

    @property
    def state(self) -> str | None:
        """The state an FSM script is in; None for a handler script."""
        return self._state() if self._state is not None else None

    @property
    def scopes(self) -> tuple[Handlers, ...]:
        """The handlers in force now: those of the state, if there is one, and those of the top level."""
        return tuple(self._scopes())

    @property
    def checks_commands(self) -> bool:
        """Whether ``handles`` is the last word; not with a default handler, nor where states change the handlers."""
        return self._state is None and self._scopes()[0].default is None

    def handles(self, command: SequenceCommand) -> bool:
        """Whether a handler would take this command now."""
        return self._scopes()[0].handles(command)

    async def execute(self, command: SequenceCommand) -> Result | None:
        """Run the handler of a command, with its ``on_error`` and its retries; what it found out, if it says so.

        Raises:
            Exception: what the handler raised; the caller hands it to ``report``.
        """
        return await self._scopes()[0].execute(command)

    async def run_step(self, command: SequenceCommand) -> StepOutcome:
        """The same as data, with the number of attempts; only what is no ``Exception`` is raised.

        The step fails too when its handler returned anything but a ``Result`` or nothing: every view of the sequencer
        carries what it returned to processes that may know nothing of it.
        """
        attempts = 0

        def began() -> None:
            nonlocal attempts
            attempts += 1

        try:
            with Procedure.step():
                result = await self._scopes()[0].execute(command, began)
        except Exception as failure:
            return StepOutcome(failure, attempts, None)
        if result is None or type(result) is Result:
            return StepOutcome(None, attempts, result)
        return StepOutcome(_no_result(command, result), attempts, None)

    async def run_hook(self, hook: Hook, *args: Any) -> None:
        """Run all handlers of a moment; those of the top level are not run when one of the state's failed.

        Args:
            args: start time and hint for the diagnostic mode, else nothing.

        Raises:
            BaseException: the first failure; the caller hands it to ``report``. Further ones are reported here.
                Failures of ``on_shutdown`` are logged and nothing else.
        """
        failures = await self._all(lambda scope: scope.hook_failures(hook, *args))
        if hook is Hook.SHUTDOWN:
            for failure in failures:
                self._life.log.error("on_shutdown failed: %s", failure, exc_info=failure)
            return
        await self._raise_first(failures)

    def has_hook(self, hook: Hook) -> bool:
        """Whether any handler of this hook is in force."""
        return any(scope.hooks[hook] for scope in self._scopes())

    async def run_moment(self, moment: Moment) -> None:
        """Run all handlers of a moment of the procedure.

        Raises:
            BaseException: the first failure; the caller hands it to ``report``. Further ones are reported here.
        """
        await self._raise_first(await self._all(lambda scope: scope.moment_failures(moment)))

    def has_moment(self, moment: Moment) -> bool:
        """Whether any handler of this moment is in force."""
        return any(scope.moments[moment] for scope in self._scopes())

    async def _all(self, run: Callable[[Handlers], Awaitable[list[BaseException]]]) -> list[BaseException]:
        """The failures of the first scope that has some; the scopes after it are not run."""
        for scope in self._scopes():
            if failures := await run(scope):
                return failures
        return []

    async def _raise_first(self, failures: list[BaseException]) -> None:
        for failure in failures[1:]:
            await self._life.report(failure)
        if failures:
            raise failures[0]

    async def report(self, failure: BaseException) -> None:
        """Hand a failure to the script's ``on_global_error`` handlers; one that fails itself is logged."""
        await self._life.report(failure)

    async def close(self) -> None:
        """End loops, timers, subscriptions and pools; waits at most 2 s for them."""
        await self._life.close()


def _no_result(command: SequenceCommand, returned: object) -> StepFailedError:
    handler = f"the handler of {type(command).__name__} {command.command_name}"
    remedy = "return a Result, such as Result(KEY.set(value)), or nothing"
    return StepFailedError(reason=f"{handler} returned {type(returned).__qualname__}: {remedy}")
