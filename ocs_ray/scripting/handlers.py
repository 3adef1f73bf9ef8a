"""The handlers a script registered. Source: esw ScriptDsl.scala, FunctionBuilder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import StepFailedError
from ocs_ray.models.commands import Observe, SequenceCommand, Setup, Wait

HookHandler = Callable[[], Awaitable[None]]
SetupHandler = Callable[[Setup], Awaitable[None]]
ObserveHandler = Callable[[Observe], Awaitable[None]]
WaitHandler = Callable[[Wait], Awaitable[None]]
ErrorHandler = Callable[[BaseException], Awaitable[None]]


@dataclass
class Handlers:
    """What a script does on which command and at which moment.

    A command has one handler, the last registered; a moment may have many, run in the order of registration.
    """

    setup: dict[str, SetupHandler] = field(default_factory=dict[str, SetupHandler])
    observe: dict[str, ObserveHandler] = field(default_factory=dict[str, ObserveHandler])
    wait: dict[str, WaitHandler] = field(default_factory=dict[str, WaitHandler])
    hooks: dict[Hook, list[HookHandler]] = field(default_factory=lambda: {hook: [] for hook in Hook})
    global_error: list[ErrorHandler] = field(default_factory=list[ErrorHandler])

    async def execute(self, command: SequenceCommand) -> None:
        """Run the handler of a command.

        Raises:
            StepFailedError: the script has no handler for it.
        """
        name = command.command_name
        match command:
            case Setup() if name in self.setup:
                await self.setup[name](command)
            case Observe() if name in self.observe:
                await self.observe[name](command)
            case Wait() if name in self.wait:
                await self.wait[name](command)
            case _:
                known = ", ".join([*map("Setup {}".format, self.setup), *map("Observe {}".format, self.observe)])
                raise StepFailedError(
                    reason=f"command {name} was not handled: the script handles {known or 'no command at all'}"
                )

    async def run_hook(self, hook: Hook) -> None:
        """Run every handler of a moment, in order; the first failure is raised after all were run."""
        failures: list[Exception] = []
        for handler in self.hooks[hook]:
            try:
                await handler()
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
