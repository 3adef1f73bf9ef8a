"""Another sequencer as a script, a notebook or plain code uses it. Source: seed 001; esw_sequencer.md 2.7, 2.8."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import CommandError
from ocs_ray.models import editor_messages as em
from ocs_ray.models import sequencer_messages as sm
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting import (
    Cancelled,
    Completed,
    Error,
    Locked,
    ObsMode,
    Result,
    Sequence,
    Sequencer,
    Setup,
    Started,
    SubmitResponse,
    Subsystem,
    completed,
    fail_if_negative,
    on_response,
    result_of,
)
from ocs_ray.scripting.sync_sequencer import SyncSequencer

ONE, OTHER = Setup("ESW.test", "one"), Setup("ESW.test", "other")
SEQUENCE = Sequence.of(ONE, OTHER)
START = UTCTime("2027-01-01T00:00:00Z")
MODE = ObsMode("wfos_darknight")
NEGATIVE = [Error("1", "bad"), Cancelled("1"), Locked("1")]


class Recorder:
    """A door behind which one answer is given to everything."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any, float]] = []

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        self.asked.append((name, message, timeout_s))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def message(self) -> Any:
        return self.asked[-1][1]


def wfos(*answers: Any, timeout: timedelta = timedelta(hours=10)) -> tuple[Recorder, Sequencer]:
    port = Recorder(*answers)
    return port, Sequencer(Subsystem.WFOS, MODE, timeout=timeout, port=port)


CALLS: dict[str, tuple[Callable[[Sequencer], Awaitable[Any]], sm.Message]] = {
    "load": (lambda s: s.load(SEQUENCE), sm.LoadSequence(sequence=SEQUENCE)),
    "abort_sequence": (lambda s: s.abort_sequence(), sm.AbortSequence()),
    "stop": (lambda s: s.stop(), sm.Stop()),
    "go_online": (lambda s: s.go_online(), sm.GoOnline()),
    "go_offline": (lambda s: s.go_offline(), sm.GoOffline()),
    "diagnostic_mode": (
        lambda s: s.diagnostic_mode(START, "engineering"),
        sm.DiagnosticMode(start_time=START, hint="engineering"),
    ),
    "operations_mode": (lambda s: s.operations_mode(), sm.OperationsMode()),
    "sequence": (lambda s: s.sequence(), sm.GetSequence()),
    "state": (lambda s: s.state(), sm.GetSequencerState()),
    "status": (lambda s: s.status(), sm.GetStatus()),
    "runs": (lambda s: s.runs("1"), sm.GetRuns(run_id="1")),
    "sequence_component": (lambda s: s.sequence_component(), sm.GetSequenceComponent()),
    "watch": (lambda s: s.watch(3, 2.0), sm.Watch(after=3, timeout_s=2.0)),
    "pause": (lambda s: s.pause(if_version=1), em.Pause(if_version=1)),
    "resume": (lambda s: s.resume(), em.Resume()),
    "step": (lambda s: s.step(), em.StepOnce()),
    "reset": (lambda s: s.reset(if_version=1), em.Reset(if_version=1)),
    "add": (lambda s: s.add(ONE, OTHER, if_version=1), em.Add(commands=(ONE, OTHER), if_version=1)),
    "prepend": (lambda s: s.prepend(ONE), em.Prepend(commands=(ONE,))),
    "replace": (lambda s: s.replace("7", ONE, OTHER), em.Replace(id="7", commands=(ONE, OTHER))),
    "insert_after": (lambda s: s.insert_after("7", ONE), em.InsertAfter(id="7", commands=(ONE,))),
    "delete": (lambda s: s.delete("7", if_version=1), em.Delete(id="7", if_version=1)),
    "skip": (lambda s: s.skip("7"), em.Skip(id="7")),
    "move": (lambda s: s.move("7", None), em.Move(id="7", after=None)),
    "add_breakpoint": (lambda s: s.add_breakpoint("7"), em.AddBreakpoint(id="7")),
    "remove_breakpoint": (lambda s: s.remove_breakpoint("7"), em.RemoveBreakpoint(id="7")),
}


@pytest.mark.parametrize("call", CALLS)
def test_given_a_call_then_its_message_goes_to_the_sequencer_and_the_reply_comes_back(call: str) -> None:
    async def story() -> None:
        port, sequencer = wfos(Ok())
        make, expected = CALLS[call]
        assert await make(sequencer) == Ok()
        sent = port.message
        assert type(sent) is type(expected)
        assert sent.model_dump(exclude={"request_id"}) == expected.model_dump(exclude={"request_id"})
        assert port.asked[-1][0] == "WFOS.wfos_darknight-Sequencer"

    asyncio.run(story())


@pytest.mark.parametrize("negative", NEGATIVE)
@pytest.mark.parametrize(
    "call",
    [
        lambda s, **k: s.submit(SEQUENCE, **k),
        lambda s, **k: s.submit_and_wait(SEQUENCE, **k),
        lambda s, **k: s.query("1", **k),
        lambda s, **k: s.query_final("1", **k),
        lambda s, **k: s.start(**k),
        lambda s, **k: s.retry_failed(**k),
    ],
)
def test_67_given_a_negative_response_then_it_is_raised_and_with_resume_on_error_returned(
    call: Callable[..., Awaitable[SubmitResponse]], negative: SubmitResponse
) -> None:
    async def story() -> None:
        _, sequencer = wfos(negative)
        with pytest.raises(CommandError) as raised:
            await call(sequencer)
        assert raised.value.outcome == type(negative).__name__
        assert await call(sequencer, resume_on_error=True) == negative

    asyncio.run(story())


@pytest.mark.parametrize(("own", "given", "waits_s"), [(7200, None, 7200), (7200, 5, 5)])
def test_given_submit_and_wait_then_it_waits_for_its_own_run_as_long_as_it_was_told(
    own: int, given: int | None, waits_s: int
) -> None:
    async def story() -> None:
        port, sequencer = wfos(Started("r"), Completed("r"), timeout=timedelta(seconds=own))
        limit = None if given is None else timedelta(seconds=given)
        assert await sequencer.submit_and_wait(SEQUENCE, limit) == Completed("r")
        assert (port.message.run_id, port.message.timeout_s) == ("r", waits_s)
        await sequencer.query_final("r", limit)
        assert port.message.timeout_s == waits_s

    asyncio.run(story())


def test_given_no_timeout_then_it_is_ten_hours() -> None:
    assert Sequencer(Subsystem.WFOS, MODE).timeout == timedelta(hours=10)
    assert Sequencer(Subsystem.WFOS, MODE, "red.one").name == "WFOS.wfos_darknight.red.one-Sequencer"


def test_given_plain_code_then_every_call_is_there_without_await_with_the_same_arguments() -> None:
    calls = {name for name, member in inspect.getmembers(Sequencer, inspect.iscoroutinefunction) if name[0] != "_"}
    assert calls <= set(vars(SyncSequencer))
    port, sequencer = wfos(Started("r"), Completed("r"))
    assert sequencer.sync.submit_and_wait(SEQUENCE, resume_on_error=True) == Completed("r")
    assert sequencer.sync.query("r") == Completed("r")
    assert port.message == sm.Query(run_id="r")  # type: ignore[arg-type]


def test_given_a_loop_that_runs_as_in_a_notebook_then_the_plain_calls_work_and_raise_as_well() -> None:
    async def cell() -> None:
        _, sequencer = wfos(Error("r", "bad"))
        with pytest.raises(CommandError, match="bad"):
            sequencer.sync.submit(SEQUENCE)

    asyncio.run(cell())


def test_given_a_response_then_the_block_that_fits_is_run() -> None:
    async def story(response: SubmitResponse) -> list[str]:
        ran: list[str] = []

        def note(name: str) -> Any:
            async def block(same: SubmitResponse) -> None:
                assert same is response
                ran.append(name)

            return block

        blocks = {name: note(name) for name in ("started", "completed", "failed")}
        assert await on_response(response, **blocks) is response
        await on_response(response)
        return ran

    assert asyncio.run(story(Started("1"))) == ["started"]
    assert asyncio.run(story(Completed("1"))) == ["completed"]
    for negative in NEGATIVE:
        assert asyncio.run(story(negative)) == ["failed"]


def test_given_a_completed_response_then_its_result_is_there_and_any_other_is_raised() -> None:
    done = Completed("1", Result())
    assert completed(done) is done
    assert result_of(done) == Result()
    assert fail_if_negative(done) is done
    assert fail_if_negative(Started("1")) == Started("1")
    for response in (*NEGATIVE, Started("1")):
        for helper in (completed, result_of):
            with pytest.raises(CommandError, match=f"the run 1 answered {type(response).__name__}"):
                helper(response)
    for response in NEGATIVE:
        with pytest.raises(CommandError):
            fail_if_negative(response)
