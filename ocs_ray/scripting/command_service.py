"""Commands to assemblies and HCDs. Source: esw CommandServiceDsl.kt, RichComponent.kt."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Self

from ocs_ray.errors import CommandError
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.component_messages import Oneway, Submit, Validate
from ocs_ray.models.component_modes import (
    DeviceDiagnosticMode,
    DeviceGoOffline,
    DeviceGoOnline,
    DeviceOperationsMode,
    LockResponse,
    UnlockResponse,
)
from ocs_ray.models.events import CurrentState
from ocs_ray.models.identifiers import Id
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.responses import OnewayResponse, Started, SubmitResponse, ValidateResponse
from ocs_ray.models.sequencer_messages import Query
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting.background import Background, Cancellable
from ocs_ray.scripting.device_modes import DeviceModes
from ocs_ray.scripting.patient_request import ask_for_end
from ocs_ray.scripting.port import Port, current_port

Callback = Callable[[], Awaitable[None]]
StateCallback = Callable[[CurrentState], Awaitable[None]]

ASK_S: Final = 5.0
"""Longest wait for an answer that is given at once, in seconds."""


def raise_if_negative(response: SubmitResponse, *, target: str, command: str) -> None:
    """Turn Invalid, Error, Cancelled and Locked into an exception.

    Raises:
        CommandError: ``response`` is negative.
    """
    if response.is_negative:
        raise negative(response, target=target, command=command)


def negative(response: SubmitResponse, *, target: str, command: str) -> CommandError:
    """The exception a response that was not wished for becomes."""
    return CommandError(
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

    def through(self, port: Port) -> Self:
        """The same component through this door, whoever asks."""
        other = copy.copy(self)
        other._port = port
        return other

    async def query(self, run_id: str, *, resume_on_error: bool = False) -> SubmitResponse:
        """The response of a run as it stands.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self.port.ask(self.name, Query(run_id=Id(run_id)), ASK_S)
        return self._judged(response, "query", resume_on_error)

    async def query_final(
        self, run_id: str, timeout: timedelta | None = None, *, resume_on_error: bool = False
    ) -> SubmitResponse:
        """The final response of a run, waiting up to ``timeout`` (default: the entity's own).

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
            UnreachableError: no final response within the time limit, or the component died.
        """
        response: SubmitResponse = await self._end_of(run_id, timeout)
        return self._judged(response, "query_final", resume_on_error)

    async def _finish(
        self, first: SubmitResponse, what: str, timeout: timedelta | None, resume_on_error: bool
    ) -> SubmitResponse:
        if isinstance(first, Started):
            first = await self._end_of(first.run_id, timeout)
        return self._judged(first, what, resume_on_error)

    async def _end_of(self, run_id: str, timeout: timedelta | None) -> SubmitResponse:
        limit = self.timeout if timeout is None else timeout
        return await ask_for_end(self.port, self.name, run_id, limit.total_seconds())

    def _judged(self, response: SubmitResponse, what: str, resume_on_error: bool) -> SubmitResponse:
        if not resume_on_error:
            raise_if_negative(response, target=self.name, command=what)
        return response


class _Device(RunningCommands):
    def __init__(
        self,
        prefix: str,
        component_type: ComponentType,
        timeout: timedelta,
        port: Port | None,
        source: Prefix | None,
        background: Background | None,
    ) -> None:
        super().__init__(prefix, component_type, timeout, port)
        self._modes = DeviceModes(self.name, lambda: self.port, source, background)

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

    # -- locks, current states, modes ------------------------------------------------------------------------------

    async def lock(
        self, lease: timedelta, on_about_to_expire: Callback | None = None, on_expired: Callback | None = None
    ) -> LockResponse:
        """Let the device take only this script's commands for a while: LockAcquired or AcquiringLockFailed.

        Args:
            lease: how long; asked again, it begins anew.
            on_about_to_expire: is called when nine tenths of it have passed.
            on_expired: is called when it has ended; not when it was unlocked.
        """
        return await self._modes.lock(lease, on_about_to_expire, on_expired)

    async def unlock(self) -> UnlockResponse:
        """Let the device take everybody's commands: LockReleased, LockAlreadyReleased or ReleasingLockFailed."""
        return await self._modes.unlock()

    def subscribe_current_state(self, *names: str) -> Callable[[StateCallback], Cancellable]:
        """Call the decorated function with the device's current states of these names (all when none is given).

        The latest one of each name comes first; they come one at a time.
        """
        return lambda callback: self._modes.subscribe(names, callback)

    async def go_online(self) -> None:
        """Tell the device to go online; only acknowledged at once, as are the next three."""
        await self._modes.tell(DeviceGoOnline())

    async def go_offline(self) -> None:
        """Tell the device to go offline."""
        await self._modes.tell(DeviceGoOffline())

    async def diagnostic_mode(self, start_time: UTCTime, hint: str) -> None:
        """Tell the device to publish diagnostic data of the kind ``hint`` from ``start_time`` on."""
        await self._modes.tell(DeviceDiagnosticMode(start_time=start_time, hint=hint))

    async def operations_mode(self) -> None:
        """Tell the device to go back from diagnostic mode."""
        await self._modes.tell(DeviceOperationsMode())


class Assembly(_Device):
    """An assembly: ``Assembly("IRIS.imager.filter")``; commands wait up to ``timeout`` (10 s, as in ESW).

    Args:
        prefix: its prefix.
        timeout: longest wait of submit_and_wait and query_final.
        port: the door to use; the running script's, or that of ``connect()``, when left out.
        source: in whose name it is locked.
        background: keeps subscriptions; a script's own context gives it.
    """

    def __init__(
        self,
        prefix: str,
        timeout: timedelta = timedelta(seconds=10),
        port: Port | None = None,
        *,
        source: Prefix | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(prefix, ComponentType.Assembly, timeout, port, source, background)


class Hcd(_Device):
    """A hardware control daemon, addressed like an assembly; arguments as there."""

    def __init__(
        self,
        prefix: str,
        timeout: timedelta = timedelta(seconds=10),
        port: Port | None = None,
        *,
        source: Prefix | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(prefix, ComponentType.HCD, timeout, port, source, background)
