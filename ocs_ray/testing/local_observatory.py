"""An observatory inside one asyncio loop: event and alarm service, devices and sequencers, without Ray.

::

    async def test_my_script() -> None:
        async with LocalObservatory(time_factor=0.001) as observatory:
            await observatory.start_devices(read_cluster_file(Path("cluster/local.yaml")).devices["IRIS.machine1"])
            await observatory.start_sequencer("IRIS.IRIS_ImagerOnly", "obsmodes/IRIS_ImagerOnly/iris.py", "obsmodes")
            response = await observatory.sequencer("IRIS.IRIS_ImagerOnly").submit_and_wait(sequence)
            assert observatory.commands_to("IRIS.imager.filter") == [...]

It runs the shells that run at night; only what carries the messages differs. Every script still has its thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

from ocs_ray.actors.alarm_service_shell import AlarmServiceShell
from ocs_ray.actors.component_shell import ComponentShell
from ocs_ray.actors.config_service_shell import ConfigServiceShell
from ocs_ray.actors.event_service_shell import EventServiceShell
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.errors import LostReplyError, OcsError, UnreachableError
from ocs_ray.models.actor_names import ALARM_SERVICE, CONFIG_SERVICE, EVENT_SERVICE, actor_name, parse_actor_name
from ocs_ray.models.component_messages import DeviceSpec, ScriptSource, ShutdownComponent
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.message import Message
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.sequencer_messages import Shutdown
from ocs_ray.scripting.command_service import Assembly, Hcd
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.testing.any_loop import AnyLoop
from ocs_ray.testing.traffic import Sent, Traffic
from ocs_ray.testing.waiting import until

MACHINE: Final = Prefix("ESW.local_observatory")
"""What components are told they run on."""

CLOSE_S: Final = 10.0
"""Longest wait, in seconds, for one component to end."""

Ask = Callable[[object], Awaitable[Any]]


class LocalObservatory(Traffic):
    """Carries messages between components of one process, and remembers them.

    It is a ``Port``: scripts and devices find each other through it by name.

    Args:
        time_factor: scales every simulated wait; 1.0 is real time.
        config: folder of the config service; without one there is none.
    """

    def __init__(self, *, time_factor: float = 0.001, config: Path | None = None) -> None:
        super().__init__()
        self.time_factor = time_factor
        self._started: dict[str, ComponentShell | SequencerShell] = {}
        self._components: dict[str, Ask] = {
            EVENT_SERVICE: EventServiceShell().ask,
            ALARM_SERVICE: AlarmServiceShell(self).ask,
        }
        if config is not None:
            self._components[CONFIG_SERVICE] = ConfigServiceShell(str(config)).ask

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- what runs -----------------------------------------------------------------------------------------------

    async def start_devices(self, devices: Iterable[DeviceSpec]) -> None:
        """Start devices, for example those of a cluster file.

        Raises:
            BadInputError: a factory or an option is wrong.
        """
        for device in devices:
            shell = ComponentShell(device, self, self.time_factor, MACHINE)
            await shell.start()
            self._keep(actor_name(device.prefix, device.component_type), shell)

    async def start_sequencer(
        self, prefix: str, script: str | Path | None, root: str | Path, procedure: ProcedureSettings | None = None
    ) -> None:
        """Load a script.

        Args:
            prefix: of the sequencer, for example ``ESW.IRIS_ImagerOnly``.
            script: file with the ``@script`` function; None for a simulated one that completes every command at once.
            root: folder scripts import shared code from.
            procedure: how patient its procedure is, and what suspends it.

        Raises:
            ScriptError: the script cannot be loaded; file, line and fault are named.
        """
        obs_mode = ObsMode.from_prefix(prefix)
        component, port = Prefix(f"{Prefix(prefix).subsystem}.local"), AnyLoop(self)
        shell = SequencerShell(Prefix(prefix), obs_mode, component, port)
        source = None if script is None else ScriptSource(file=str(script), root=str(root))
        await shell.start(source, self.time_factor, settings=procedure)
        self._keep(actor_name(prefix, ComponentType.Sequencer), shell)

    async def configure(self, mode: ObsModeConfig) -> None:
        """Load all scripts of an observing mode."""
        for info, script in mode.sequencers.items():
            await self.start_sequencer(
                info.sequencer_prefix(mode.name), script, mode.root, procedure=mode.procedure_of(info)
            )

    def _keep(self, name: str, shell: ComponentShell | SequencerShell) -> None:
        self._started[name] = shell
        self.put(name, shell.ask)

    def put(self, name: str, ask: Ask) -> None:
        """Let ``ask`` answer for a component: a device of your own making, or one that fails in a certain way.

        Args:
            name: of the component with its type, for example ``IRIS.imager.filter-Assembly``.
        """
        self._components[name] = ask

    def remove(self, name: str) -> None:
        """Let a component vanish: it is unreachable from now on."""
        self._components.pop(name, None)

    async def close(self) -> None:
        """Shut down what was started here, sequencers first: their scripts may have orders for devices at the end."""
        sequencers = {n: shell for n, shell in self._started.items() if isinstance(shell, SequencerShell)}
        devices = {n: shell for n, shell in self._started.items() if isinstance(shell, ComponentShell)}
        for name, shell in sequencers.items():
            await self._end(name, shell, Shutdown())
        await _threads_have_ended({f"strand-{parse_actor_name(name)[0]}" for name in sequencers})
        for name, shell in devices.items():
            await self._end(name, shell, ShutdownComponent())
        self._started.clear()

    async def _end(self, name: str, shell: ComponentShell | SequencerShell, message: Message) -> None:
        with suppress(OcsError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await shell.ask(message)
        self.remove(name)

    # -- what scripts and devices see ----------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names of all components."""
        return sorted(self._components)

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a component and wait for its reply.

        Raises:
            UnreachableError: no such component, or it stayed silent for ``timeout_s`` seconds.
        """
        self.sent.append(Sent(name, message))
        found = self._components.get(name)
        if found is None:
            raise UnreachableError(name=name, reason="is not registered", remedy="start it in the LocalObservatory")
        try:
            async with asyncio.timeout(timeout_s):
                return await found(message)
        except TimeoutError:
            raise LostReplyError(
                name=name, reason=f"did not answer within {timeout_s:g} s", remedy="see what it does"
            ) from None

    # -- what tests use ------------------------------------------------------------------------------------------

    def sequencer(self, prefix: str, timeout: timedelta = timedelta(seconds=60)) -> Sequencer:
        """The sequencer with this prefix."""
        return Sequencer.at(prefix, timeout=timeout, port=self)

    def assembly(self, prefix: str, timeout: timedelta = timedelta(seconds=10)) -> Assembly:
        """The assembly with this prefix."""
        return Assembly(prefix, timeout, self)

    def hcd(self, prefix: str, timeout: timedelta = timedelta(seconds=10)) -> Hcd:
        """The HCD with this prefix."""
        return Hcd(prefix, timeout, self)

    def events(self, source: str = MACHINE) -> Events:
        """The event service, for publishing as ``source`` and for waiting."""
        return Events(source, self)


async def _threads_have_ended(names: set[str]) -> None:
    """Wait for the scripts' threads: they still take leave of the event service, which needs this loop."""
    with suppress(AssertionError):
        await until(lambda: not any(thread.name in names for thread in threading.enumerate()), within_s=CLOSE_S)
