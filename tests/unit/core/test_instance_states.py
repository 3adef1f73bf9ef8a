"""Expected values: reference scramjet.md, sections 4 and 8, and cases 19, 25, 26 and 27 of section 9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.instance_states import Effect, ExitCode, Moved, Refused, Trigger, decide, procedure_state
from ocs_ray.models.instance_records import InstanceStatus as Status

ACCEPTS = {
    Status.INITIALIZING: "placed start_failed stop kill machine_lost",
    Status.STARTING: "ready start_failed process_gone stop kill machine_lost",
    Status.RUNNING: "returned raised stop kill process_gone machine_lost",
    Status.STOPPING: "stop keep_alive returned raised process_gone stop_timed_out kill machine_lost",
    Status.KILLING: "stop kill returned raised start_failed ready process_gone machine_lost",
    Status.COMPLETED: "",
    Status.ERRORED: "",
}


def run(*triggers: Trigger) -> Moved:
    moved = Moved(Status.INITIALIZING)
    for trigger in triggers:
        answer = decide(moved.status, trigger)
        assert isinstance(answer, Moved), answer
        moved = answer
    return moved


@pytest.mark.parametrize("status", list(Status))
def test_given_any_status_when_any_trigger_then_only_the_reference_s_are_taken(status: Status) -> None:
    accepted = {trigger for trigger in Trigger if isinstance(decide(status, trigger), Moved)}
    assert accepted == set(ACCEPTS[status].split())


STARTED = (Trigger.PLACED, Trigger.READY)


@pytest.mark.parametrize(
    ("triggers", "status", "code"),
    [
        ((*STARTED, Trigger.RETURNED), Status.COMPLETED, ExitCode.OK),  # case 25
        ((*STARTED, Trigger.RAISED), Status.ERRORED, ExitCode.FAILED_IN_EXECUTION),  # case 25
        ((*STARTED, Trigger.PROCESS_GONE), Status.ERRORED, ExitCode.UNCAUGHT),
        ((*STARTED, Trigger.STOP, Trigger.RETURNED), Status.COMPLETED, ExitCode.STOPPED),  # case 26
        ((*STARTED, Trigger.STOP, Trigger.STOP_TIMED_OUT, Trigger.PROCESS_GONE), Status.COMPLETED, ExitCode.KILLED),
        ((*STARTED, Trigger.KILL, Trigger.PROCESS_GONE), Status.COMPLETED, ExitCode.KILLED),  # case 27
        ((Trigger.PLACED, Trigger.START_FAILED), Status.ERRORED, ExitCode.FAILED_ON_START),  # case 19
        ((Trigger.PLACED, Trigger.KILL, Trigger.READY, Trigger.PROCESS_GONE), Status.COMPLETED, ExitCode.KILLED),
        ((Trigger.MACHINE_LOST,), Status.ERRORED, ExitCode.MACHINE_FAILED),
    ],
)
def test_given_a_life_when_it_ends_then_status_and_exit_code_are_the_reference_s(
    triggers: tuple[Trigger, ...], status: Status, code: ExitCode
) -> None:
    ended = run(*triggers)
    assert ended.terminated is not None
    assert (ended.status, ended.terminated.exit_code) == (status, code)
    assert ended.effects == (Effect.END_CHANNELS, Effect.REMOVE_LEFTOVERS)


def test_given_a_start_that_fails_when_more_is_known_then_code_and_reason_are_exact() -> None:  # case 19
    moved = decide(Status.STARTING, Trigger.START_FAILED, ExitCode.BAD_ENTRY, "index.py:3: no function")
    assert isinstance(moved, Moved)
    assert moved.terminated is not None
    assert (moved.terminated.exit_code, moved.terminated.reason) == (21, "index.py:3: no function")


def test_given_a_killed_instance_when_its_start_fails_meanwhile_then_it_was_killed() -> None:
    moved = decide(Status.KILLING, Trigger.START_FAILED, ExitCode.BAD_ENTRY)
    assert isinstance(moved, Moved)
    assert moved.terminated is not None
    assert moved.terminated.exit_code == ExitCode.KILLED


def test_given_a_running_instance_when_stopped_twice_then_its_handlers_are_called_once() -> None:  # case 26
    first = run(*STARTED, Trigger.STOP)
    assert first.effects == (Effect.CALL_STOP_HANDLERS,)
    assert decide(first.status, Trigger.STOP) == Moved(Status.STOPPING)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.ERRORED])
@pytest.mark.parametrize("trigger", [Trigger.STOP, Trigger.KILL])
def test_given_a_finished_instance_when_stopped_or_killed_then_nothing_changes(
    status: Status, trigger: Trigger
) -> None:  # case 26
    refused = decide(status, trigger)
    assert isinstance(refused, Refused)
    assert refused.text == f"the instance has ended ({status}); '{trigger}' changes nothing"


@given(st.lists(st.sampled_from(list(Trigger)), max_size=30))
def test_given_any_triggers_when_taken_in_turn_then_it_ends_at_most_once_and_with_a_code(
    triggers: list[Trigger],
) -> None:
    status, ends = Status.INITIALIZING, 0
    for trigger in triggers:
        answer = decide(status, trigger)
        assert answer.status == status or isinstance(answer, Moved)
        if isinstance(answer, Moved):
            assert not status.is_final
            assert (answer.terminated is not None) == answer.status.is_final
            ends += answer.status.is_final
        status = answer.status
    assert ends <= 1


def test_given_statuses_when_told_in_isa_88_words_then_they_are_the_reference_s() -> None:
    assert procedure_state(Status.RUNNING, None) == "EXECUTE"
    words = [run(*STARTED, *rest) for rest in ([Trigger.RETURNED], [Trigger.STOP, Trigger.RETURNED], [Trigger.RAISED])]
    assert [procedure_state(m.status, m.terminated) for m in words] == ["COMPLETE", "STOPPED", "ERROR"]
    killed = run(*STARTED, Trigger.KILL, Trigger.PROCESS_GONE)
    assert procedure_state(killed.status, killed.terminated) == "ABORTED"
