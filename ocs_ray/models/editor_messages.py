"""Editing the steps of a loaded or running sequence.

Source: esw SequencerMessages.scala; skip, move, step and the version are ours.
"""

from __future__ import annotations

from typing import Literal

from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.sequencer_messages import Request


class Edit(Request):
    """A change of the step list.

    Args:
        if_version: the ``list_version`` it was made for; the edit is refused when the list has moved since.
    """

    if_version: int | None = None


class Add(Edit):
    """Append commands."""

    kind: Literal["Add"] = "Add"
    commands: tuple[SequenceCommand, ...]


class Prepend(Edit):
    """Put commands before the first pending step."""

    kind: Literal["Prepend"] = "Prepend"
    commands: tuple[SequenceCommand, ...]


class Replace(Edit):
    """Put commands in the place of a pending step."""

    kind: Literal["Replace"] = "Replace"
    id: str
    commands: tuple[SequenceCommand, ...]


class InsertAfter(Edit):
    """Put commands after a step."""

    kind: Literal["InsertAfter"] = "InsertAfter"
    id: str
    commands: tuple[SequenceCommand, ...]


class Delete(Edit):
    """Take a pending step out."""

    kind: Literal["Delete"] = "Delete"
    id: str


class AddBreakpoint(Edit):
    """Pause before a pending step."""

    kind: Literal["AddBreakpoint"] = "AddBreakpoint"
    id: str


class RemoveBreakpoint(Edit):
    """Do not pause before a step any more."""

    kind: Literal["RemoveBreakpoint"] = "RemoveBreakpoint"
    id: str


class Reset(Edit):
    """Drop all pending steps."""

    kind: Literal["Reset"] = "Reset"


class Pause(Edit):
    """Pause before the next pending step."""

    kind: Literal["Pause"] = "Pause"


class Resume(Edit):
    """Go on after a pause."""

    kind: Literal["Resume"] = "Resume"


class StepOnce(Edit):
    """Run one step and pause again."""

    kind: Literal["StepOnce"] = "StepOnce"


class Skip(Edit):
    """Pass a pending step over; it stays in the list as skipped."""

    kind: Literal["Skip"] = "Skip"
    id: str


class Move(Edit):
    """Put a pending step after another one, or first among the pending ones when ``after`` is None."""

    kind: Literal["Move"] = "Move"
    id: str
    after: str | None = None


AnyEdit = (
    Add
    | Prepend
    | Replace
    | InsertAfter
    | Delete
    | AddBreakpoint
    | RemoveBreakpoint
    | Reset
    | Pause
    | Resume
    | StepOnce
    | Skip
    | Move
)
