"""What is known of an observation while it runs. Changes come in, views read; nothing here asks anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol, Self, TypeAlias

from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_messages import ProcedureStatus
from ocs_ray.models.sequencer_messages import SequencerSnapshot
from ocs_ray.models.steps import Step, StepStatus


@dataclass(frozen=True)
class PhaseBegan:
    """Something is being prepared: ``starting Ray``."""

    text: str


@dataclass(frozen=True)
class RunBegan:
    """The sequencer took the sequence."""

    run_id: str


@dataclass(frozen=True)
class SequencerChanged:
    """A newer snapshot of one of the mode's sequencers."""

    prefix: Prefix
    snapshot: SequencerSnapshot


@dataclass(frozen=True)
class ProcedureMoved:
    """The procedure of one of the mode's sequencers changed; its status holds the changes that are new."""

    prefix: Prefix
    status: ProcedureStatus


@dataclass(frozen=True)
class EventSeen:
    """An observe event of this observation."""

    event: ObserveEvent


Change: TypeAlias = PhaseBegan | RunBegan | SequencerChanged | ProcedureMoved | EventSeen

USUAL: Final = frozenset(
    {
        ProcedureState.IDLE,
        ProcedureState.STARTING,
        ProcedureState.EXECUTE,
        ProcedureState.COMPLETING,
        ProcedureState.COMPLETE,
        ProcedureState.RESETTING,
    }
)
"""States a run that nobody touches goes through; only others are shown."""


class View(Protocol):
    """Shows an observation to a person."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def tell(self, change: Change) -> None:
        """The picture took this change."""
        ...

    def pause(self) -> None:
        """Leave the terminal alone: a question is being asked."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...


@dataclass
class Picture:
    """One observation.

    Args:
        mode: its observing mode.
        target: the sequencer the sequence goes to.
        commands: names of its commands, known before the sequencer has them.
        time_factor: of the simulation; None when nobody said.
    """

    mode: ObsModeConfig
    target: Prefix
    commands: tuple[str, ...]
    time_factor: float | None = None
    phase: str = ""
    run_id: str | None = None
    sequencers: dict[Prefix, SequencerSnapshot] = field(default_factory=dict[Prefix, SequencerSnapshot])
    procedures: dict[Prefix, ProcedureStatus] = field(default_factory=dict[Prefix, ProcedureStatus])
    events: list[ObserveEvent] = field(default_factory=list[ObserveEvent])

    def take(self, change: Change) -> None:
        """Let a change in."""
        match change:
            case PhaseBegan(text):
                self.phase = text
            case RunBegan(run_id):
                self.phase, self.run_id = "", run_id
            case SequencerChanged(prefix, snapshot):
                self.sequencers[prefix] = snapshot
            case ProcedureMoved(prefix, status):
                self.procedures[prefix] = status
            case EventSeen(event):
                self.events.append(event)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of this run; none before the sequencer took it. What it ran before is not ours to show."""
        snapshot = self.sequencers.get(self.target)
        if snapshot is None or self.run_id is None or snapshot.run_id != self.run_id:
            return ()
        return snapshot.steps

    @property
    def others(self) -> tuple[Prefix, ...]:
        """The mode's other sequencers."""
        return tuple(prefix for prefix in self.mode.sequencer_prefixes() if prefix != self.target)

    def unusual(self, prefix: Prefix) -> ProcedureStatus | None:
        """Where a sequencer's procedure stands when a person should know: held, suspended, stopped, or on the way."""
        status = self.procedures.get(prefix)
        return None if status is None or (status.state in USUAL and not status.late) else status

    def is_ours(self, source: Prefix) -> bool:
        """Whether an event of ``source`` belongs to this observation.

        The mode holds its resources alone, so whatever their devices publish meanwhile is this observation's; the
        sequencers of ESW are shared by all modes, and only this mode's count.
        """
        return source in self.mode.sequencer_prefixes() or source.subsystem in self.mode.resources


def in_flight(steps: tuple[Step, ...]) -> tuple[int, Step] | None:
    """Number, from 1, and step in flight."""
    return next(((n, step) for n, step in enumerate(steps, 1) if step.status is StepStatus.IN_FLIGHT), None)


def key_data(event: ObserveEvent) -> str:
    """The parameters of an event for people: ``exposureId=2030B-032-010-IRIS-IMG-SCI1-0001``."""
    return " ".join(f"{parameter.key_name}={_values(parameter)}" for parameter in event.param_set)


def _values(parameter: Parameter[object]) -> str:
    return ",".join(str(value) for value in parameter.values)
