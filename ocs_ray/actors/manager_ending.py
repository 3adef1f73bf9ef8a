"""Ending sequencers and sequence components, and releasing what the modes that end with them held."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ocs_ray.actors.manager_reading import Components, Observatory, reason_of
from ocs_ray.actors.winding_up import carried_out
from ocs_ray.core.manager_states import RELEASE_S
from ocs_ray.core.mode_ending import homes_of, releasable
from ocs_ray.core.mode_watch import ModeWatch, in_transit
from ocs_ray.core.resource_conflict import running_modes
from ocs_ray.errors import OperationFailedError
from ocs_ray.models.agent_messages import AgentStatus, KillComponent, Killed
from ocs_ray.models.component_messages import ShutdownComponent, UnloadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetSequenceComponent
from ocs_ray.models.sequencer_replies import Ok

UNLOAD_S: Final = 15.0
"""Longest wait for a sequencer to end, in seconds: its shutdown hook may take 5."""
KILL_S: Final = 25.0
"""Longest wait for an agent to kill somebody, in seconds: it asks politely first, which may take 8."""
HOME_S: Final = 2.0
"""Longest wait for a sequencer to say which component it is in, in seconds."""

LEAVE_S: Final = 2.0
"""How long a component that ends itself may stay registered, in seconds."""
AGAIN_S: Final = 0.05
"""Pause between two looks whether it is gone, in seconds."""


class Ending:
    """Ends sequencers and components; one that hangs holds up nobody else.

    Args:
        seen: the observatory.
        watch: is told who is ended, so that nobody is taken for lost.
    """

    def __init__(self, seen: Observatory, watch: ModeWatch) -> None:
        self._seen, self._watch = seen, watch

    # -- sequencers ----------------------------------------------------------------------------------------------

    async def sequencers(self, sequencers: Iterable[Prefix], components: Components | None = None) -> None:
        """End sequencers, all at the same time; their components stay. Modes without an ESW sequencer are released.

        Args:
            components: what the components say, when they were just asked: then nobody is asked where a sequencer is.

        Raises:
            OperationFailedError: names every sequencer that could not be ended, and why.
        """
        ended = tuple(sequencers)
        if not ended:
            return
        homes = homes_of(components or {})
        starting = None if components is None else set(in_transit(components.values()))

        async def end(prefix: Prefix) -> str | None:
            failure = await self._sequencer(prefix, homes.get(prefix))
            if starting is not None and failure is None:
                starting.discard(prefix)
            return failure

        try:
            failures = await asyncio.gather(*map(end, ended))
        finally:
            await self.release(running_modes(ended), starting=starting)
        _raise_all(failures)

    async def sequencer(self, prefix: Prefix) -> str | None:
        """End one sequencer; what its mode holds is not touched.

        Returns:
            Why it could not be ended, None when it was.
        """
        return await self._sequencer(prefix)

    async def _sequencer(self, prefix: Prefix, home: Prefix | None = None) -> str | None:
        self._watch.ended([prefix])
        home = home or await self.home(prefix)
        if home is not None:
            message = UnloadScript(prefix=prefix)
            reply = await self._seen.try_ask(home, ComponentType.SequenceComponent, message, UNLOAD_S)
            if isinstance(reply, Ok):
                return None
        # Its component hangs, is gone, or is another by now: the process is ended in its stead.
        failure = await self._kill(prefix, ComponentType.Sequencer, None)
        return None if failure is None else f"{prefix}: {failure}"

    async def home(self, prefix: Prefix) -> Prefix | None:
        """The component a sequencer is in: it knows, and when it does not answer, its component does."""
        reply = await self._seen.try_ask(prefix, ComponentType.Sequencer, GetSequenceComponent(), HOME_S)
        if isinstance(reply, Prefix):
            return reply
        components = await self._seen.components(self._seen.registered())
        return next((name for name, s in components.items() if s is not None and s.loaded == prefix), None)

    # -- components ----------------------------------------------------------------------------------------------

    async def components(self, components: Iterable[Prefix]) -> None:
        """End components and the sequencers in them, all at the same time; modes that end with them are released.

        Raises:
            OperationFailedError: names every component or sequencer that could not be ended, and why.
        """
        ended = tuple(components)
        if not ended:
            return
        registered = self._seen.registered()
        statuses, agents = await asyncio.gather(self._seen.components(registered), self._seen.agents(registered))
        homes = await asyncio.gather(*map(self.home, registered.sequencers))
        inside = {prefix for prefix, home in zip(registered.sequencers, homes, strict=True) if home in ended}
        inside |= in_transit(status for prefix, status in statuses.items() if prefix in ended)
        self._watch.ended(inside)
        try:
            failures = [*await asyncio.gather(*(self._component(p, _owner(p, statuses, agents)) for p in ended))]
            # A component that hung could not end its sequencer, which has a process of its own.
            orphans = [prefix for prefix in inside if prefix in self._seen.registered().sequencers]
            failures += await asyncio.gather(*map(self._sequencer, orphans))
        finally:
            await self.release(running_modes(inside))
        _raise_all(failures)

    async def _component(self, prefix: Prefix, owner: Prefix | None) -> str | None:
        failure = await self._kill(prefix, ComponentType.SequenceComponent, owner)
        if failure is not None:  # no agent can: it may still end itself
            kind = ComponentType.SequenceComponent
            reply = await self._seen.try_ask(prefix, kind, ShutdownComponent(), UNLOAD_S)
            if not isinstance(reply, Ok) or not await self._has_left(prefix):
                return f"{prefix}: {failure}"
        return None

    async def _has_left(self, component: Prefix) -> bool:
        """Whether a component that said goodbye is gone; its process ends a little after its reply."""
        deadline = asyncio.get_running_loop().time() + LEAVE_S
        while component in self._seen.registered().components:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(AGAIN_S)
        return True

    async def _kill(self, prefix: Prefix, kind: ComponentType, owner: Prefix | None) -> str | None:
        """Have an agent end somebody, its own if that answers; another can, when a machine is lost."""
        answering = [a for a, status in (await self._seen.agents(self._seen.registered())).items() if status]
        failure: str | None = None
        for agent in sorted(answering, key=lambda agent: (agent != owner, agent.subsystem != prefix.subsystem)):
            message = KillComponent(prefix=prefix, component_type=kind)
            reply = await self._seen.try_ask(agent, ComponentType.Machine, message, KILL_S)
            if isinstance(reply, Killed):
                return None
            failure = failure or reason_of(reply)
        return failure or "no agent answers that could end it"

    # -- what modes hold -----------------------------------------------------------------------------------------

    async def release(
        self, modes: Iterable[ObsMode], reservation: str | None = None, starting: Collection[Prefix] | None = None
    ) -> None:
        """Release those modes that have no ESW sequencer any more, and none that comes up.

        Args:
            reservation: the only one that is meant, when another manager may have made a new one meanwhile.
            starting: sequencers that come up; the components are asked when it is not known. Whoever begins a load
                after that looks in the end whether its reservation still stands.
        """
        if named := tuple(modes):
            await carried_out(self._release(named, reservation, starting), RELEASE_S)

    async def _release(
        self, modes: tuple[ObsMode, ...], reservation: str | None, starting: Collection[Prefix] | None
    ) -> None:
        held = await self._seen.held()
        if not (over := [mode for mode in modes if mode in held]):
            return
        if starting is None:
            starting = in_transit((await self._seen.components(self._seen.registered())).values())
        for mode in releasable(over, self._seen.registered().sequencers, starting):
            await self._seen.reservations.release(mode, reservation)


def _owner(component: Prefix, statuses: Components, agents: Mapping[Prefix, AgentStatus | None]) -> Prefix | None:
    status = statuses.get(component)
    if status is not None:
        return status.machine
    name = f"{component}-{ComponentType.SequenceComponent}"
    return next((agent for agent, answer in agents.items() if answer is not None and name in answer.children), None)


def _raise_all(failures: Iterable[str | None]) -> None:
    if found := sorted(failure for failure in failures if failure is not None):
        raise OperationFailedError(reason="; ".join(found))
