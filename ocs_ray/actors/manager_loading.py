"""Having sequence components start sequencers, and taking back what was started when it does not work out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ocs_ray.actors.manager_ending import Ending
from ocs_ray.actors.manager_reading import STATUS_S, Observatory, reason_of
from ocs_ray.core.mode_watch import ModeWatch
from ocs_ray.errors import OperationFailedError
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    ScriptLoaded,
    SequenceComponentStatus,
)
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_replies import Unhandled

LOAD_S: Final = 90.0
"""Longest wait for a component to load a script, in seconds; it gives up itself after 60."""

COME_UP_S: Final = 35.0
"""How long a sequencer that was asked for may take to appear, in seconds: a cold process on a busy machine takes 30."""
AGAIN_S: Final = 0.1
"""Pause between two looks for it, in seconds."""

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

    async def all_or_none(self, loads: Sequence[Load]) -> tuple[str, ...]:
        """Load all scripts at the same time. Unless all of them run in the end, none does.

        Args:
            loads: what ``resolved`` gave.

        Returns:
            Why it did not work, each text once; empty when all run.
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
            complete = not reasons
        finally:
            if not complete:
                reasons += await self._undo(begun)
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
        """End a sequencer that runs or comes up; one that is not there yet is waited for, lest it stays for ever."""
        prefix, component = load.message.prefix, load.component
        deadline = asyncio.get_running_loop().time() + COME_UP_S
        while prefix not in self._seen.registered().sequencers:
            kind = ComponentType.SequenceComponent
            status = await self._seen.try_ask(component, kind, GetComponentStatus(), STATUS_S)
            if isinstance(status, SequenceComponentStatus) and status.loaded != prefix:
                return None
            if asyncio.get_running_loop().time() > deadline:
                return await self._end_component(component)
            await asyncio.sleep(AGAIN_S)
        return await self._ending.sequencer(prefix)

    async def _end_component(self, component: Prefix) -> str | None:
        try:
            await self._ending.components([component])
        except OperationFailedError as failure:
            return str(failure)
        return None
