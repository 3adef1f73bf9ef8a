"""An edit message applied to a step list. Source: esw SequencerData.scala and StepList.scala, reference 1.8."""

from __future__ import annotations

from collections.abc import Iterable

from ocs_ray.core.step_list import EditRefusal, StepList, new_steps
from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.editor_messages import (
    Add,
    AddBreakpoint,
    AnyEdit,
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


def commands_of(edit: AnyEdit) -> tuple[SequenceCommand, ...]:
    """The commands an edit brings in; none for most."""
    return edit.commands if isinstance(edit, Add | Prepend | Replace | InsertAfter) else ()


def apply_edit(steps: StepList, edit: AnyEdit, ids: Iterable[str]) -> EditRefusal | None:
    """Change the list, or say why not; a refused edit changes nothing.

    Args:
        ids: an id for each of ``commands_of(edit)``.
    """
    match edit:
        case Add():
            steps.add(new_steps(edit.commands, ids))
        case Prepend():
            steps.prepend(new_steps(edit.commands, ids))
        case Replace():
            return steps.replace(edit.id, new_steps(edit.commands, ids))
        case InsertAfter():
            return steps.insert_after(edit.id, new_steps(edit.commands, ids))
        case Delete():
            return steps.delete(edit.id)
        case AddBreakpoint():
            return steps.set_breakpoint(edit.id)
        case RemoveBreakpoint():
            return steps.clear_breakpoint(edit.id)
        case Skip():
            return steps.skip(edit.id)
        case Move():
            return steps.move(edit.id, edit.after)
        case Pause():
            return steps.pause()
        case StepOnce():
            return steps.step_once()
        case Resume():
            steps.resume()
        case Reset():
            steps.drop_pending()
    return None
