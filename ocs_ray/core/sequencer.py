"""A sequencer's whole behaviour: events in, effects out.

Source: seed 000 and 001; esw SequencerBehavior.scala and SequencerData.scala, without their hazards: a run ends in
every state, a late outcome is recognised by its ids and dropped, an empty sequence completes at once, a shutdown
answers every waiter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ocs_ray.core import sequencer_answers as answers
from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.change_log import ChangeLog
from ocs_ray.core.run_history import Run, RunHistory
from ocs_ray.core.run_tally import RunTally
from ocs_ray.core.sequence_editor import apply_edit
from ocs_ray.core.sequencer_states import EDITS, Accepted, Hook, Refused, State, Trigger, decide
from ocs_ray.core.step_list import StepList
from ocs_ray.core.step_record import StepRecord
from ocs_ray.models.editor_messages import Reset
from ocs_ray.models.identifiers import Id
from ocs_ray.models.responses import (
    Cancelled,
    Completed,
    Error,
    IssueType,
    Result,
    Started,
    SubmitResponse,
)
from ocs_ray.models.sequencer_replies import (
    GoOfflineHookFailed,
    GoOnlineHookFailed,
    Ok,
    StepListMoved,
    Unhandled,
)

_NO_RESULT: Final = Result()


@dataclass(slots=True)
class Pending:
    """What a hook in progress will decide about."""

    hook: Hook
    ask: int
    came_from: State
    steps: StepList | None = None
    run_id: str = ""


class SequencerCore:
    """State, steps, runs and waiters of one sequencer. ``handle`` is the only way in.

    Args:
        first_version: number of the first version; above all versions of a sequencer of the same name before it.
    """

    def __init__(self, first_version: int = 1) -> None:
        self.state = State.IDLE
        self.steps: StepList | None = None
        self.run_id: str | None = None
        self.history = RunHistory()
        self.tally = RunTally()
        self.log = ChangeLog(first_version)
        self._ended_by: State | None = None
        self.is_active = False
        self._gated = self._completes = False
        self._edited = False
        self._pending: dict[int, Pending] = {}
        self._tokens = 0

    def handle(self, event: ev.Event, at: float) -> list[ev.Effect]:
        """Take one event.

        Args:
            event: what happened.
            at: Unix time in seconds.

        Returns:
            What the shell is to do, in this order.
        """
        state, steps = self.state, self.steps
        effects = self._take(event, at)
        touched = [step.id for step in self.steps.drain_touched()] if self.steps is not None else []
        if steps is not self.steps:
            self.log.restart()
        elif touched or state is not self.state or self._edited:
            self.log.record(touched, is_structural=self._edited)
        else:
            return effects
        self._edited = False
        effects.append(ev.Changed())
        return effects

    def _take(self, event: ev.Event, at: float) -> list[ev.Effect]:
        match event:
            case ev.StepEnded():
                return self._step_ended(event, at)
            case ev.HookEnded():
                return self._hook_ended(event, at)
            case ev.TakeNested():
                return self._take_nested(event, at)
            case ev.Load():
                return self._load(event)
            case ev.Submit():
                steps = StepList.of(event.sequence, event.step_ids)
                return self._begin(Trigger.SUBMIT, event.ask, steps, event.run_id, event.unknown)
            case ev.Start():
                return self._begin(Trigger.START, event.ask, self.steps, event.run_id)
            case ev.Retry():
                return self._retry(event)
            case ev.EditList():
                return self._edit(event, at)
            case ev.End():
                return self._end(event)
            case ev.Complete():
                return self._complete(event, at)
            case ev.GoOnOffline():
                return self._move(Trigger.GO_ONLINE if event.online else Trigger.GO_OFFLINE, event.ask)
            case ev.ChangeMode():
                return self._change_mode(event)
            case ev.Gate():
                self._gated = event.closed
                return self._advance(at)
            case ev.AskFinal():
                response = self.history.query_final(event.run_id, event.ask)
                return [] if response is None else [ev.Answer(event.ask, response)]
            case ev.Forget():
                self.history.waiters.forget(event.ask)
                return []
            case ev.Shut():
                return self._shut(event, at)

    # -- starting ------------------------------------------------------------------------------------------------

    def _load(self, event: ev.Load) -> list[ev.Effect]:
        decision = decide(self.state, Trigger.LOAD)
        if isinstance(decision, Refused):
            return [ev.Answer(event.ask, answers.unhandled(decision))]
        if event.unknown:
            reply = Unhandled(state=self.state, message_type=Trigger.LOAD, msg=answers.nobody_takes(event.unknown))
            return [ev.Answer(event.ask, reply)]
        self.state, self.steps = decision.state, StepList.of(event.sequence, event.step_ids)
        return [ev.Answer(event.ask, Ok())]

    def _begin(
        self, trigger: Trigger, ask: int, steps: StepList | None, run_id: str, unknown: tuple[str, ...] = ()
    ) -> list[ev.Effect]:
        decision = decide(self.state, trigger)
        if isinstance(decision, Refused):
            return [ev.Answer(ask, answers.invalid(IssueType.UnsupportedCommandInStateIssue, decision.text))]
        if unknown:
            return [ev.Answer(ask, answers.invalid(IssueType.UnsupportedCommandIssue, answers.nobody_takes(unknown)))]
        return self._run_hook(decision, ask, steps, run_id)

    def _retry(self, event: ev.Retry) -> list[ev.Effect]:
        failed = self.run_id is not None and isinstance(self.history.query(self.run_id), Error)
        if self.state is State.IDLE and not (failed and self.steps is not None):
            text = "there is no failed run to go on with"
            return [ev.Answer(event.ask, answers.invalid(IssueType.UnsupportedCommandInStateIssue, text))]
        steps = self.steps.retried() if self.state is State.IDLE and self.steps is not None else None
        return self._begin(Trigger.RETRY, event.ask, steps, event.run_id)

    def _start_run(self, pending: Pending, at: float) -> list[ev.Effect]:
        assert pending.steps is not None
        self.steps, self.run_id = pending.steps, pending.run_id
        self.is_active, self._ended_by, self._completes = True, None, False
        self.history.begin(Run(pending.run_id, pending.steps, at))
        return [ev.Answer(pending.ask, Started(run_id=Id(pending.run_id))), *self._advance(at)]

    # -- hooks ---------------------------------------------------------------------------------------------------

    def _move(self, trigger: Trigger, ask: int) -> list[ev.Effect]:
        decision = decide(self.state, trigger)
        if isinstance(decision, Refused):
            return [ev.Answer(ask, answers.unhandled(decision))]
        return self._run_hook(decision, ask)

    def _run_hook(
        self, decision: Accepted, ask: int, steps: StepList | None = None, run_id: str = ""
    ) -> list[ev.Effect]:
        assert decision.hook is not None
        token = self._new_token(Pending(decision.hook, ask, self.state, steps, run_id))
        self.state = decision.state
        return [ev.RunHook(decision.hook, token)]

    def _change_mode(self, event: ev.ChangeMode) -> list[ev.Effect]:
        if self.state in (State.SHUTTING_DOWN, State.KILLED):
            return [ev.Answer(event.ask, answers.mode_failed(event.hook, "the sequencer is shutting down"))]
        token = self._new_token(Pending(event.hook, event.ask, self.state))
        return [ev.RunHook(event.hook, token, event.args)]

    def _new_token(self, pending: Pending) -> int:
        self._tokens += 1
        self._pending[self._tokens] = pending
        return self._tokens

    def _hook_ended(self, event: ev.HookEnded, at: float) -> list[ev.Effect]:
        pending = self._pending.pop(event.token, None)
        if pending is None:
            return []
        failure = event.failure
        if pending.hook in (Hook.DIAGNOSTIC_MODE, Hook.OPERATIONS_MODE):  # the state is not theirs
            return [ev.Answer(pending.ask, Ok() if failure is None else answers.mode_failed(pending.hook, failure))]
        left = self._leave(pending, Trigger.HOOK_OK if failure is None else Trigger.HOOK_FAILED)
        match pending.hook:
            case Hook.NEW_SEQUENCE if failure is None:
                return self._start_run(pending, at)
            case Hook.NEW_SEQUENCE:
                verb = "submit" if left is State.SUBMITTING else "start"
                message = f"New sequence handler failed to {verb} successfully: {failure}"
                return [ev.Answer(pending.ask, Error(run_id=answers.ID_NOT_AVAILABLE, message=message))]
            case Hook.GO_ONLINE:
                return [ev.Answer(pending.ask, Ok() if failure is None else GoOnlineHookFailed(reason=failure))]
            case Hook.GO_OFFLINE:
                if failure is not None:
                    return [ev.Answer(pending.ask, GoOfflineHookFailed(reason=failure))]
                self.steps = None
                return [ev.Answer(pending.ask, Ok())]
            case Hook.ABORT_SEQUENCE | Hook.STOP:
                self._ended_by = left
                return self._end_hook_ended(pending, failure, at)
            case _:  # shutdown
                return [ev.Answer(pending.ask, Ok(note=answers.note(Hook.SHUTDOWN, failure))), ev.Gone()]

    def _leave(self, pending: Pending, outcome: Trigger) -> State:
        """Go where the table leads from a hook's outcome, else back to where it came from. Returns the state left."""
        left, decision = self.state, decide(self.state, outcome)
        self.state = pending.came_from if isinstance(decision, Refused) else decision.state
        return left

    # -- running -------------------------------------------------------------------------------------------------

    def _step_ended(self, event: ev.StepEnded, at: float) -> list[ev.Effect]:
        if event.run_id != self.run_id or self.steps is None:
            return []
        in_flight = (self.steps.driven, *self.steps.nested)
        if not self.steps.end(event.step_id, event.failure, at, attempts=event.attempts, result=event.result):
            return []
        for step in in_flight:
            if step is not None:
                self.tally.step_ended(step.duration_s, is_good=event.failure is None)
        return self._advance(at)

    def _take_nested(self, event: ev.TakeNested, at: float) -> list[ev.Effect]:
        step = None
        if self.state is State.RUNNING and self.steps is not None and not self._gated:
            step = self.steps.take_nested(event.step_id, at)
        return [ev.Answer(event.ask, step is not None)]

    def _advance(self, at: float) -> list[ev.Effect]:
        """Start the next step, or end the run. While an abort or stop hook runs nothing starts and nothing ends."""
        if self.state is not State.RUNNING or self.steps is None or self.run_id is None:
            return []
        step = None if self._gated else self.steps.take_next(at)
        if step is not None:
            return [ev.RunStep(self.run_id, step.id, step.command)]
        return self._finish(self._final_response(self.steps), at) if self.steps.is_finished else []

    def ahead(self, most: int) -> list[ev.RunStep]:
        """What is asked for after the step in flight if each ends well and nothing else happens; at most so many."""
        if self._gated or self.state is not State.RUNNING or self.steps is None or self.run_id is None:
            return []
        return [ev.RunStep(self.run_id, step.id, step.command) for step in self.steps.ahead(most)]

    def _final_response(self, steps: StepList) -> SubmitResponse:
        run_id = Id(str(self.run_id))
        if self._ended_by is not None:
            return Cancelled(run_id=run_id)
        if (failed := steps.first_failure) is not None:
            message = f"StepId: {failed.id}, CommandName: {failed.command.command_name}, reason: {failed.message}"
            return Error(run_id=run_id, message=message)
        return Completed(run_id=run_id, result=_NO_RESULT)

    def _finish(self, response: SubmitResponse, at: float) -> list[ev.Effect]:
        self.is_active = False
        self.tally.run_ended(type(response).__name__)
        decision = decide(self.state, Trigger.RUN_ENDED)
        if isinstance(decision, Accepted):  # a shutdown ends the run from wherever it is
            self.state = decision.state
        return [ev.Answer(ask, response) for ask in self.history.end(str(response.run_id), response, at)]

    # -- editing -------------------------------------------------------------------------------------------------

    def _edit(self, event: ev.EditList, at: float) -> list[ev.Effect]:
        edit, name = event.edit, type(event.edit).__name__
        if (refused := self._edit_refusal(name)) is not None:
            return [ev.Answer(event.ask, answers.unhandled(refused))]
        if self.is_active and self._completes:
            reply = Unhandled(state=self.state, message_type=name, msg=answers.completes(name))
            return [ev.Answer(event.ask, reply)]
        if event.unknown:
            reply = Unhandled(state=self.state, message_type=name, msg=answers.nobody_takes(event.unknown))
            return [ev.Answer(event.ask, reply)]
        if edit.if_version is not None and edit.if_version != self.log.list_version:
            return [ev.Answer(event.ask, StepListMoved(list_version=self.log.list_version))]
        if self.state is State.LOADED and isinstance(edit, Reset):
            self.state, self.steps = State.IDLE, None
            return [ev.Answer(event.ask, Ok())]
        assert self.steps is not None
        refusal = apply_edit(self.steps, edit, event.step_ids)
        if refusal is not None:
            return [ev.Answer(event.ask, refusal)]
        self._edited = True
        return [ev.Answer(event.ask, Ok()), *self._advance(at)]

    def _edit_refusal(self, name: str) -> Refused | None:
        """Edits are for Loaded and Running; once a run is being ended nothing more is taken into it."""
        if self.is_active and self._ended_by is not None:
            return Refused(self._ended_by, name)
        if name == Trigger.RESET:
            decision = decide(self.state, Trigger.RESET)
            return decision if isinstance(decision, Refused) else None
        return None if self.state in EDITS[name] else Refused(self.state, name)

    # -- ending --------------------------------------------------------------------------------------------------

    def _end(self, event: ev.End) -> list[ev.Effect]:
        is_quicker = event.abort and self._ended_by is State.STOPPING
        if self.is_active and self.state is State.RUNNING and self._ended_by is not None and not is_quicker:
            return [ev.Answer(event.ask, Ok())]  # its hook has run: nothing is left to be done
        effects = self._move(Trigger.ABORT if event.abort else Trigger.STOP, event.ask)
        return [ev.CancelStep(), *effects] if self.state is State.ABORTING and event.abort else effects

    def _complete(self, event: ev.Complete, at: float) -> list[ev.Effect]:
        if self.state is not State.RUNNING or self.steps is None:
            return [ev.Answer(event.ask, answers.unhandled(Refused(self.state, "Complete")))]
        self.steps.drop_pending()
        self._completes = self._edited = True
        return [ev.Answer(event.ask, Ok()), *self._advance(at)]

    def _end_hook_ended(self, pending: Pending, failure: str | None, at: float) -> list[ev.Effect]:
        if self.steps is not None:
            self.steps.cancel_pending()
        return [ev.Answer(pending.ask, Ok(note=answers.note(pending.hook, failure))), *self._advance(at)]

    def _shut(self, event: ev.Shut, at: float) -> list[ev.Effect]:
        decision = decide(self.state, Trigger.SHUTDOWN)
        if isinstance(decision, Refused):
            return [ev.Answer(event.ask, answers.unhandled(decision))]
        released: list[ev.Effect] = [ev.CancelStep()]
        released += [
            ev.Answer(pending.ask, answers.shut_reply(pending.hook, pending.run_id))
            for pending in self._pending.values()
        ]
        self._pending.clear()
        effects = self._run_hook(decision, event.ask)
        if self.is_active and self.run_id is not None:
            if self.steps is not None:
                self.steps.cancel_pending()
            released += self._finish(Cancelled(run_id=Id(self.run_id)), at)
        return [*released, *effects]

    # -- looking -------------------------------------------------------------------------------------------------

    def hook_of(self, token: int) -> Hook | None:
        """The hook in progress that has this token."""
        pending = self._pending.get(token)
        return None if pending is None else pending.hook

    @property
    def peeked(self) -> StepRecord | None:
        """The step ``TakeNested`` would take."""
        if self._gated or self.state is not State.RUNNING or self.steps is None:
            return None
        return self.steps.next_executable
