"""A sequence component: loads a script into a sequencer beside it. Source: esw SequenceComponentBehavior.scala."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Final

from ocs_ray.actors.workplace import Directory, Spawner
from ocs_ray.core.component_states import Refused, State, Trigger, decide
from ocs_ray.errors import OcsError, UnreachableError
from ocs_ray.models.actor_names import actor_name, parse_actor_name
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    ScriptLoaded,
    SequenceComponentStatus,
    ShutdownComponent,
    UnloadScript,
)
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetSequenceComponent, GetStatus, SequencerStatus, Shutdown
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.scripting.port import Port

LOAD_S: Final = 60.0
"""Longest a script may take to load, in seconds: its body may send commands to devices."""
SHUTDOWN_S: Final = 5.0
"""Longest a shutdown hook may take, in seconds; then the sequencer is killed."""
STATUS_S: Final = 1.0


class SequenceComponentShell:
    """One sequence component.

    Args:
        prefix: its prefix.
        machine: the machine it runs on.
        directory: who is there, and the door to its sequencer.
        spawner: starts and ends the sequencer.
    """

    def __init__(self, prefix: Prefix, machine: Prefix, directory: Directory, spawner: Spawner) -> None:
        self._prefix, self._machine = prefix, machine
        self._directory: Directory = directory
        self._port: Port = directory
        self._spawner = spawner
        self._loads = 0
        self._state = State.IDLE
        self._loaded: Prefix | None = None

    async def start(self) -> None:
        """Adopt the sequencer that runs in this component already: a restarted component finds it where it was."""
        for name in self._directory.names():
            prefix, component_type = parse_actor_name(name)
            if component_type is not ComponentType.Sequencer:
                continue
            with suppress(OcsError):
                if await self._port.ask(name, GetSequenceComponent(), STATUS_S) == self._prefix:
                    self._loaded, self._state = prefix, State.RUNNING

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.component_messages``."""
        match message:
            case GetComponentStatus():
                return await self._status()
            case LoadScript():
                return await self._load(message)
            case UnloadScript():
                return await self._unload()
            case ShutdownComponent():
                if self._loaded is not None:
                    await self._end_sequencer(self._loaded)
                return Ok()
            case _:
                raise TypeError(f"{self._prefix} does not understand {type(message).__name__}")

    def _move(self, trigger: Trigger) -> Unhandled | None:
        decision = decide(self._state, trigger)
        if isinstance(decision, Refused):
            return Unhandled(state=decision.state, message_type=decision.trigger, msg=decision.text)
        self._state = decision
        return None

    async def _load(self, message: LoadScript) -> ScriptLoaded | LoadingScriptFailed | Unhandled:
        if (refused := self._move(Trigger.LOAD)) is not None:
            return refused
        name = actor_name(message.prefix, ComponentType.Sequencer)
        self._loaded, spawned = message.prefix, False
        self._loads += 1
        try:
            await self._spawner.spawn_sequencer(message.prefix, message.obs_mode, self._prefix)
            spawned = True
            await self._port.ask(name, message, LOAD_S)
        except OcsError as failure:
            if spawned:
                await self._spawner.kill(name)
            self._loaded = None
            self._move(Trigger.LOAD_FAILED)
            return LoadingScriptFailed(msg=str(failure))
        self._move(Trigger.LOADED)
        return ScriptLoaded(prefix=message.prefix)

    async def _unload(self) -> Ok | Unhandled:
        if (refused := self._move(Trigger.UNLOAD)) is not None:
            return refused
        if self._loaded is not None:
            await self._end_sequencer(self._loaded)
        self._loaded = None
        self._move(Trigger.UNLOADED)
        return Ok()

    async def _end_sequencer(self, prefix: Prefix) -> None:
        name = actor_name(prefix, ComponentType.Sequencer)
        with suppress(UnreachableError):  # gone already, or its script hangs: it is killed either way
            await self._port.ask(name, Shutdown(), SHUTDOWN_S)
        await self._spawner.kill(name)

    async def _status(self) -> SequenceComponentStatus:
        sequencer: SequencerStatus | None = None
        loads = self._loads
        if self._loaded is not None and self._state is State.RUNNING:
            try:
                sequencer = await self._port.ask(
                    actor_name(self._loaded, ComponentType.Sequencer), GetStatus(), STATUS_S
                )
            except UnreachableError as failure:
                same = loads == self._loads and self._state is State.RUNNING  # not another one meanwhile
                if same and "did not answer" not in failure.reason:
                    self._loaded = None
                    self._move(Trigger.LOST)
        return SequenceComponentStatus(
            prefix=self._prefix,
            machine=self._machine,
            state=self._state,
            loaded=self._loaded,
            sequencer=sequencer,
            pid=os.getpid(),
        )
