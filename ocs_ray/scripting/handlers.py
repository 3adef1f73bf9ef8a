"""The handlers a script registered. Source: esw ScriptDsl.scala, FunctionBuilder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ocs_ray.core.procedure_events import Moment
from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import StepFailedError
from ocs_ray.models.commands import Observe, SequenceCommand, Setup, Wait
from ocs_ray.models.responses import Result
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.command_handler import CommandHandler, ErrorHandler
from ocs_ray.scripting.exit_calls import FAILURES

SELF_CANCELLED: Final = "something it waited for was cancelled: catch asyncio.CancelledError where that may happen"
HookHandler = Callable[[], Awaitable[None]]
DiagnosticHandler = Callable[[UTCTime, str], Awaitable[None]]
SetupHandler = Callable[[Setup], Awaitable[Result | None]]
ObserveHandler = Callable[[Observe], Awaitable[Result | None]]
WaitHandler = Callable[[Wait], Awaitable[Result | None]]
AnyHandler = Callable[[SequenceCommand], Awaitable[Result | None]]


@dataclass
class Handlers:
    """What a script, or one state of it, does on which command and at which moment.

    A command has one handler, the last registered; a moment may have many.
    """

    setup: dict[str, CommandHandler[Setup]] = field(default_factory=dict[str, CommandHandler[Setup]])
    observe: dict[str, CommandHandler[Observe]] = field(default_factory=dict[str, CommandHandler[Observe]])
    wait: dict[str, CommandHandler[Wait]] = field(default_factory=dict[str, CommandHandler[Wait]])
    default: CommandHandler[SequenceCommand] | None = None
    hooks: dict[Hook, list[Callable[..., Awaitable[None]]]] = field(default_factory=lambda: {hook: [] for hook in Hook})
    moments: dict[Moment, list[HookHandler]] = field(default_factory=lambda: {moment: [] for moment in Moment})
    global_error: list[ErrorHandler] = field(default_factory=list[ErrorHandler])

    def handles(self, command: SequenceCommand) -> bool:
        """Whether a handler would take this command."""
        return self.default is not None or command.command_name in self._table(command)

    async def execute(self, command: SequenceCommand, began: Callable[[], None] = lambda: None) -> Result | None:
        """Run the handler of a command; what it found out, if it says so.

        Args:
            began: is called at the begin of every attempt.

        Raises:
            StepFailedError: the script has no handler for it.
        """
        handler: Any = self._table(command).get(command.command_name) or self.default
        if handler is None:
            known = ", ".join(self.commands) or "no command at all"
            name = command.command_name
            raise StepFailedError(reason=f"command {name} was not handled: the script handles {known}")
        return await handler.run(command, began)

    async def run_hook(self, hook: Hook, *args: Any) -> None:
        """Run every handler of a moment; the first failure is raised when all have ended."""
        if failures := await self.hook_failures(hook, *args):
            raise failures[0]

    async def hook_failures(self, hook: Hook, *args: Any) -> list[BaseException]:
        """Start all handlers of a moment in the order of registration, wait for all; the failures, first one first."""
        return await self._failures(self.hooks[hook], *args)

    async def moment_failures(self, moment: Moment) -> list[BaseException]:
        """The same for a moment of the procedure."""
        return await self._failures(self.moments[moment])

    async def _failures(self, handlers: Sequence[Callable[..., Awaitable[None]]], *args: Any) -> list[BaseException]:
        failures: list[BaseException] = []

        async def run(handler: Callable[..., Awaitable[None]]) -> None:
            try:
                await handler(*args)
            except FAILURES as failure:
                failures.append(failure)
            except asyncio.CancelledError:
                if (own := asyncio.current_task()) is None or own.cancelling():
                    raise
                failures.append(StepFailedError(reason=SELF_CANCELLED))  # a group would take it for a good end

        async with asyncio.TaskGroup() as group:
            for handler in handlers:
                group.create_task(run(handler))
        return failures

    @property
    def commands(self) -> list[str]:
        """The commands it handles: ``Setup preset``."""
        tables: dict[str, dict[str, Any]] = {"Setup": self.setup, "Observe": self.observe, "Wait": self.wait}
        return [f"{kind} {name}" for kind, table in tables.items() for name in table]

    def _table(self, command: SequenceCommand) -> dict[str, Any]:
        match command:
            case Setup():
                return self.setup
            case Observe():
                return self.observe
            case Wait():
                return self.wait
