"""Having sequence components start sequencers, and taking back what was started when it does not work out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, NamedTuple

from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_reading import STATUS_S, Observatory, reason_of
from ocs_ray.actors.winding_up import carried_out
from ocs_ray.core.manager_states import UNDO_S
from ocs_ray.core.mode_watch import ModeWatch
from ocs_ray.errors import OperationFailedError
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    ScriptLoaded,
    SequenceComponentStatus,
)
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_replies import Unhandled

LOAD_S: Final = 90.0
"""Longest wait for a component to load a script, in seconds; it gives up itself after 60."""

SILENT_S: Final = 5.0
"""How long a component may leave open whether it loads what has to be taken down, in seconds."""
AGAIN_S: Final = 0.1
"""Pause between two questions, in seconds."""
TOO_LONG: Final = f"what had started could not be taken down within {UNDO_S:g} s: see what is left with ocs status"

log = logging.getLogger("ocs.manager")


class Load(NamedTuple):
    """One sequencer to be started."""

    component: Prefix
    message: LoadScript


class Loading:
    """Loads scripts.

    Args:
        seen: the observatory.
        ending: takes sequencers down again.
        watch: is told what was started.
    """

    def __init__(self, seen: Observatory, ending: Ending, watch: ModeWatch) -> None:
        self._seen, self._ending, self._watch = seen, ending, watch

    async def resolved(self, loads: Sequence[Load]) -> tuple[list[Load], tuple[str, ...]]:
        """The same loads with the files of the packages they name. It may take long: reserve nothing before.

        Returns:
            The loads, and why some of them have no files, each text once.
        """
        answers = await asyncio.gather(*(self._seen.resolve(one.message) for one in loads))
        found = [
            Load(one.component, answer)
            for one, answer in zip(loads, answers, strict=True)
            if isinstance(answer, LoadScript)
        ]
        return found, tuple(sorted({str(answer) for answer in answers if not isinstance(answer, LoadScript)}))

    async def holding(self, mode: ObsMode, reservation: str, loads: Sequence[Load]) -> tuple[str, ...] | None:
        """Load all scripts for a mode, or none; what it reserved is released again unless all of them run.

        Another manager may shut the mode down before a component has even begun to load, and sees nothing to end. So
        it counts only when the reservation still stands in the end: what was free meanwhile may be another mode's.

        Args:
            reservation: what ``reserve`` gave.
            loads: what ``resolved`` gave.

        Returns:
            As ``all_or_none``; None when the reservation was gone, and nothing runs.
        """
        held = started = False

        async def still_held() -> bool:
            nonlocal held
            held = await self._seen.reservations.holds(mode, reservation)
            return held

        try:
            reasons = await self.all_or_none(loads, still_held)
            started = held and not reasons
        finally:
            if not started:
                await self._ending.release([mode], reservation)
        return reasons if reasons or held else None

    async def all_or_none(
        self, loads: Sequence[Load], wanted: Callable[[], Awaitable[bool]] | None = None
    ) -> tuple[str, ...]:
        """Load all scripts at the same time. Unless all of them run in the end, none does.

        Args:
            loads: what ``resolved`` gave.
            wanted: asked when all run; unless they are wanted, they are taken down again.

        Returns:
            Why it did not work, each text once; empty when all run, or none was wanted.
        """
        # A component that refused is not ours to unload: another manager may use it. All others may have begun.
        begun = set(loads)
        reasons: list[str] = []

        async def load(one: Load) -> None:
            reply = await self._seen.try_ask(one.component, ComponentType.SequenceComponent, one.message, LOAD_S)
            if isinstance(reply, LoadingScriptFailed | Unhandled):
                begun.discard(one)
            if not isinstance(reply, ScriptLoaded):
                reasons.append(reason_of(reply))

        complete = False
        try:
            await asyncio.gather(*map(load, loads))
            complete = not reasons and (wanted is None or await wanted())
        finally:
            if not complete:
                undone = await carried_out(self._undo(begun), UNDO_S)
                reasons += [TOO_LONG] if undone is None else undone
        if complete:
            self._watch.started({one.message.prefix: one.component for one in loads})
        return tuple(sorted(set(reasons)))

    async def _undo(self, begun: Iterable[Load]) -> list[str]:
        failures = await asyncio.gather(*map(self._take_down, begun))
        found = [f"it could not be taken down again: {failure}" for failure in failures if failure is not None]
        for text in found:
            log.error("after a failed start: %s", text)
        return found

    async def _take_down(self, load: Load) -> str | None:
        """End a sequencer that runs or comes up. A component that does not say whether one does is ended itself."""
        prefix, component = load.message.prefix, load.component
        deadline = asyncio.get_running_loop().time() + SILENT_S
        while prefix not in (registered := self._seen.registered()).sequencers:
            kind = ComponentType.SequenceComponent
            status = await self._seen.try_ask(component, kind, GetComponentStatus(), STATUS_S)
            if isinstance(status, SequenceComponentStatus):
                return await self._ending.sequencer(prefix) if status.loaded == prefix else None
            if component not in registered.components or asyncio.get_running_loop().time() > deadline:
                return await self._end_component(load)
            await asyncio.sleep(AGAIN_S)
        home = await self._ending.home(prefix)
        return await self._ending.sequencer(prefix) if home in (None, component) else None  # else somebody else's

    async def _end_component(self, load: Load) -> str | None:
        try:
            await self._ending.components([load.component])
        except OperationFailedError as failure:
            return str(failure)
        gone = load.message.prefix not in self._seen.registered().sequencers
        return None if gone else await self._ending.sequencer(load.message.prefix)


def taken_away(mode: ObsMode) -> str:
    """Why nothing of a mode runs whose scripts all loaded."""
    return f"{mode} was shut down by another Sequence Manager while its scripts loaded: configure it again"
