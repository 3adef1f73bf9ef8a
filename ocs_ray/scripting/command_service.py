"""Commands to assemblies and HCDs. Source: esw CommandServiceDsl.kt, RichComponent.kt."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ocs_ray.errors import CommandError
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.component_messages import Oneway, Submit, Validate
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.responses import OnewayResponse, Started, SubmitResponse, ValidateResponse
from ocs_ray.models.sequencer_messages import Query, QueryFinal
from ocs_ray.scripting.port import Port, current_port

ASK_S: Final = 5.0
"""Longest wait for an answer that is given at once, in seconds."""


def raise_if_negative(response: SubmitResponse, *, target: str, command: str) -> None:
    """Turn Invalid, Error, Cancelled and Locked into an exception.

    Raises:
        CommandError: ``response`` is negative.
    """
    if response.is_negative:
        raise CommandError(
            target=target,
            command=command,
            run_id=str(response.run_id),
            outcome=type(response).__name__,
            reason=response.reason,
        )


class RunningCommands:
    """Submit, query and wait: the same for a device and for a sequencer.

    The component is looked up at every call, so an entity may be made for something that does not run yet.
    """

    def __init__(self, prefix: str, component_type: ComponentType, timeout: timedelta, port: Port | None) -> None:
        self.prefix = Prefix(prefix)
        self.timeout = timeout
        self.name = actor_name(prefix, component_type)
        self._port = port

    @property
    def port(self) -> Port:
        """The door in use: the one given, else the one of the running script or of ``connect()``."""
        return self._port or current_port()

    async def query(self, run_id: str, *, resume_on_error: bool = False) -> SubmitResponse:
        """The response of a run as it stands.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self.port.ask(self.name, Query(run_id=run_id), ASK_S)
        return self._judged(response, "query", resume_on_error)

    async def query_final(
        self, run_id: str, timeout: timedelta | None = None, *, resume_on_error: bool = False
    ) -> SubmitResponse:
        """The final response of a run, waiting up to ``timeout`` (default: the entity's own).

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
            UnreachableError: no final response within the time limit, or the component died.
        """
        limit_s = (timeout or self.timeout).total_seconds()
        message = QueryFinal(run_id=run_id, timeout_s=limit_s)
        response: SubmitResponse = await self.port.ask(self.name, message, limit_s + ASK_S)
        return self._judged(response, "query_final", resume_on_error)

    async def _finish(
        self, first: SubmitResponse, what: str, timeout: timedelta | None, resume_on_error: bool
    ) -> SubmitResponse:
        if isinstance(first, Started):
            limit_s = (timeout or self.timeout).total_seconds()
            message = QueryFinal(run_id=str(first.run_id), timeout_s=limit_s)
            first = await self.port.ask(self.name, message, limit_s + ASK_S)
        return self._judged(first, what, resume_on_error)

    def _judged(self, response: SubmitResponse, what: str, resume_on_error: bool) -> SubmitResponse:
        if not resume_on_error:
            raise_if_negative(response, target=self.name, command=what)
        return response


class _Device(RunningCommands):
    async def validate(self, command: ControlCommand) -> ValidateResponse:
        """Would this command be accepted now? Accepted, Invalid or Locked."""
        return await self.port.ask(self.name, Validate(command=command), ASK_S)

    async def oneway(self, command: ControlCommand) -> OnewayResponse:
        """Run a command whose end is of no interest: Accepted, Invalid or Locked."""
        return await self.port.ask(self.name, Oneway(command=command), ASK_S)

    async def submit(self, command: ControlCommand, *, resume_on_error: bool = False) -> SubmitResponse:
        """Run a command; Started when it goes on, else its final response.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self.port.ask(self.name, Submit(command=command), ASK_S)
        return self._judged(response, command.command_name, resume_on_error)

    async def submit_and_wait(
        self, command: ControlCommand, timeout: timedelta | None = None, *, resume_on_error: bool = False
    ) -> SubmitResponse:
        """Run a command to its final response, waiting up to ``timeout`` (default: the entity's own).

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
            UnreachableError: no final response within the time limit, or the component died.
        """
        first: SubmitResponse = await self.port.ask(self.name, Submit(command=command), ASK_S)
        return await self._finish(first, command.command_name, timeout, resume_on_error)


class Assembly(_Device):
    """An assembly: ``Assembly("IRIS.imager.filter")``; commands wait up to ``timeout`` (10 s, as in ESW)."""

    def __init__(self, prefix: str, timeout: timedelta = timedelta(seconds=10), port: Port | None = None) -> None:
        super().__init__(prefix, ComponentType.Assembly, timeout, port)


class Hcd(_Device):
    """A hardware control daemon, addressed like an assembly."""

    def __init__(self, prefix: str, timeout: timedelta = timedelta(seconds=10), port: Port | None = None) -> None:
        super().__init__(prefix, ComponentType.HCD, timeout, port)
