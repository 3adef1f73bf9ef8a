"""Another sequencer, to send sequences to. Source: esw RichSequencer.kt; seed 001, Sequencer command service."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from ocs_ray.models.identifiers import ObsMode, Variation, sequencer_prefix
from ocs_ray.models.prefix import ComponentType, Subsystem
from ocs_ray.scripting.command_service import RunningCommands
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.sequencer_calls import SequencerCalls
from ocs_ray.scripting.sync_sequencer import SyncSequencer


class Sequencer(SequencerCalls):
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

    @property
    def sync(self) -> SyncSequencer:
        """The same calls without ``await``, for plain code and notebooks; never in a script, which it would block."""
        return SyncSequencer(self)
