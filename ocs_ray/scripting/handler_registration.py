"""Where a script registers what it does on a command and at a moment. Source: esw CommonHandlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import Observe, SequenceCommand, Setup, Wait
from ocs_ray.scripting.async_functions import must_be_async
from ocs_ray.scripting.command_handler import CommandHandler, ErrorHandler
from ocs_ray.scripting.handlers import (
    AnyHandler,
    DiagnosticHandler,
    HookHandler,
    ObserveHandler,
    SetupHandler,
    WaitHandler,
)
from ocs_ray.scripting.script_scope import ScriptScope

C = TypeVar("C")


class HookRegistration(ScriptScope):
    """Handlers of moments. All handlers of a moment are started in the order of registration and run together."""

    def on_new_sequence(self, handler: HookHandler) -> HookHandler:
        """Register what runs before the first step of every sequence; its failure refuses the sequence."""
        return self._hook(Hook.NEW_SEQUENCE, handler)

    def on_go_online(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequencer goes online; its failure keeps it offline."""
        return self._hook(Hook.GO_ONLINE, handler)

    def on_go_offline(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequencer goes offline; its failure keeps it online."""
        return self._hook(Hook.GO_OFFLINE, handler)

    def on_abort_sequence(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequence is aborted; its failure does not keep the sequence alive."""
        return self._hook(Hook.ABORT_SEQUENCE, handler)

    def on_stop(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequence is stopped; its failure does not keep the sequence alive."""
        return self._hook(Hook.STOP, handler)

    def on_shutdown(self, handler: HookHandler) -> HookHandler:
        """Register what runs before the sequencer ends; its failure is logged and nothing else."""
        return self._hook(Hook.SHUTDOWN, handler)

    def on_diagnostic_mode(self, handler: DiagnosticHandler) -> DiagnosticHandler:
        """Register what runs when diagnostic data are wanted: it is given the start time and a hint."""
        self.handlers.hooks[Hook.DIAGNOSTIC_MODE].append(must_be_async(handler, "on_diagnostic_mode"))
        return handler

    def on_operations_mode(self, handler: HookHandler) -> HookHandler:
        """Register what runs when the sequencer goes back from diagnostic mode."""
        return self._hook(Hook.OPERATIONS_MODE, handler)

    def on_global_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Register what runs after any handler, timer or callback failed, but for ``on_shutdown``."""
        self.handlers.global_error.append(must_be_async(handler, "on_global_error"))
        return handler

    def _hook(self, hook: Hook, handler: HookHandler) -> HookHandler:
        self.handlers.hooks[hook].append(must_be_async(handler, hook.value))
        return handler


class CommandRegistration(ScriptScope):
    """Handlers of commands. The last one registered for a name wins; Setup, Observe and Wait are told apart."""

    def on_setup(self, name: str) -> Callable[[SetupHandler], CommandHandler[Setup]]:
        """Register the handler of ``Setup`` commands with this name."""

        name = _named(name, "on_setup")

        def register(body: SetupHandler) -> CommandHandler[Setup]:
            handler = self.handlers.setup[name] = CommandHandler(must_be_async(body, "on_setup"), self.sleep)
            return handler

        return register

    def on_observe(self, name: str) -> Callable[[ObserveHandler], CommandHandler[Observe]]:
        """Register the handler of ``Observe`` commands with this name."""

        name = _named(name, "on_observe")

        def register(body: ObserveHandler) -> CommandHandler[Observe]:
            handler = self.handlers.observe[name] = CommandHandler(must_be_async(body, "on_observe"), self.sleep)
            return handler

        return register

    def on_wait(self, name: str) -> Callable[[WaitHandler], CommandHandler[Wait]]:
        """Register the handler of ``Wait`` commands with this name."""

        name = _named(name, "on_wait")

        def register(body: WaitHandler) -> CommandHandler[Wait]:
            handler = self.handlers.wait[name] = CommandHandler(must_be_async(body, "on_wait"), self.sleep)
            return handler

        return register

    def on_any_command(self, body: AnyHandler) -> CommandHandler[SequenceCommand]:
        """Register what takes the commands no other handler takes."""
        handler = self.handlers.default = CommandHandler(must_be_async(body, "on_any_command"), self.sleep)
        return handler

    async def next_if(self, predicate: Callable[[SequenceCommand], bool]) -> SequenceCommand | None:
        """Take the next step of the sequence into this one, if ``predicate`` wants its command.

        Nobody can change the sequence between the look and the taking. The step ends with the one that took it.

        Returns:
            Its command; None when it is not wanted, when the sequence is paused, or nothing is pending.
        """
        operator = self.life.operator
        while operator is not None:
            await self.life.procedure.checkpoint()  # while it is held there seems to be no next step
            seen = await operator.peek()
            if seen is not None and not predicate(seen[1]):
                return None
            if seen is not None and await operator.take(seen[0]):
                return seen[1]
            if seen is None and not self.life.procedure.is_held:
                return None
        return None


def _named(name: object, decorator: str) -> str:
    """Without a name the decorator would swallow the handler, and no command would ever reach it."""
    if not isinstance(name, str):
        problem = f"{getattr(name, '__name__', name)!r} is no name of a command"
        raise BadInputError(where=decorator, problem=problem, remedy=f'name it: @ctx.{decorator}("move")')
    return name
