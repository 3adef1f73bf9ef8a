"""Who is asked and who is given up when machines come and go, or are slow to answer."""

from __future__ import annotations

from ocs_ray.core.machine_absence import Look, MachineAbsence

NOTHING = Look()
A = ["a"]


def test_given_a_machine_whose_host_is_up_when_looked_at_then_nothing_is_to_be_done() -> None:
    assert MachineAbsence(15).look(A, A, A, 0) == NOTHING


def test_given_a_machine_that_did_not_answer_when_looked_at_then_it_is_asked_until_it_does() -> None:
    absence = MachineAbsence(15)
    absence.owe("a")
    for now_s in (0, 2, 1000):
        assert absence.look(A, A, A, now_s) == Look(ask=("a",))
    absence.answered("a")
    assert absence.look(A, A, A, 1002) == NOTHING


def test_given_a_machine_whose_host_is_down_when_looked_at_then_it_is_asked_and_never_lost() -> None:
    absence = MachineAbsence(15)
    for now_s in (0, 20, 1000):
        assert absence.look(A, A, [], now_s) == Look(ask=("a",))


def test_given_a_machine_that_is_away_when_the_grace_is_over_then_it_is_lost_and_not_before() -> None:
    absence = MachineAbsence(15)
    assert absence.look(A, [], [], 100) == NOTHING
    assert absence.look(A, [], [], 115) == NOTHING
    assert absence.look(A, [], [], 115.1) == Look(lost=("a",))


def test_given_a_machine_that_comes_back_in_time_when_it_goes_again_then_it_has_the_whole_grace() -> None:
    absence = MachineAbsence(15)
    absence.look(A, [], [], 0)
    absence.look(A, A, A, 10)
    assert absence.look(A, [], [], 20) == NOTHING
    assert absence.look(A, [], [], 30) == NOTHING


def test_given_a_machine_nothing_ran_on_for_a_while_when_it_is_away_again_then_it_has_the_whole_grace() -> None:
    absence = MachineAbsence(15)
    absence.look(A, [], [], 0)
    absence.look([], [], [], 2)
    assert absence.look(A, [], [], 20) == NOTHING


def test_given_a_machine_that_was_lost_when_it_is_back_then_it_is_asked_what_still_runs_there() -> None:
    absence = MachineAbsence(15)
    absence.look(A, [], [], 0)
    absence.look(A, [], [], 16)
    assert absence.look([], [], [], 18) == NOTHING
    assert absence.look([], A, [], 20) == Look(ask=("a",))
