"""What goes into the sequencer's core and what comes out of it.

``ask`` is the caller's number for a question; its answer comes out, now or later, as an ``Answer`` with that number.
Ids come in with the events, so that replaying the same events gives the same state.
"""

from __future__ import annotations

from dataclasses import dataclass

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.models.commands import Sequence, SequenceCommand
from ocs_ray.models.editor_messages import AnyEdit
from ocs_ray.models.responses import Result


@dataclass(frozen=True, slots=True)
class Load:
    """Take a sequence; one id a command.

    Args:
        unknown: the commands no handler of the script will take, as people read them.
    """

    ask: int
    sequence: Sequence
    step_ids: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submit:
    """Run a sequence under a new run id."""

    ask: int
    sequence: Sequence
    step_ids: tuple[str, ...]
    run_id: str
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Run what was loaded under a new run id."""

    ask: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Go on with the failed run at its failed step, under a new run id."""

    ask: int
    run_id: str


@dataclass(frozen=True, slots=True)
class EditList:
    """Change the step list; one id a command the edit brings in."""

    ask: int
    edit: AnyEdit
    step_ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """End the run: by abort, or by stop."""

    ask: int
    abort: bool


@dataclass(frozen=True, slots=True)
class GoOnOffline:
    """Go online, or offline."""

    ask: int
    online: bool


@dataclass(frozen=True, slots=True)
class ChangeMode:
    """Run the diagnostic hook, or the operations hook; the state is not touched."""

    ask: int
    hook: Hook
    args: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class AskFinal:
    """Answer when the run is over."""

    ask: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The asker gave up: its answer is no longer wanted."""

    ask: int


@dataclass(frozen=True, slots=True)
class Shut:
    """End for good."""

    ask: int


@dataclass(frozen=True, slots=True)
class TakeNested:
    """The script wants this very step now, inside the one it runs; answered True or False."""

    ask: int
    step_id: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Start no further step while the procedure is held, or go on."""

    closed: bool


@dataclass(frozen=True, slots=True)
class HookEnded:
    """A hook ended; ``failure`` is the reason or None. ``token`` is the one it was started with."""

    token: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended; ``failure`` is the reason or None."""

    run_id: str
    step_id: str
    failure: str | None
    attempts: int = 1
    result: Result | None = None


Event = (
    Load
    | Submit
    | Start
    | Retry
    | EditList
    | End
    | GoOnOffline
    | ChangeMode
    | AskFinal
    | Forget
    | Shut
    | TakeNested
    | Gate
    | HookEnded
    | StepEnded
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Give ``reply`` to the question ``ask``."""

    ask: int
    reply: object


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run the script's handlers of a moment; bring the outcome back as HookEnded with this token."""

    hook: Hook
    token: int
    args: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStep:
    """Run a command through the script; bring the outcome back as StepEnded."""

    run_id: str
    step_id: str
    command: SequenceCommand


@dataclass(frozen=True, slots=True)
class CancelStep:
    """Tell the script that the run is being aborted, so that it may end its step at once."""


@dataclass(frozen=True, slots=True)
class Changed:
    """State or steps moved: there is a new version, tell the watchers."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The shutdown hook ended: the sequencer may leave."""


Effect = Answer | RunHook | RunStep | CancelStep | Changed | Gone
