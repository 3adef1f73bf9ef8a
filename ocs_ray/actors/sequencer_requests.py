"""From a message to the core's event: ids are given out here, and the script is asked what it can handle."""

from __future__ import annotations

from collections.abc import Iterable

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequence_editor import commands_of
from ocs_ray.core.sequencer_states import Hook
from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.editor_messages import AnyEdit
from ocs_ray.models.new_id import new_id
from ocs_ray.models.sequencer_messages import (
    AbortSequence,
    DiagnosticMode,
    GoOffline,
    GoOnline,
    LoadSequence,
    OperationsMode,
    QueryFinal,
    Request,
    RetryFailed,
    Shutdown,
    StartSequence,
    Stop,
    SubmitSequence,
)
from ocs_ray.scripting.running_script import RunningScript


def event_of(message: Request | QueryFinal, ask: int, script: RunningScript) -> ev.Event:
    """The event a message stands for.

    Args:
        ask: the question it is.
        script: decides which commands nobody would take.

    Raises:
        TypeError: a sequencer does not understand the message.
    """
    match message:
        case SubmitSequence(sequence=sequence):
            return ev.Submit(ask, sequence, _ids(len(sequence)), new_id(), unknown_to(script, sequence))
        case LoadSequence(sequence=sequence):
            return ev.Load(ask, sequence, _ids(len(sequence)), unknown_to(script, sequence))
        case StartSequence():
            return ev.Start(ask, new_id())
        case RetryFailed():
            return ev.Retry(ask, new_id())
        case AbortSequence() | Stop():
            return ev.End(ask, abort=isinstance(message, AbortSequence))
        case GoOnline() | GoOffline():
            return ev.GoOnOffline(ask, online=isinstance(message, GoOnline))
        case DiagnosticMode(start_time=start_time, hint=hint):
            return ev.ChangeMode(ask, Hook.DIAGNOSTIC_MODE, (start_time, hint))
        case OperationsMode():
            return ev.ChangeMode(ask, Hook.OPERATIONS_MODE)
        case Shutdown():
            return ev.Shut(ask)
        case QueryFinal(run_id=run_id):
            return ev.AskFinal(ask, run_id)
        case _ if isinstance(message, AnyEdit):
            commands = commands_of(message)
            return ev.EditList(ask, message, _ids(len(commands)), unknown_to(script, commands))
        case _:
            raise TypeError(f"a sequencer does not understand {type(message).__name__}")


def unknown_to(script: RunningScript, commands: Iterable[SequenceCommand]) -> tuple[str, ...]:
    """The commands no handler will take, each named once; none for a script that cannot know beforehand."""
    if not script.checks_commands:
        return ()
    unknown = (command for command in commands if not script.handles(command))
    return tuple(dict.fromkeys(f"{type(command).__name__} {command.command_name}" for command in unknown))


def _ids(count: int) -> tuple[str, ...]:
    return tuple(new_id() for _ in range(count))
