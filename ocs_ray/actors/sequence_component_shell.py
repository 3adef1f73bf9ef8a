"""A sequence component: loads a script into a sequencer beside it. Source: esw SequenceComponentBehavior.scala."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from typing import Any, Final

from ocs_ray.actors.birth import Birth
from ocs_ray.actors.sequencer_watch import end_of
from ocs_ray.actors.workplace import Directory, Notes, Scripts, Spawner
from ocs_ray.core.component_states import Refused, State, Trigger, decide
from ocs_ray.errors import OcsError, ScriptError
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    LostSequencer,
    RestartScript,
    ScriptLoaded,
    SequenceComponentStatus,
    ShutdownComponent,
    UnloadScript,
)
from ocs_ray.models.component_note import ComponentNote
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.sequencer_messages import GetSequenceComponent, GetStatus, SequencerStatus, Shutdown
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.time_service import utc_time_now

LOAD_S: Final = 60.0
"""Longest a script may take to load, in seconds: its body may send commands to devices."""
SHUTDOWN_S: Final = 5.0
"""Longest a shutdown hook may take, in seconds; then the sequencer is killed."""
STATUS_S: Final = 1.0
REPLIES_S: Final = 0.2
"""How long a sequencer somebody else shut down keeps its process, in seconds: its last replies are on their way."""

log = logging.getLogger("ocs.sequence_component")


class SequenceComponentShell:
    """One sequence component.

    Args:
        prefix: its prefix.
        machine: the machine it runs on.
        directory: who is there, and the door to its sequencer.
        spawner: starts and ends the sequencer.
        notes: what it finds again when its process was restarted.
        birth: when its process began.
        scripts: brings a package's script to this machine.
    """

    def __init__(
        self,
        prefix: Prefix,
        machine: Prefix,
        directory: Directory,
        spawner: Spawner,
        notes: Notes,
        birth: Birth,
        scripts: Scripts,
    ) -> None:
        self._prefix, self._machine, self._birth, self._scripts = prefix, machine, birth, scripts
        self._directory: Directory = directory
        self._port: Port = directory
        self._spawner, self._notes = spawner, notes
        self._state = State.IDLE
        self._loaded: LoadScript | None = None
        self._lost: LostSequencer | None = None
        self._loading: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._leaving = False

    async def start(self) -> None:
        """A restarted component adopts the sequencer that still runs in it, or reports it lost; a new one is idle."""
        if not self._birth.restarted:
            self._notes.write(self._prefix, ComponentNote())
            return
        note = self._notes.read(self._prefix)
        self._loaded, self._lost = note.loaded, note.lost
        if self._loaded is None:
            return
        self._state = State.RUNNING
        if await self._still_runs(self._loaded):
            self._begin_watch()
        else:
            self._sequencer_lost("it was gone when its sequence component had been restarted")

    async def _still_runs(self, load: LoadScript) -> bool:
        """Whether it is there and ours; one that does not answer is, its watch will tell."""
        name = actor_name(load.prefix, ComponentType.Sequencer)
        try:
            return await self._port.ask(name, GetSequenceComponent(), STATUS_S) == self._prefix
        except OcsError:
            return name in self._directory.names()

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.component_messages``."""
        match message:
            case GetComponentStatus():
                return await self._status()
            case LoadScript():
                return self._move(Trigger.LOAD) or await self._load(message)
            case RestartScript(load=load) if load is not None and not self._has(load.prefix):
                return self._not_here(Trigger.RESTART, load.prefix)
            case RestartScript(load=load):
                return self._move(Trigger.RESTART) or await self._restart(load)
            case UnloadScript(prefix=prefix) if self._lost is not None and self._lost.prefix == prefix:
                self._remember(loaded=self._loaded, lost=None)
                return Ok()
            case UnloadScript(prefix=prefix) if prefix is not None and not self._has(prefix):
                return self._not_here(Trigger.UNLOAD, prefix)
            case UnloadScript():
                return self._move(Trigger.UNLOAD) or await self._unload()
            case ShutdownComponent():
                return self._move(Trigger.SHUTDOWN) or await self._shutdown()
            case _:
                raise TypeError(f"{self._prefix} does not understand {type(message).__name__}")

    def _has(self, sequencer: Prefix) -> bool:
        return self._loaded is not None and self._loaded.prefix == sequencer

    def _not_here(self, trigger: Trigger, sequencer: Prefix) -> Unhandled:
        return Unhandled(state=self._state, message_type=trigger, msg=f"{sequencer} is not in {self._prefix}")

    def _move(self, trigger: Trigger) -> Unhandled | None:
        decision = decide(self._state, trigger)
        if isinstance(decision, Refused):
            return Unhandled(state=decision.state, message_type=decision.trigger, msg=decision.text)
        self._state = decision
        return None

    # -- load, restart, unload -----------------------------------------------------------------------------------

    async def _load(self, load: LoadScript) -> ScriptLoaded | LoadingScriptFailed:
        """Start a sequencer; whoever unloads or shuts down meanwhile cancels that, and sees to the rest."""
        self._remember(loaded=load, lost=None)
        loading = self._loading = asyncio.create_task(self._bring_up(load))
        await asyncio.wait({loading})
        if loading.cancelled():
            return _ended(load)
        if (failure := loading.exception()) is not None:  # whatever it was: the component must be idle again
            self._remember(loaded=None, lost=None)
            self._move(Trigger.LOAD_FAILED)
            return LoadingScriptFailed(msg=_text(failure))
        if self._loaded is not load or self._move(Trigger.LOADED) is not None:
            return _ended(load)
        self._begin_watch()
        return ScriptLoaded(prefix=load.prefix)

    async def _bring_up(self, load: LoadScript) -> None:
        """A new sequencer with its script; when that fails, or is cancelled, nothing of it is left."""
        name = actor_name(load.prefix, ComponentType.Sequencer)
        readable = await self._readable(load)
        await self._spawner.spawn_sequencer(load.prefix, load.obs_mode, self._prefix)
        try:
            await self._port.ask(name, readable, LOAD_S)
        except BaseException:
            await self._kill(name)
            raise

    async def _readable(self, load: LoadScript) -> LoadScript:
        """The same with a script that lies on this machine; what is remembered is where it came from."""
        script = None if load.script is None else await self._scripts.here(load.script)
        return load.model_copy(update={"script": script})

    async def _restart(self, wanted: LoadScript | None) -> ScriptLoaded | LoadingScriptFailed:
        load = self._loaded
        assert load is not None, "only a running component restarts"
        await self._end_sequencer()
        if self._state is not State.RESTARTING or self._loaded is not load:  # an unload or a shutdown came meanwhile
            return _ended(load)
        if wanted is not None:
            load = wanted.model_copy(update={"time_factor": load.time_factor})
        return await self._load(load)

    async def _unload(self) -> Ok:
        if self._loaded is not None:
            await self._end_sequencer()
            self._remember(loaded=None, lost=None)
            self._unloaded()
        return Ok()

    def _unloaded(self) -> None:
        if not self._leaving:  # it takes nothing any more: its process would end with a new sequencer half started
            self._move(Trigger.UNLOADED)

    async def _shutdown(self) -> Ok:
        self._leaving = True
        if self._loaded is not None:
            await self._end_sequencer()
        self._remember(loaded=None, lost=None)
        return Ok()

    async def _end_sequencer(self) -> None:
        self._end_watch()
        assert self._loaded is not None
        if (loading := self._loading) is not None:
            loading.cancel()
            await asyncio.wait({loading})
            if loading.cancelled() or loading.exception() is not None:
                return  # it left nothing, and who bears the name by now is somebody else
        name = actor_name(self._loaded.prefix, ComponentType.Sequencer)
        with suppress(OcsError):  # gone already, without a script yet, or its script hangs: it is killed either way
            await self._port.ask(name, Shutdown(), SHUTDOWN_S)
        await self._kill(name)

    async def _kill(self, name: str) -> None:
        try:
            await self._spawner.kill(name)
        except Exception:  # the component goes on; who needs the name again is told that it is taken
            log.exception("%s could not be ended", name)

    def _remember(self, loaded: LoadScript | None, lost: LostSequencer | None) -> None:
        self._loaded, self._lost = loaded, lost
        try:
            self._notes.write(self._prefix, ComponentNote(loaded=loaded, lost=lost))
        except Exception:  # it goes on without: only a restart of its process would miss the note
            log.exception("what %s must know after a restart could not be kept", self._prefix)

    # -- the end of its sequencer --------------------------------------------------------------------------------

    def _begin_watch(self) -> None:
        assert self._loaded is not None
        self._watch = asyncio.get_running_loop().create_task(self._watch_over(self._loaded))

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _watch_over(self, load: LoadScript) -> None:
        """Wait for the end nobody here asked for; whoever ends the sequencer on purpose ends this watch first."""
        name = actor_name(load.prefix, ComponentType.Sequencer)
        reason = await end_of(self._port, name, lambda: self._still_runs(load))
        if reason is not None:
            self._sequencer_lost(reason)
        elif self._move(Trigger.ENDED) is None:
            self._watch = None
            await asyncio.sleep(REPLIES_S)
            await self._kill(name)
            self._remember(loaded=None, lost=None)
            self._unloaded()

    def _sequencer_lost(self, reason: str) -> None:
        if self._loaded is None or self._move(Trigger.LOST) is not None:
            return
        lost = LostSequencer(
            prefix=self._loaded.prefix, sequence_component=self._prefix, at=utc_time_now(), reason=reason
        )
        log.error("the sequencer %s is lost: %s", lost.prefix, reason)
        self._remember(loaded=None, lost=lost)

    # -- looking -------------------------------------------------------------------------------------------------

    async def _status(self) -> SequenceComponentStatus:
        sequencer: SequencerStatus | None = None
        asked = self._loaded
        if asked is not None and self._state is State.RUNNING:
            with suppress(OcsError):
                sequencer = await self._port.ask(
                    actor_name(asked.prefix, ComponentType.Sequencer), GetStatus(), STATUS_S
                )
        return SequenceComponentStatus(
            prefix=self._prefix,
            machine=self._machine,
            state=self._state,
            loaded=self._loaded.prefix if self._loaded is not None else None,
            sequencer=sequencer if self._loaded is asked else None,
            pid=os.getpid(),
            since=self._birth.since,
            restarted=self._birth.restarted,
            restarts=self._birth.restarts,
            lost=self._lost,
            digest=script.digest if self._loaded is not None and (script := self._loaded.script) else "",
        )


def _ended(load: LoadScript) -> LoadingScriptFailed:
    return LoadingScriptFailed(msg=f"{load.prefix} was shut down while its script loaded")


def _text(failure: BaseException) -> str:
    """ESW's words in front of what a script's own code did wrong; a file that is not there never began."""
    if isinstance(failure, ScriptError) and failure.line:
        return f"Script initialization failed with : {failure}"
    return str(failure)
