"""A sequencer's whole behaviour: events in, effects out.

Source: esw SequencerBehavior.scala and SequencerData.scala, without their hazards: a run ends in every state, a late
outcome is recognised by its run and step id and dropped, an empty sequence completes at once, a shutdown answers
every waiter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ocs_ray.core.sequencer_events import (
    Answer,
    AskFinal,
    Changed,
    Effect,
    End,
    Event,
    Forget,
    Gone,
    HookEnded,
    Load,
    RunHook,
    RunStep,
    Shut,
    Start,
    StepEnded,
    Submit,
)
from ocs_ray.core.sequencer_states import Accepted, Refused, State, Trigger, decide
from ocs_ray.core.step_list import StepList
from ocs_ray.models.identifiers import Id
from ocs_ray.models.responses import (
    Cancelled,
    CommandIssue,
    Completed,
    Error,
    Invalid,
    IssueType,
    Result,
    Started,
    SubmitResponse,
)
from ocs_ray.models.sequencer_messages import Ok, Unhandled

ID_NOT_AVAILABLE: Final = Id("IdNotAvailable")
RUNS_KEPT: Final = 100
"""How many ended runs stay queryable."""


@dataclass(slots=True)
class Pending:
    """What a hook in progress will decide about."""

    token: int
    ask: int
    came_from: State
    steps: StepList | None = None
    run_id: str = ""


class SequencerCore:
    """State, steps, runs and waiters of one sequencer. ``handle`` is the only way in."""

    def __init__(self) -> None:
        self.state = State.IDLE
        self.steps: StepList | None = None
        self.run_id: str | None = None
        self.ended_early = False
        self._active = False
        self._pending: Pending | None = None
        self._tokens = 0
        self._responses: dict[str, SubmitResponse] = {}
        self._waiters: dict[str, list[int]] = {}

    def handle(self, event: Event, at: float) -> list[Effect]:
        """Take one event.

        Args:
            event: what happened.
            at: Unix time in seconds.

        Returns:
            What the shell is to do, in this order.
        """
        match event:
            case StepEnded():
                return self._step_ended(event, at)
            case HookEnded():
                return self._hook_ended(event, at)
            case Load():
                return self._load(event)
            case Submit():
                steps = StepList(event.sequence, event.step_ids)
                return self._begin(Trigger.SUBMIT, event.ask, steps, event.run_id)
            case Start():
                return self._begin(Trigger.START, event.ask, self.steps, event.run_id)
            case End():
                return self._end(event)
            case AskFinal():
                return self._ask_final(event)
            case Forget():
                return self._forget(event)
            case Shut():
                return self._shut(event)

    def query(self, run_id: str) -> SubmitResponse:
        """The response of a run as it stands. Source: esw SequencerData.scala, query."""
        if run_id == self.run_id and self._active:
            return Started(run_id=Id(run_id))
        return self._responses.get(run_id) or Invalid(
            run_id=Id(run_id),
            issue=CommandIssue(
                type=IssueType.IdNotAvailableIssue,
                reason=f"Sequencer is not running any sequence with runId Id({run_id})",
            ),
        )

    # -- starting ------------------------------------------------------------------------------------------------

    def _load(self, event: Load) -> list[Effect]:
        decision = decide(self.state, Trigger.LOAD)
        if isinstance(decision, Refused):
            return [Answer(event.ask, _unhandled(decision))]
        self.state, self.steps = decision.state, StepList(event.sequence, event.step_ids)
        return [Answer(event.ask, Ok()), Changed()]

    def _begin(self, trigger: Trigger, ask: int, steps: StepList | None, run_id: str) -> list[Effect]:
        decision = decide(self.state, trigger)
        if isinstance(decision, Refused):
            issue = CommandIssue(type=IssueType.UnsupportedCommandInStateIssue, reason=decision.text)
            return [Answer(ask, Invalid(run_id=ID_NOT_AVAILABLE, issue=issue))]
        return self._run_hook(decision, ask, steps, run_id)

    def _run_hook(self, decision: Accepted, ask: int, steps: StepList | None = None, run_id: str = "") -> list[Effect]:
        assert decision.hook is not None
        self._tokens += 1
        self._pending = Pending(self._tokens, ask, self.state, steps, run_id)
        self.state = decision.state
        return [Changed(), RunHook(decision.hook, self._tokens)]

    def _hook_ended(self, event: HookEnded, at: float) -> list[Effect]:
        pending = self._pending
        if pending is None or pending.token != event.token:
            return []
        self._pending = None
        match self.state:
            case State.SUBMITTING | State.STARTING:
                return self._new_sequence_hook_ended(pending, event.failure, at)
            case State.ABORTING | State.STOPPING:
                return self._end_hook_ended(pending, event.failure, at)
            case _:
                self.state = State.KILLED
                return [Answer(pending.ask, Ok()), Changed(), Gone()]

    def _new_sequence_hook_ended(self, pending: Pending, failure: str | None, at: float) -> list[Effect]:
        if failure is not None:
            verb = "submit" if self.state is State.SUBMITTING else "start"
            self.state = pending.came_from
            message = f"New sequence handler failed to {verb} successfully: {failure}"
            return [Answer(pending.ask, Error(run_id=ID_NOT_AVAILABLE, message=message)), Changed()]
        self.state, self.steps, self.run_id = State.RUNNING, pending.steps, pending.run_id
        self._active, self.ended_early = True, False
        return [Answer(pending.ask, Started(run_id=Id(pending.run_id))), Changed(), *self._advance(at)]

    # -- running -------------------------------------------------------------------------------------------------

    def _step_ended(self, event: StepEnded, at: float) -> list[Effect]:
        if event.run_id != self.run_id or self.steps is None or not self.steps.end(event.step_id, event.failure, at):
            return []
        return [Changed(), *self._advance(at)]

    def _advance(self, at: float) -> list[Effect]:
        """Start the next step, or end the run. While an abort or stop hook runs nothing starts and nothing ends."""
        if self.state is not State.RUNNING or self.steps is None or self.run_id is None:
            return []
        if self.steps.is_finished:
            return self._finish(self._final_response(self.steps, self.run_id))
        step = self.steps.take_next(at)
        return [RunStep(self.run_id, step.id, step.command), Changed()] if step else []

    def _final_response(self, steps: StepList, run_id: str) -> SubmitResponse:
        if self.ended_early:
            return Cancelled(run_id=Id(run_id))
        if (failed := steps.first_failure) is not None:
            message = f"StepId: {failed.id}, CommandName: {failed.command.command_name}, reason: {failed.message}"
            return Error(run_id=Id(run_id), message=message)
        return Completed(run_id=Id(run_id), result=Result())

    def _finish(self, response: SubmitResponse) -> list[Effect]:
        run_id = str(response.run_id)
        self._active = False
        if self.state is State.RUNNING:
            self.state = State.IDLE
        self._responses[run_id] = response
        while len(self._responses) > RUNS_KEPT:
            del self._responses[next(iter(self._responses))]
        answers = [Answer(ask, response) for ask in self._waiters.pop(run_id, [])]
        return [*answers, Changed()]

    # -- ending --------------------------------------------------------------------------------------------------

    def _end(self, event: End) -> list[Effect]:
        decision = decide(self.state, Trigger.ABORT if event.abort else Trigger.STOP)
        if isinstance(decision, Refused):
            return [Answer(event.ask, _unhandled(decision))]
        return self._run_hook(decision, event.ask)

    def _end_hook_ended(self, pending: Pending, failure: str | None, at: float) -> list[Effect]:
        del failure  # reported by the script's on_global_error; the operator asked for the end, so it ends
        self.state, self.ended_early = State.RUNNING, True
        if self.steps is not None:
            self.steps.cancel_pending()
        return [Answer(pending.ask, Ok()), Changed(), *self._advance(at)]

    def _shut(self, event: Shut) -> list[Effect]:
        decision = decide(self.state, Trigger.SHUTDOWN)
        if isinstance(decision, Refused):
            return [Answer(event.ask, _unhandled(decision))]
        released: list[Effect] = []
        if self._pending is not None:
            run_id = self._pending.run_id
            released.append(Answer(self._pending.ask, Cancelled(run_id=Id(run_id)) if run_id else Ok()))
        effects = self._run_hook(decision, event.ask)
        if self._active and self.run_id is not None:
            if self.steps is not None:
                self.steps.cancel_pending()
            released += self._finish(Cancelled(run_id=Id(self.run_id)))
        return [*released, *effects]

    # -- waiting -------------------------------------------------------------------------------------------------

    def _ask_final(self, event: AskFinal) -> list[Effect]:
        response = self.query(event.run_id)
        if not response.is_started:
            return [Answer(event.ask, response)]
        self._waiters.setdefault(event.run_id, []).append(event.ask)
        return []

    def _forget(self, event: Forget) -> list[Effect]:
        for waiters in self._waiters.values():
            if event.ask in waiters:
                waiters.remove(event.ask)
        return []


def _unhandled(refused: Refused) -> Unhandled:
    return Unhandled(state=refused.state, message_type=refused.trigger, msg=refused.text)
