"""What the shells need from the place they run in; Ray provides it at night, plain objects in a unit test."""

from __future__ import annotations

from typing import Protocol

from ocs_ray.models.component_messages import DeviceSpec, ScriptSource
from ocs_ray.models.component_note import ComponentNote
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.scripting.port import Port


class Spawner(Protocol):
    """Starts and ends the actors of one machine. A failed start leaves nothing behind."""

    async def spawn_sequence_component(self, prefix: Prefix) -> None:
        """Start a sequence component and wait until it answers.

        Raises:
            NameTakenError: the name is taken.
            ClusterError: it did not come up in time, or died while it started.
        """
        ...

    async def spawn_sequence_manager(self, catalogue: str, time_factor: float, simulation: bool) -> None:
        """Start the Sequence Manager and wait until it answers.

        Raises:
            NameTakenError: the name is taken.
            ClusterError: it did not come up in time, or died while it started.
        """
        ...

    async def spawn_device(self, device: DeviceSpec, time_factor: float, container: Prefix | None = None) -> None:
        """Start a device and wait until it answers.

        Raises:
            NameTakenError: the name is taken.
            ClusterError: it did not come up in time, or died while it started.
            BadInputError: its factory cannot be imported.
        """
        ...

    async def spawn_sequencer(self, prefix: Prefix, obs_mode: ObsMode, sequence_component: Prefix) -> None:
        """Start a sequencer without a script yet and wait until it answers.

        Raises:
            NameTakenError: the name is taken.
            ClusterError: it did not come up in time, or died while it started.
        """
        ...

    async def kill(self, name: str) -> None:
        """End an actor for certain; one that is gone already is no error."""
        ...


class Scripts(Protocol):
    """Scripts where a sequencer can read them."""

    async def here(self, script: ScriptSource) -> ScriptSource:
        """The same with paths of this machine; a package that is elsewhere is fetched first.

        Raises:
            OcsError: the package is not there any more, or does not arrive.
        """
        ...


class Notes(Protocol):
    """What outlives the process of a sequence component, and the machine it ran on."""

    def write(self, component: Prefix, note: ComponentNote) -> None:
        """Keep what the component must know when it comes back; an empty note is as good as none."""
        ...

    def read(self, component: Prefix) -> ComponentNote:
        """What was kept last; an empty note when there is nothing."""
        ...


class Reservations(Protocol):
    """Holds the resources of observing modes for the whole observatory, so that no second manager can double-book."""

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> str | None:
        """Take all resources of a mode, or none.

        Returns:
            What tells this reservation from any later one of the mode, for ``release`` and ``holds``; None when
            something holds one of the resources, or the mode holds some.
        """
        ...

    async def holds(self, mode: ObsMode, reservation: str) -> bool:
        """Whether this reservation of a mode still stands: another manager may have released it."""
        ...

    async def release(self, mode: ObsMode, reservation: str | None = None) -> None:
        """Give the resources of a mode back; releasing what is not held is no error.

        Args:
            reservation: the only one that is meant, whichever when left out.
        """
        ...

    async def held(self) -> dict[ObsMode, tuple[Subsystem, ...]]:
        """Mode -> the resources it holds now, which may differ from what its file says by now."""
        ...

    def offered(self) -> frozenset[Subsystem]:
        """The resources some node of the cluster offers at all, held or not."""
        ...


Directory = Port
"""The location service: who is there, and the door to them."""
