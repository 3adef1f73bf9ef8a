"""Editing the steps of another sequencer. Source: esw SequencerApi.scala; skip, move, step, retry are ours."""

from __future__ import annotations

from typing import Any

from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.editor_messages import (
    Add,
    AddBreakpoint,
    Delete,
    InsertAfter,
    Move,
    Pause,
    Prepend,
    RemoveBreakpoint,
    Replace,
    Reset,
    Resume,
    Skip,
    StepOnce,
)
from ocs_ray.models.message import Message
from ocs_ray.models.sequencer_messages import Request
from ocs_ray.models.sequencer_replies import GenericResponse, PauseResponse
from ocs_ray.scripting.command_service import ASK_S, RunningCommands
from ocs_ray.scripting.patient_request import ask_patiently


class SequenceEditing(RunningCommands):
    """Changes of a loaded or running sequence.

    A refusal is a reply: Unhandled, IdDoesNotExist, CannotOperateOnAnInFlightOrFinishedStep, or StepListMoved when
    ``if_version`` is not the list's present version.
    """

    async def pause(self, *, if_version: int | None = None) -> PauseResponse:
        """Pause before the next step."""
        return await self._ask(Pause(if_version=if_version))

    async def resume(self, *, if_version: int | None = None) -> GenericResponse:
        """Go on after a pause, up to the next breakpoint."""
        return await self._ask(Resume(if_version=if_version))

    async def step(self, *, if_version: int | None = None) -> GenericResponse:
        """Run one step of a paused sequence, and pause again."""
        return await self._ask(StepOnce(if_version=if_version))

    async def reset(self, *, if_version: int | None = None) -> GenericResponse:
        """Drop all steps that have not begun."""
        return await self._ask(Reset(if_version=if_version))

    async def add(self, *commands: SequenceCommand, if_version: int | None = None) -> GenericResponse:
        """Append commands."""
        return await self._ask(Add(commands=commands, if_version=if_version))

    async def prepend(self, *commands: SequenceCommand, if_version: int | None = None) -> GenericResponse:
        """Put commands before the next step."""
        return await self._ask(Prepend(commands=commands, if_version=if_version))

    async def replace(self, id: str, *commands: SequenceCommand, if_version: int | None = None) -> GenericResponse:
        """Put commands in the place of a step that has not begun."""
        return await self._ask(Replace(id=id, commands=commands, if_version=if_version))

    async def insert_after(self, id: str, *commands: SequenceCommand, if_version: int | None = None) -> GenericResponse:
        """Put commands after a step."""
        return await self._ask(InsertAfter(id=id, commands=commands, if_version=if_version))

    async def delete(self, id: str, *, if_version: int | None = None) -> GenericResponse:
        """Take a step out that has not begun."""
        return await self._ask(Delete(id=id, if_version=if_version))

    async def skip(self, id: str, *, if_version: int | None = None) -> GenericResponse:
        """Pass a step over that has not begun; it stays in the list."""
        return await self._ask(Skip(id=id, if_version=if_version))

    async def move(self, id: str, after: str | None, *, if_version: int | None = None) -> GenericResponse:
        """Put a step after another one, or before all that have not begun when ``after`` is None."""
        return await self._ask(Move(id=id, after=after, if_version=if_version))

    async def add_breakpoint(self, id: str, *, if_version: int | None = None) -> GenericResponse:
        """Pause before a step."""
        return await self._ask(AddBreakpoint(id=id, if_version=if_version))

    async def remove_breakpoint(self, id: str, *, if_version: int | None = None) -> GenericResponse:
        """Do not pause before a step any more; a sequence that is paused there goes on."""
        return await self._ask(RemoveBreakpoint(id=id, if_version=if_version))

    async def _ask(self, message: Message, timeout_s: float = ASK_S) -> Any:
        if isinstance(message, Request):
            return await ask_patiently(self.port, self.name, message, timeout_s)
        return await self.port.ask(self.name, message, timeout_s)
