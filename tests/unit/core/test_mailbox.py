"""Which command a mailbox gives out. Source: seed 004 'Command arbitration'; reference isa88.md 1.2, 4 and 8."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.mailbox import CAPACITY, Disposition, Letter, Mailbox
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, state_of

RUNNING, HELD = state_of("RUNNING"), state_of("HELD")
SEED_ALLOWS = {  # seed 004 'Allowed command policy'
    "STOP": set(ProcedureState),
    "HOLD": {state_of(name) for name in ("STARTING", "RUNNING", "RESUMING")},
    "RESUME": {HELD},
    "RESET": {state_of("STOPPED"), state_of("ERROR")},
}
PRIORITY = "START RESET RESUME HOLD SUSPEND UNSUSPEND COMPLETE CLEAR STOP ABORT"  # section 3, the lowest first


def box_of(*messages: Any) -> Mailbox:
    box = Mailbox()
    for number, message in enumerate(messages):
        box.put(Letter(f"{number}", message, "operator", float(number)))
    return box


def left_in(box: Mailbox) -> list[Any]:
    return [letter.message for letter in box.letters]


def chosen(box: Mailbox, state: ProcedureState | None, max_messages: int = 5) -> Any:
    letter = box.receive(state, max_messages).chosen
    return None if letter is None else letter.message


@pytest.mark.parametrize("order", list(permutations(["STOP", "HOLD", "RESUME", "RESET"])), ids=" ".join)
def test_given_the_seed_s_commands_in_any_order_when_there_is_no_filter_then_they_come_by_priority(  # case 3
    order: tuple[str, ...],
) -> None:
    left, came = list(order), list[str]()
    while left:
        winner = chosen(box_of(*left), None)
        came.append(winner)
        left.remove(winner)
    assert came == ["STOP", "HOLD", "RESUME", "RESET"]


def test_given_equal_commands_when_received_then_the_first_sent_wins_and_its_reason_is_there() -> None:  # case 4
    box = box_of({"cmd": "HOLD", "reason": "clouds"}, {"cmd": "PAUSE", "reason": "tea"})
    assert chosen(box, RUNNING) == {"cmd": "HOLD", "reason": "clouds"}


def test_given_an_empty_box_when_received_then_none_and_nobody_is_told() -> None:  # case 13, pure half
    received = box_of().receive(RUNNING)
    assert received.chosen is None
    assert received.verdicts == ()


def test_given_8_messages_when_5_are_asked_for_then_3_remain_for_the_next_call() -> None:  # case 14
    box = box_of(*["RESET"] * 8)
    assert len(box.receive(RUNNING, 5).verdicts) == 5
    assert len(box) == 3
    assert len(box.receive(RUNNING, 5).verdicts) == 3
    assert len(box) == 0


@pytest.mark.parametrize("max_messages", [1, 0, -7])
def test_given_a_bound_below_one_when_received_then_it_is_one(max_messages: int) -> None:  # case 14
    box = box_of("RESET", "HOLD")
    assert chosen(box, RUNNING, max_messages) is None
    assert left_in(box) == ["HOLD"]


@pytest.mark.parametrize("urgent", ["STOP", "ABORT"])
def test_given_100_resumes_and_then_a_stop_when_received_then_the_first_call_has_it(urgent: str) -> None:  # case 15
    box = box_of(*["RESUME"] * 100, urgent)
    assert chosen(box, RUNNING) == urgent
    assert left_in(box) == ["RESUME"] * 95


def test_given_hold_and_resume_when_received_then_both_come_one_after_the_other() -> None:  # case 16, pure half
    box = box_of("HOLD", "RESUME")
    assert chosen(box, RUNNING) == "HOLD"
    assert left_in(box) == ["RESUME"]
    assert chosen(box, HELD) == "RESUME"
    assert len(box) == 0


def test_given_hold_and_resume_when_the_unchosen_are_dropped_then_it_is_upstream_s_result() -> None:  # case 16
    box = box_of("HOLD", "RESUME")
    received = box.receive(RUNNING, drops_unchosen=True)
    assert received.chosen is not None
    assert received.chosen.message == "HOLD"
    assert len(box) == 0
    assert {v.letter.message: v.disposition for v in received.verdicts}["RESUME"] is Disposition.REJECTED  # but told


@pytest.mark.parametrize(
    ("messages", "follows"),
    [
        ("HOLD RESUME HOLD", "HOLD RESUME HOLD"),
        ("RESUME HOLD", "HOLD"),  # what came before the chosen one was not meant for after it
        ("STOP RESET", "STOP RESET"),  # reference 1.2: upstream loses the RESET
        ("RESET STOP", "STOP"),
        ("HOLD HOLD RESUME", "HOLD RESUME"),
        ("HOLD RESUME RESUME", "HOLD RESUME"),
        ("SUSPEND UNSUSPEND", "SUSPEND UNSUSPEND"),
    ],
)
def test_given_a_batch_when_each_is_followed_before_the_next_call_then_these_are(messages: str, follows: str) -> None:
    after = {"HOLD": HELD, "RESUME": RUNNING, "STOP": state_of("STOPPED"), "RESET": state_of("IDLE")}  # cases 16, 5
    after |= {"SUSPEND": state_of("SUSPENDED"), "UNSUSPEND": RUNNING}
    box, state, came = box_of(*messages.split()), RUNNING, list[str]()
    while len(box):
        message = chosen(box, state)
        if message is not None:
            came.append(message)
            state = after[message]
    assert " ".join(came) == follows


def test_given_hold_in_other_words_when_received_then_it_is_chosen() -> None:  # case 17
    for message in ("hold", " Hold ", {"cmd": "hold"}, {"cmd": "PAUSE"}):
        assert chosen(box_of(message), RUNNING) == message


def test_given_no_commands_around_a_valid_one_when_received_then_it_is_chosen_and_they_are_unknown() -> None:  # case 18
    nonsense = [None, 5, [], {}, {"command": "STOP"}, "FOO"]
    received = box_of(*nonsense, "HOLD").receive(RUNNING, 7)
    assert received.chosen is not None
    assert received.chosen.message == "HOLD"
    unknown = [v.letter.message for v in received.verdicts if v.disposition is Disposition.UNKNOWN]
    assert unknown == nonsense


def test_given_letters_that_do_not_compare_when_received_then_no_error() -> None:  # case 18: 'never raise'
    class Awkward:
        def __eq__(self, other: object) -> bool:
            raise ValueError("the truth value of an array is ambiguous")

        __hash__ = None  # pyright: ignore[reportAssignmentType]

    box = Mailbox()
    box.put(Letter("same", {"cmd": "HOLD", "x": Awkward()}, "a", 0.0))
    box.put(Letter("same", {"cmd": "HOLD", "x": Awkward()}, "a", 0.0))
    assert len(box.receive(RUNNING).verdicts) == 2


def test_given_one_letter_sent_twice_when_received_then_only_one_of_them_is_chosen() -> None:
    letter, box = Letter("x", "HOLD", "operator", 0.0), Mailbox()
    box.put(letter)
    box.put(letter)
    dispositions = [verdict.disposition for verdict in box.receive(RUNNING).verdicts]
    assert dispositions == [Disposition.CHOSEN, Disposition.SUPERSEDED]


def test_given_only_refused_ones_when_received_then_none_and_the_state_is_named() -> None:  # case 19, pure half
    received = box_of("RESUME", "RESET").receive(RUNNING)
    assert received.chosen is None
    assert [v.disposition for v in received.verdicts] == [Disposition.REJECTED] * 2
    assert all(v.state is RUNNING and str(RUNNING) in v.reason for v in received.verdicts)


def test_given_the_state_is_on_its_way_when_a_command_for_its_end_comes_then_it_stays() -> None:  # case 16
    box = box_of("RESUME")
    assert chosen(box, state_of("HOLDING")) is None
    assert left_in(box) == ["RESUME"]


def test_given_a_followed_letter_when_received_in_any_state_then_it_is_given_out() -> None:
    box = Mailbox()
    box.put(Letter("x", "HOLD", "operator", 0.0), accepted_in=RUNNING)
    assert chosen(box, HELD) == "HOLD"


def test_given_hidden_letters_when_received_then_they_stay_and_do_not_count_for_the_bound() -> None:
    box = box_of("STOP", "HOLD", "RESET", "HOLD")
    received = box.receive(RUNNING, 1, is_hidden=lambda letter: letter.id in "01")
    assert received.chosen is None
    assert left_in(box) == ["STOP", "HOLD", "HOLD"]


def test_given_a_box_that_is_full_when_asked_then_it_says_so() -> None:
    assert box_of(*["HOLD"] * CAPACITY).is_full
    assert not box_of(*["HOLD"] * (CAPACITY - 1)).is_full


messages = st.one_of(
    st.sampled_from([str(command) for command in ProcedureCommand]),
    st.sampled_from([*["PAUSE", " unhold ", {"cmd": "stop"}, b"abort"], *["FOO", None, 5, {}]]),
)
states = st.none() | st.sampled_from(list(ProcedureState))


@given(st.lists(messages, max_size=12), st.integers(-1, 8), states, st.booleans())
def test_given_any_box_any_bound_any_state_when_received_then_the_arbitration_holds(
    sent: list[Any], bound: int, state: ProcedureState | None, drops: bool
) -> None:
    box = box_of(*sent)
    before = box.letters
    received = box.receive(state, bound, drops_unchosen=drops)
    judged = [verdict.letter for verdict in received.verdicts]

    assert Counter(x.id for x in judged) + Counter(x.id for x in box.letters) == Counter(x.id for x in before)
    assert [x.id for x in box.letters] == [x.id for x in before if x in box.letters], "the order is kept"
    ordinary = [x for x in judged if x.command is None or not x.command.is_urgent]
    assert len(ordinary) <= max(1, bound)

    dispositions = Counter(verdict.disposition for verdict in received.verdicts)
    assert dispositions[Disposition.DEFERRED] == 0, "what is kept is not judged"
    assert dispositions[Disposition.CHOSEN] == (received.chosen is not None)
    commands = {str(letter.command) for letter in before}
    if "ABORT" in commands and (state is None or state not in ("ABORTING", "ABORTED")):
        assert received.chosen is not None
        assert received.chosen.command is ProcedureCommand.ABORT
    elif "STOP" in commands:
        assert received.chosen is not None
        assert received.chosen.command is ProcedureCommand.STOP


@given(st.lists(st.sampled_from(list(SEED_ALLOWS)), max_size=9), st.integers(-1, 8), states)
def test_given_the_seed_s_commands_when_received_then_the_highest_of_the_allowed_drained_ones_is_chosen(
    sent: list[str], bound: int, state: ProcedureState | None
) -> None:
    ordinary = [n for n, message in enumerate(sent) if message != "STOP"][: max(1, bound)]
    drained = [n for n, message in enumerate(sent) if message == "STOP" or n in ordinary]
    allowed = [n for n in drained if state is None or state in SEED_ALLOWS[sent[n]]]
    rank = PRIORITY.split().index
    best = max(allowed, key=lambda n: (rank(sent[n]), -n), default=None)
    received = box_of(*sent).receive(state, bound)
    assert (received.chosen.id if received.chosen else None) == (None if best is None else f"{best}")


@given(st.lists(messages, max_size=12), st.integers(1, 5))
def test_given_any_box_when_received_again_and_again_in_a_waiting_state_then_it_runs_empty(
    sent: list[Any], bound: int
) -> None:
    box = box_of(*sent)
    for _ in sent:  # in a state that waits, a call without a chosen one keeps nothing it has drained
        box.receive(RUNNING, bound)
        chosen(box, HELD, bound)
        chosen(box, state_of("STOPPED"), bound)
        chosen(box, state_of("SUSPENDED"), bound)
        chosen(box, state_of("IDLE"), bound)
        chosen(box, state_of("ABORTED"), bound)
    assert len(box) == 0
