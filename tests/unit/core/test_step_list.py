"""Editing a step list. Case numbers: reference section 9 (StepListTest, StepTest, SequencerBehaviorTest of ESW)."""

from __future__ import annotations

import pytest

from ocs_ray.core.step_list import StepList, new_steps
from ocs_ray.core.step_record import StepRecord
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.sequencer_replies import CannotOperateOnAnInFlightOrFinishedStep, IdDoesNotExist
from ocs_ray.models.steps import StepStatus

CANNOT = CannotOperateOnAnInFlightOrFinishedStep()
NOBODY = IdDoesNotExist(id="nobody")


def made(*ids: str, done: int = 0, running: bool = False) -> StepList:
    """Steps with these ids: the first ``done`` finished, the one after them in flight if ``running``."""
    steps = StepList.of(Sequence.of(*(Setup("ESW.test", f"c{id_}") for id_ in ids)), ids)
    for id_ in ids[:done]:
        steps.take_next(0.0)
        steps.end(id_, None, 1.0)
    if running:
        steps.take_next(0.0)
    return steps


def more(*ids: str) -> list[StepRecord]:
    return new_steps([Setup("ESW.test", f"c{id_}") for id_ in ids], ids)


def order(steps: StepList) -> str:
    return " ".join(steps.ids())


def statuses(steps: StepList) -> list[StepStatus]:
    return [step.status for step in steps.view()]


def test_given_two_steps_when_added_to_then_the_new_one_is_last() -> None:
    steps = made("1", "2")
    steps.add(more("3"))  # case 26
    assert order(steps) == "1 2 3"


def test_given_a_step_in_flight_when_added_to_then_the_new_one_runs_after_the_others() -> None:
    steps = made("1", "2", running=True)
    steps.add(more("3"))  # case 27
    ran = ["1"]
    while not steps.is_finished:
        steps.end(ran[-1], None, 1.0)
        if (step := steps.take_next(1.0)) is not None:
            ran.append(step.id)
    assert ran == ["1", "2", "3"]


def test_given_a_step_in_flight_when_prepended_then_the_new_one_is_the_next() -> None:
    steps = made("1", "2", running=True)
    steps.prepend(more("3"))  # case 28
    assert order(steps) == "1 3 2"
    assert steps.next_pending is not None
    assert steps.next_pending.id == "3"


def test_given_nothing_pending_when_prepended_then_it_goes_to_the_end() -> None:
    steps = made("1", running=True)
    steps.prepend(more("2"))  # case 29
    assert order(steps) == "1 2"
    assert not steps.is_finished


def test_given_a_pending_step_when_replaced_then_the_new_ones_are_in_its_place() -> None:
    steps = made("1", "2")
    assert steps.replace("1", more("3", "4")) is None  # case 30
    assert order(steps) == "3 4 2"


@pytest.mark.parametrize(("done", "running"), [(0, True), (1, False)])
def test_given_a_step_in_flight_or_finished_when_changed_then_it_cannot_be(done: int, running: bool) -> None:
    steps = made("1", "2", done=done, running=running)  # cases 31, 34 and 38
    for refused in (
        steps.replace("1", more("3")),
        steps.delete("1"),
        steps.set_breakpoint("1"),
        steps.skip("1"),
        steps.move("1", "2"),
    ):
        assert refused == CANNOT
    assert order(steps) == "1 2"


def test_given_an_id_nobody_has_when_edited_then_it_is_said() -> None:
    steps = made("1", "2")  # case 32
    assert steps.replace("nobody", []) == NOBODY
    assert steps.insert_after("nobody", more("3")) == NOBODY
    assert steps.delete("nobody") == NOBODY
    assert steps.set_breakpoint("nobody") == NOBODY
    assert steps.clear_breakpoint("nobody") == NOBODY
    assert steps.skip("nobody") == NOBODY
    assert steps.move("nobody", None) == NOBODY
    assert steps.move("1", "nobody") == NOBODY
    assert order(steps) == "1 2"


def test_given_a_pending_step_when_deleted_then_it_is_gone() -> None:
    steps = made("1", "2", running=True)
    assert steps.delete("2") is None  # case 33
    assert order(steps) == "1"


def test_given_a_finished_step_with_a_pending_successor_when_inserted_after_then_it_is_allowed() -> None:
    steps = made("1", "2", done=1)
    assert steps.insert_after("1", more("3")) is None  # case 35
    assert order(steps) == "1 3 2"
    assert steps.next_pending is not None
    assert steps.next_pending.id == "3"


def test_given_a_successor_that_is_not_pending_when_inserted_after_then_it_cannot_be() -> None:
    steps = made("1", "2", done=1, running=True)
    assert steps.insert_after("1", more("3")) == CANNOT  # case 36


def test_given_the_last_step_in_flight_when_inserted_after_then_it_is_appended() -> None:
    steps = made("1", running=True)
    assert steps.insert_after("1", more("2")) is None  # case 37
    assert order(steps) == "1 2"


def test_given_a_finished_step_when_its_breakpoint_is_cleared_then_nothing_happens() -> None:
    assert made("1", "2", done=1).clear_breakpoint("1") is None  # case 39


def test_given_a_breakpoint_on_the_next_step_when_taken_then_it_pauses_and_clearing_it_goes_on() -> None:
    steps = made("1", "2")
    steps.set_breakpoint("1")  # cases 40 and 41
    assert steps.take_next(0.0) is None
    assert not steps.is_finished
    steps.clear_breakpoint("1")
    taken = steps.take_next(0.0)
    assert taken is not None
    assert taken.id == "1"


def test_given_nothing_pending_when_paused_then_it_cannot_and_resume_does_nothing() -> None:
    steps = made("1", running=True)
    assert steps.pause() == CANNOT  # cases 42 and 43
    steps.resume()
    assert statuses(steps) == [StepStatus.IN_FLIGHT]


def test_given_two_breakpoints_when_resumed_then_only_the_next_is_cleared() -> None:
    steps = made("1", "2")
    steps.set_breakpoint("1")
    steps.set_breakpoint("2")
    steps.resume()  # case 44
    assert [step.has_breakpoint for step in steps.view()] == [False, True]


def test_given_a_paused_list_when_stepped_then_one_runs_and_it_pauses_again() -> None:
    steps = made("1", "2", "3")
    steps.pause()
    steps.drain_touched()
    assert steps.step_once() is None
    assert [step.id for step in steps.drain_touched()] == ["1", "2"]
    assert steps.take_next(0.0) is not None
    steps.end("1", None, 1.0)
    assert steps.take_next(1.0) is None
    assert [step.has_breakpoint for step in steps.view()] == [False, True, False]


def test_given_a_step_in_flight_when_stepped_then_it_is_that_step() -> None:
    steps = made("1", "2", running=True)
    assert steps.step_once() is None
    steps.end("1", None, 1.0)
    assert steps.take_next(1.0) is None


def test_given_a_skipped_step_when_the_list_runs_then_it_is_passed_over() -> None:
    steps = made("1", "2", "3", running=True)
    assert steps.skip("2") is None
    steps.end("1", None, 1.0)
    taken = steps.take_next(1.0)
    assert taken is not None
    assert taken.id == "3"
    assert statuses(steps) == [StepStatus.SUCCESS, StepStatus.SKIPPED, StepStatus.IN_FLIGHT]
    assert steps.done == 2


@pytest.mark.parametrize(
    ("moved", "after", "expected"),
    [
        ("3", None, "1 3 2 4"),
        ("2", "4", "1 3 4 2"),
        ("4", "1", "1 4 2 3"),
        ("2", "2", "1 2 3 4"),
        ("2", "1", "1 2 3 4"),
    ],
)
def test_given_a_pending_step_when_moved_then_it_is_where_it_was_put(
    moved: str, after: str | None, expected: str
) -> None:
    steps = made("1", "2", "3", "4", running=True)
    assert steps.move(moved, after) is None
    assert order(steps) == expected


def test_given_a_skipped_step_among_pending_ones_when_something_is_put_before_it_then_it_is_no_obstacle() -> None:
    steps = made("1", "2", "3", "4", running=True)
    steps.skip("3")
    assert steps.insert_after("2", more("5")) is None
    assert order(steps) == "1 2 5 3 4"
    assert steps.move("4", "2") is None
    assert order(steps) == "1 2 4 5 3"


def test_given_a_skipped_step_next_to_the_one_in_flight_when_something_is_put_before_it_then_that_is_past() -> None:
    steps = made("1", "2", "3", running=True)
    steps.skip("2")
    assert steps.insert_after("1", more("4")) == CANNOT
    assert steps.move("3", "1") == CANNOT
    assert steps.insert_after("2", more("4")) is None
    assert order(steps) == "1 2 4 3"


def test_given_its_own_place_before_a_skipped_step_when_moved_there_then_it_is_not_lost() -> None:
    steps = made("1", "2", "3", running=True)
    steps.skip("3")
    assert steps.move("2", "1") is None
    assert order(steps) == "1 2 3"


def test_given_a_failed_step_when_retried_then_the_new_list_goes_on_there_and_the_old_one_stays() -> None:
    steps = made("1", "2", "3", done=1, running=True)
    steps.end("2", "boom", 2.0)
    again = steps.retried()
    taken = again.take_next(3.0)
    assert taken is not None
    assert (taken.id, taken.attempts) == ("2", 2)
    assert statuses(again) == [StepStatus.SUCCESS, StepStatus.IN_FLIGHT, StepStatus.PENDING]
    assert statuses(steps) == [StepStatus.SUCCESS, StepStatus.FAILURE, StepStatus.PENDING]


def test_given_a_nested_step_when_the_outer_one_ends_then_both_end_alike() -> None:
    steps = made("1", "2", "3", running=True)
    assert steps.take_nested("3", 0.0) is None
    assert steps.take_nested("2", 0.0) is not None
    steps.end("1", None, 1.0)
    assert statuses(steps) == [StepStatus.SUCCESS, StepStatus.SUCCESS, StepStatus.PENDING]


def test_given_an_empty_list_when_looked_at_then_it_is_finished() -> None:
    assert StepList([]).is_finished


def test_given_fewer_ids_than_commands_when_made_then_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        StepList.of([Setup("ESW.test", "c1")], [])
