"""A device: the command service around the handlers its author wrote. Source: csw ComponentBehavior.scala."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Awaitable
from typing import Any

from ocs_ray.actors.birth import Birth
from ocs_ray.actors.questions import Questions
from ocs_ray.core.command_responses import CommandResponses
from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.component_messages import (
    DeviceSpec,
    DeviceStatus,
    GetComponentStatus,
    Oneway,
    ShutdownComponent,
    Submit,
    Validate,
)
from ocs_ray.models.component_modes import ModeMessage
from ocs_ray.models.identifiers import Id
from ocs_ray.models.new_id import new_id
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import (
    Accepted,
    Cancelled,
    Completed,
    Error,
    Invalid,
    Locked,
    Result,
    Started,
    SubmitResponse,
)
from ocs_ray.models.sequencer_messages import Query, QueryFinal, SetTimeFactor
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.scripting.component_handlers import ComponentContext, ComponentHandlers
from ocs_ray.scripting.component_modes import ComponentModes
from ocs_ray.scripting.port import Port, use_port
from ocs_ray.scripting.time_scale import TimeScale


class ComponentShell:
    """One device.

    Args:
        spec: its name, its handlers' class, its options.
        port: the door to other components.
        time_factor: scales its simulated waits.
        machine: the machine it runs on.
        container: the container it was started with, None for a stand-alone one.
        birth: when its process began; now, when nothing is given.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        port: Port,
        time_factor: float,
        machine: Prefix,
        container: Prefix | None = None,
        birth: Birth | None = None,
    ) -> None:
        self._spec, self._machine, self._container = spec, machine, container
        self._birth = birth or Birth.now()
        self._time_scale = TimeScale(time_factor)
        self._port = port
        self._responses = CommandResponses()
        self._questions = Questions()
        self._running: set[asyncio.Task[None]] = set()
        self._handlers: ComponentHandlers | None = None
        self._modes: ComponentModes | None = None

    async def start(self) -> None:
        """Make the handlers and initialize them; a second call does nothing.

        Raises:
            BadInputError: the factory cannot be imported.
        """
        if self._handlers is None:
            use_port(self._port)
            ctx = ComponentContext(self._spec.prefix, self._spec.options, self._port, self._time_scale)
            self._handlers = _factory(self._spec)(ctx)
            self._modes = ComponentModes(self._handlers)
            await self._handlers.initialize()

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.component_messages``."""
        handlers, modes = self._handlers, self._modes
        assert handlers is not None, "start() comes first"
        assert modes is not None
        match message:
            case _ if isinstance(message, ModeMessage):
                return await modes.ask(message)
            case Validate(command=command):
                run_id = Id(new_id())
                return self._refusal(handlers, command, run_id) or Accepted(run_id=run_id)
            case Oneway(command=command):
                run_id = Id(new_id())
                if (refusal := self._refusal(handlers, command, run_id)) is not None:
                    return refusal
                self._start(handlers.on_oneway(command, run_id), command, run_id)
                return Accepted(run_id=run_id)
            case Submit(command=command):
                return await self._submit(handlers, command)
            case Query(run_id=run_id):
                return self._responses.query(run_id)
            case QueryFinal(run_id=run_id, timeout_s=timeout_s):
                return await self._query_final(run_id, timeout_s)
            case SetTimeFactor(factor=factor):
                self._time_scale.factor = factor
                return Ok()
            case GetComponentStatus():
                return DeviceStatus(
                    prefix=self._spec.prefix,
                    component_type=self._spec.component_type,
                    machine=self._machine,
                    running=self._responses.running,
                    pid=os.getpid(),
                    container=self._container,
                    since=self._birth.since,
                    restarted=self._birth.restarted,
                    restarts=self._birth.restarts,
                )
            case ShutdownComponent():
                await handlers.on_shutdown()
                return Ok()
            case _:
                raise TypeError(f"{self._spec.prefix} does not understand {type(message).__name__}")

    def _refusal(self, handlers: ComponentHandlers, command: ControlCommand, run_id: Id) -> Invalid | Locked | None:
        if self._modes is not None and self._modes.refuses(command.source):
            return Locked(run_id=run_id)
        issue = handlers.validate(command)
        return None if issue is None else Invalid(run_id=run_id, issue=issue)

    async def _submit(self, handlers: ComponentHandlers, command: ControlCommand) -> SubmitResponse:
        run_id = Id(new_id())
        if (refusal := self._refusal(handlers, command, run_id)) is not None:
            return refusal
        task = self._start(handlers.on_submit(command, run_id), command, run_id)
        await asyncio.sleep(0)  # a handler that never waits is done after its first turn, and is answered at once
        return self._responses.query(run_id) if task.done() else Started(run_id=run_id)

    def _start(self, work: Awaitable[SubmitResponse | None], command: ControlCommand, run_id: Id) -> asyncio.Task[None]:
        self._responses.started(run_id, command.command_name)
        task = asyncio.get_running_loop().create_task(self._run(work, run_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _run(self, work: Awaitable[SubmitResponse | None], run_id: Id) -> None:
        try:
            response = _as_own(await work, run_id)
        except Exception as failure:
            response = Error(run_id=run_id, message=str(failure) or type(failure).__name__)
        for ask in self._responses.ended(response):
            self._questions.answer(ask, response)

    async def _query_final(self, run_id: str, timeout_s: float) -> SubmitResponse:
        ask = self._questions.new()
        if (response := self._responses.query_final(run_id, ask)) is not None:
            self._questions.answer(ask, response)
        try:
            return await self._questions.wait(ask, timeout_s, self._spec.prefix)
        finally:
            self._responses.waiters.forget(ask)


def _as_own(response: object, run_id: Id) -> SubmitResponse:
    """What a handler gave back, as the final response of its own run: it may be that of a device it asked itself."""
    if response is None:
        return Completed(run_id=run_id, result=Result())
    if isinstance(response, Completed | Error | Invalid | Cancelled | Locked):
        return response.model_copy(update={"run_id": run_id})
    return Error(run_id=run_id, message=f"on_submit gave back {response!r}, which is no final response")


def _factory(spec: DeviceSpec) -> type[ComponentHandlers]:
    module, _, name = spec.factory.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as failure:
        raise BadInputError(
            where=f"device {spec.prefix}, factory '{spec.factory}'",
            problem=str(failure),
            remedy="write package.module:Class of a ComponentHandlers subclass in the cluster file",
        ) from None
    if not (isinstance(found, type) and issubclass(found, ComponentHandlers)):
        raise BadInputError(
            where=f"device {spec.prefix}, factory '{spec.factory}'",
            problem="it is not a subclass of ComponentHandlers",
            remedy="write package.module:Class of a ComponentHandlers subclass in the cluster file",
        )
    return found
