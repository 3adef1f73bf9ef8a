"""A sequencer for ESW's clients: their requests, and its replies in their words.

Source: esw SequencerPostHandler.scala, SequencerImpl.scala; reference esw_sequencer 5.
"""

from __future__ import annotations

from datetime import timedelta

from ocs_ray.core.component_locations import location_of
from ocs_ray.errors import UnreachableError
from ocs_ray.models import esw_sequencer as esw
from ocs_ray.models import sequencer_replies as replies
from ocs_ray.models import steps
from ocs_ray.models.esw_manager import Unhandled
from ocs_ray.models.identifiers import Id
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.responses import SubmitResponse
from ocs_ray.models.sequencer_messages import SequencerSnapshot, SequencerState
from ocs_ray.scripting.sequencer_service import Sequencer


async def answer(sequencer: Sequencer, request: esw.SequencerRequest) -> object:
    """Carry out a request and give the answer as ESW's clients expect it, to be encoded."""
    match request:
        case esw.Submit(sequence=sequence):
            return await sequencer.submit(sequence, resume_on_error=True)
        case esw.StartSequence():
            return await sequencer.start(resume_on_error=True)
        case esw.Query(run_id=run_id):
            return await sequencer.query(run_id, resume_on_error=True)
        case esw.GetSequence():
            found = await sequencer.sequence()
            return [] if found is None else [step_list(found)]
        case esw.GetSequencerState():
            return esw.SequencerState(kind=(await sequencer.state()).value)
        case esw.IsAvailable():
            return await sequencer.state() is SequencerState.IDLE
        case esw.IsOnline():
            return await sequencer.state() is not SequencerState.OFFLINE
        case esw.GetSequenceComponent():
            return location_of(await sequencer.sequence_component(), ComponentType.SequenceComponent)
        case _:
            return as_esw(await _change(sequencer, request))


async def _change(sequencer: Sequencer, request: esw.SequencerRequest) -> object:
    match request:
        case esw.LoadSequence(sequence=sequence):
            return await sequencer.load(sequence)
        case esw.Add(commands=commands):
            return await sequencer.add(*commands)
        case esw.Prepend(commands=commands):
            return await sequencer.prepend(*commands)
        case esw.Replace(id=id, commands=commands):
            return await sequencer.replace(id, *commands)
        case esw.InsertAfter(id=id, commands=commands):
            return await sequencer.insert_after(id, *commands)
        case esw.Delete(id=id):
            return await sequencer.delete(id)
        case esw.AddBreakpoint(id=id):
            return await sequencer.add_breakpoint(id)
        case esw.RemoveBreakpoint(id=id):
            return await sequencer.remove_breakpoint(id)
        case esw.Reset():
            return await sequencer.reset()
        case esw.Pause():
            return await sequencer.pause()
        case esw.Resume():
            return await sequencer.resume()
        case esw.GoOnline():
            return await sequencer.go_online()
        case esw.GoOffline():
            return await sequencer.go_offline()
        case esw.AbortSequence():
            return await sequencer.abort_sequence()
        case esw.Stop():
            return await sequencer.stop()
        case esw.DiagnosticMode(start_time=start_time, hint=hint):
            return await sequencer.diagnostic_mode(start_time, hint)
        case esw.OperationsMode():
            return await sequencer.operations_mode()
        case _:
            raise TypeError(f"no change: {type(request).__name__}")


async def final_response(sequencer: Sequencer, request: esw.QueryFinal) -> SubmitResponse:
    """The final response of a run.

    Raises:
        TimeoutError: there was none within the time limit.
        UnreachableError: the sequencer died.
    """
    limit_s = max(request.timeout, 0.001)
    try:
        response = await sequencer.query_final(request.run_id, timedelta(seconds=limit_s), resume_on_error=True)
    except UnreachableError:  # it is gone, or it only was not done in time
        response = await sequencer.query(request.run_id, resume_on_error=True)
    if not response.is_final:
        raise TimeoutError(f"there was no final response of {request.run_id} within {request.timeout:g} s")
    return response


def as_esw(reply: object) -> esw.SequencerAnswer:
    """A reply in ESW's words; what is ours in it is left out.

    Raises:
        TypeError: it is no reply of a sequencer that ESW knows.
    """
    match reply:
        case replies.Ok():
            return esw.Ok()
        case replies.Unhandled(state=state, message_type=message_type, msg=msg):
            return Unhandled(state=state, message_type=message_type, msg=msg)
        case replies.IdDoesNotExist(id=id):
            return esw.IdDoesNotExist(id=Id(id))
        case replies.CannotOperateOnAnInFlightOrFinishedStep():
            return esw.CannotOperateOnAnInFlightOrFinishedStep()
        case (
            replies.GoOnlineHookFailed()
            | replies.GoOfflineHookFailed()
            | replies.DiagnosticHookFailed()
            | replies.OperationsHookFailed()
        ):
            return esw.HookFailed(kind=reply.kind)
        case _:
            raise TypeError(f"ESW knows no {type(reply).__name__}")


def state_response(seen: SequencerSnapshot) -> esw.SequencerStateResponse:
    """State and steps."""
    return esw.SequencerStateResponse(
        step_list=step_list(seen.steps), sequencer_state=esw.SequencerState(kind=seen.state.value)
    )


def step_list(found: tuple[steps.Step, ...]) -> tuple[esw.Step, ...]:
    """The steps as ESW knows them. It drops the ones that an abort or a user kept from running; ours keeps a record."""
    return tuple(
        esw.Step(id=Id(step.id), command=step.command, status=status, has_breakpoint=step.has_breakpoint)
        for step in found
        if (status := _status(step)) is not None
    )


def _status(step: steps.Step) -> esw.StepStatus | None:
    match step.status:
        case steps.StepStatus.PENDING:
            return esw.StepStatus(kind="Pending")
        case steps.StepStatus.IN_FLIGHT:
            return esw.StepStatus(kind="InFlight")
        case steps.StepStatus.SUCCESS:
            return esw.StepStatus(kind="Success")
        case steps.StepStatus.FAILURE:
            return esw.StepStatus(kind="Failure", message=step.message)
        case steps.StepStatus.CANCELLED if step.started_at is not None:
            return esw.StepStatus(kind="Failure", message=step.message or "cancelled")
        case _:
            return None
