"""Workflows written for ignition-workflows' command API run here as they are. Source: seed 004, its example.

A file with functions marked ``@workflow(name="demo.commands_60s")`` is a script whose commands are these names: the
Setup command ``demo.commands_60s`` runs the function on a thread of its own. The names are upstream's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from ocs_ray.core.procedure_post import TOPIC
from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import Setup
from ocs_ray.scripting.handlers import SetupHandler
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_entry import Script

__all__ = ["Workflow", "getWorkflows", "sleep_chunked", "workflow"]


_running: ContextVar[WorkflowRuntime] = ContextVar("ocs_workflow_runtime")


class Workflow:
    """A function marked with ``@workflow``.

    Args:
        name: of the command that runs it.
        body: takes no arguments.
    """

    def __init__(self, name: str, body: Callable[[], Any]) -> None:
        self.name, self.body = name, body

    def __call__(self) -> Any:
        """Call the function itself, as another function of the file may."""
        return self.body()

    async def run(self, ctx: ScriptContext, command: Setup) -> None:
        """Run it to its end on a thread of its own."""
        runtime = WorkflowRuntime(ctx, asyncio.get_running_loop(), command)

        def work() -> None:
            _running.set(runtime)
            self.body()

        await ctx.blocking_io(work)


def script_of(workflows: Sequence[Workflow]) -> Script:
    """A script whose commands are these workflows."""

    def body(ctx: ScriptContext) -> None:
        for one in workflows:
            ctx.on_setup(one.name)(_handler(one, ctx))

    return Script(body)


def _handler(one: Workflow, ctx: ScriptContext) -> SetupHandler:
    async def run(command: Setup) -> None:
        await one.run(ctx, command)

    return run


def workflow(name: str) -> Callable[[Callable[[], Any]], Workflow]:
    """Mark a function as a workflow with this name."""
    return lambda body: Workflow(name, body)


class WorkflowRuntime:
    """What ``getWorkflows()`` gives: upstream's names for what a ScriptContext can do.

    Args:
        ctx: of the script.
        loop: the script's own.
        command: the command that runs the workflow.
    """

    def __init__(self, ctx: ScriptContext, loop: asyncio.AbstractEventLoop, command: Setup) -> None:
        self._ctx, self._loop = ctx, loop
        self.command = command

    def checkCancelled(self) -> None:
        """End the workflow here when it is being stopped or aborted.

        Raises:
            StopRequested: it is being stopped, or aborted.
        """
        self._ctx.check_cancelled()

    def recvCommand(
        self,
        currentState: str | None = None,
        topic: str = TOPIC,
        timeoutSeconds: float = 0,
        maxMessages: int = 5,
    ) -> dict[str, Any] | None:
        """The command to follow, or None; see ``ScriptContext.recv_command``."""
        asked = self._ctx.recv_command(currentState, topic, timeoutSeconds, maxMessages)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def sleepChunked(self, total_ms: float, chunk_ms: float = 250) -> None:
        """Wait, held and stopped within ``chunk_ms`` milliseconds."""
        self._ctx.sleep_chunked(total_ms, chunk_ms)


def getWorkflows() -> WorkflowRuntime:
    """The runtime of the workflow that calls it.

    Raises:
        BadInputError: no workflow runs here.
    """
    runtime = _running.get(None)
    if runtime is None:
        raise BadInputError(where="getWorkflows", problem="no workflow runs here", remedy="call it inside a @workflow")
    return runtime


def sleep_chunked(total_ms: float, chunk_ms: float = 250) -> None:
    """Wait ``total_ms`` milliseconds inside a workflow, held and stopped within ``chunk_ms``."""
    getWorkflows().sleepChunked(total_ms, chunk_ms)
