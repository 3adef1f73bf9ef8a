"""Sequences to other sequencers. Source: esw RichSequencer.kt; seed 001, Sequencer command service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from ocs_ray.models.commands import Sequence
from ocs_ray.models.identifiers import ObsMode, Variation, sequencer_prefix
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Subsystem
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.models.sequencer_messages import (
    AbortSequence,
    GetSequence,
    GetSequencerState,
    GetStatus,
    LoadSequence,
    OkOrUnhandled,
    SequencerSnapshot,
    SequencerState,
    SequencerStatus,
    StartSequence,
    Stop,
    SubmitSequence,
    Watch,
)
from ocs_ray.models.steps import Step
from ocs_ray.scripting.command_service import ASK_S, RunningCommands
from ocs_ray.scripting.port import Port

SUBMIT_S = 30.0
"""Longest wait for Started, in seconds: the new-sequence hook of the other script runs before it."""


class Sequencer(RunningCommands):
    """Another sequencer: ``Sequencer(Subsystem.WFOS, ObsMode("wfos_darknight"))``.

    Args:
        subsystem: subsystem of the sequencer.
        obs_mode: its observing mode.
        variation: its variation, if the mode has several sequencers of the subsystem.
        timeout: longest wait of submit_and_wait and query_final; 10 hours, as sequences take long.
        port: the door to use; the running script's, or that of ``connect()``, when left out.
    """

    def __init__(
        self,
        subsystem: Subsystem,
        obs_mode: str,
        variation: str | None = None,
        *,
        timeout: timedelta = timedelta(hours=10),
        port: Port | None = None,
    ) -> None:
        prefix = sequencer_prefix(subsystem, ObsMode(obs_mode), Variation(variation) if variation else None)
        super().__init__(prefix, ComponentType.Sequencer, timeout, port)

    @classmethod
    def at(cls, prefix: str, *, timeout: timedelta = timedelta(hours=10), port: Port | None = None) -> Self:
        """The sequencer with this prefix, for example ``ESW.IRIS_ImagerOnly``."""
        entity = cls.__new__(cls)
        RunningCommands.__init__(entity, prefix, ComponentType.Sequencer, timeout, port)
        return entity

    async def submit(self, sequence: Sequence, *, resume_on_error: bool = False) -> SubmitResponse:
        """Start a sequence: Started, or Invalid with the reason why it cannot be started.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self._ask(SubmitSequence(sequence=sequence), SUBMIT_S)
        return self._judged(response, "sequence", resume_on_error)

    async def submit_and_wait(
        self, sequence: Sequence, timeout: timedelta | None = None, *, resume_on_error: bool = False
    ) -> SubmitResponse:
        """Run a sequence to its final response, waiting up to ``timeout`` (default: the entity's own).

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
            UnreachableError: no final response within the time limit, or the sequencer died.
        """
        first: SubmitResponse = await self._ask(SubmitSequence(sequence=sequence), SUBMIT_S)
        return await self._finish(first, "sequence", timeout, resume_on_error)

    async def load(self, sequence: Sequence) -> OkOrUnhandled:
        """Hand over a sequence without starting it."""
        return await self._ask(LoadSequence(sequence=sequence))

    async def start(self, *, resume_on_error: bool = False) -> SubmitResponse:
        """Start what was loaded.

        Raises:
            CommandError: the response is negative and ``resume_on_error`` is not set.
        """
        response: SubmitResponse = await self._ask(StartSequence(), SUBMIT_S)
        return self._judged(response, "sequence", resume_on_error)

    async def abort_sequence(self) -> OkOrUnhandled:
        """End the run: the abort hook runs, no further step does."""
        return await self._ask(AbortSequence(), SUBMIT_S)

    async def stop(self) -> OkOrUnhandled:
        """End the run after the current step: the stop hook runs, no further step does."""
        return await self._ask(Stop(), SUBMIT_S)

    async def sequence(self) -> tuple[Step, ...] | None:
        """The step list, None when there is none."""
        return await self._ask(GetSequence())

    async def state(self) -> SequencerState:
        """The state clients see."""
        return await self._ask(GetSequencerState())

    async def status(self) -> SequencerStatus:
        """Script, component, run and step of the sequencer."""
        return await self._ask(GetStatus())

    async def watch(self, after: int = 0, timeout_s: float = 10.0) -> SequencerSnapshot:
        """The snapshot as soon as its version is above ``after``; the present one after ``timeout_s`` seconds."""
        return await self._ask(Watch(after=after, timeout_s=timeout_s), timeout_s + ASK_S)

    async def _ask(self, message: Message, timeout_s: float = ASK_S) -> Any:
        return await self.port.ask(self.name, message, timeout_s)
