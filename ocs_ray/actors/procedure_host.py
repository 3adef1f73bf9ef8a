"""What a procedure wants of the sequencer it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ocs_ray.core import procedure_events as pe
from ocs_ray.models.procedure import ProcedureCommand


class Host(Protocol):
    """The sequencer as its procedure needs it; every call is made on the sequencer's own loop."""

    @property
    def run_id(self) -> str | None:
        """The run that goes on, or the last one."""
        ...

    @property
    def catch_up(self) -> Callable[[], None]:
        """Has the steps told that have ended, and no further one begin by itself: something is about to be decided."""
        ...

    def end_run(self, by: ProcedureCommand) -> None:
        """End the run, if one goes on: by stop, abort, or with the steps that are left dropped."""
        ...

    async def start_loaded(self) -> str:
        """Start the loaded sequence; why not, empty when it was started."""
        ...

    def gate(self, *, closed: bool) -> None:
        """Start no further step, or go on."""
        ...

    def resume_steps(self) -> None:
        """Take the breakpoint away that ESW's pause set."""
        ...

    def has_moment(self, moment: pe.Moment) -> bool:
        """Whether the script has handlers of a moment now."""
        ...

    def run_moment(self, moment: pe.Moment, done: Callable[[str | None], None]) -> None:
        """Run the script's handlers of a moment; ``done`` is told the failure or None."""
        ...

    def on_strand(self, call: Callable[[], None]) -> None:
        """Call a function on the script's own loop."""
        ...

    def leave_moment(self) -> None:
        """Cancel the handlers of a moment that was left."""
        ...

    def cancel_step(self) -> None:
        """Cancel the task of the step in flight, or of the new-sequence hook."""
        ...

    def give_up(self, reason: str) -> None:
        """End this process: the script does not let go."""
        ...
