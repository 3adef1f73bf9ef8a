"""How far the sequencer's run is, as its procedure sees it."""

from __future__ import annotations


class RunSide:
    """Whether a run goes on, and what of the script it has in hand."""

    def __init__(self) -> None:
        self.is_on = False
        self.wants_start = False
        self.hook_done = True
        self.in_flight = False

    def begins(self) -> None:
        """The sequencer runs its new-sequence hook; the machine is to start."""
        self.is_on, self.hook_done, self.wants_start = True, False, True

    def ended(self) -> None:
        """It is over."""
        self.is_on = self.in_flight = self.wants_start = False

    @property
    def is_alive(self) -> bool:
        """Whether the machine is at a run that goes on; the last one may still be tidied up when the next begins."""
        return self.is_on and not self.wants_start

    @property
    def in_hook(self) -> bool:
        """Whether the new-sequence hook runs."""
        return self.is_alive and not self.hook_done

    @property
    def is_busy(self) -> bool:
        """Whether a part of the script runs that may look out for commands: a step, or the new-sequence hook."""
        return self.is_alive and (self.in_flight or not self.hook_done)
