"""What goes into the sequencer's core and what comes out of it.

``ask`` is the caller's number for a question; its answer comes out, now or later, as an ``Answer`` with that number.
Ids come in with the events, so that replaying the same events gives the same state. Most are named tuples: every
sequencer's process makes these classes when it starts, and as frozen dataclasses they took a tenth of all its imports.
One without fields is no tuple: it would be false, and equal to any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from ocs_ray.core.sequencer_states import Hook
from ocs_ray.models.commands import Sequence, SequenceCommand
from ocs_ray.models.editor_messages import AnyEdit
from ocs_ray.models.responses import Result


class Load(NamedTuple):
    """Take a sequence; one id a command.

    Args:
        unknown: the commands no handler of the script will take, as people read them.
    """

    ask: int
    sequence: Sequence
    step_ids: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class Submit(NamedTuple):
    """Run a sequence under a new run id."""

    ask: int
    sequence: Sequence
    step_ids: tuple[str, ...]
    run_id: str
    unknown: tuple[str, ...] = ()


class Start(NamedTuple):
    """Run what was loaded under a new run id."""

    ask: int
    run_id: str


class Retry(NamedTuple):
    """Go on with the failed run at its failed step, under a new run id."""

    ask: int
    run_id: str


class EditList(NamedTuple):
    """Change the step list; one id a command the edit brings in."""

    ask: int
    edit: AnyEdit
    step_ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class End(NamedTuple):
    """End the run: by abort, or by stop."""

    ask: int
    abort: bool


class Complete(NamedTuple):
    """End the run well when the step in flight has ended: what is left is dropped, and no step is taken in any more."""

    ask: int


class GoOnOffline(NamedTuple):
    """Go online, or offline."""

    ask: int
    online: bool


class ChangeMode(NamedTuple):
    """Run the diagnostic hook, or the operations hook; the state is not touched."""

    ask: int
    hook: Hook
    args: tuple[object, ...] = ()


class AskFinal(NamedTuple):
    """Answer when the run is over."""

    ask: int
    run_id: str


class Forget(NamedTuple):
    """The asker gave up: its answer is no longer wanted."""

    ask: int


class Shut(NamedTuple):
    """End for good."""

    ask: int


class TakeNested(NamedTuple):
    """The script wants this very step now, inside the one it runs; answered True or False."""

    ask: int
    step_id: str


class Gate(NamedTuple):
    """Start no further step while the procedure is held, or go on."""

    closed: bool


class HookEnded(NamedTuple):
    """A hook ended; ``failure`` is the reason or None. ``token`` is the one it was started with."""

    token: int
    failure: str | None


class StepEnded(NamedTuple):
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
    | Complete
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

QUESTIONS: Final = (AskFinal, Forget)
"""Those of them that move nothing: what is to follow a step stays as it is."""


class Answer(NamedTuple):
    """Give ``reply`` to the question ``ask``."""

    ask: int
    reply: object


class RunHook(NamedTuple):
    """Run the script's handlers of a moment; bring the outcome back as HookEnded with this token."""

    hook: Hook
    token: int
    args: tuple[object, ...] = ()


class RunStep(NamedTuple):
    """Run a command through the script; bring the outcome back as StepEnded."""

    run_id: str
    step_id: str
    command: SequenceCommand


@dataclass(frozen=True)
class CancelStep:
    """Tell the script that the run is being aborted, so that it may end its step at once."""


@dataclass(frozen=True)
class Changed:
    """State or steps moved: there is a new version, tell the watchers."""


@dataclass(frozen=True)
class Gone:
    """The shutdown hook ended: the sequencer may leave."""


Effect = Answer | RunHook | RunStep | CancelStep | Changed | Gone
