"""The words of the procedure model. Source: seed 004; reference isa88.md sections 2 to 4; cases of its section 8."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.procedure import (
    ProcedureCommand,
    ProcedureState,
    Vocabulary,
    normalised,
    state_name,
    state_of,
)

# seed 004 'States', and 'State diagram'
SEED = "IDLE STARTING RUNNING HOLDING HELD RESUMING STOPPING STOPPED COMPLETE ERROR"
DIAGRAM = "IDLE STARTING EXECUTE PAUSING PAUSED RESUMING COMPLETING COMPLETED RESETTING STOPPING STOPPED"
PACKML = {  # ANSI/ISA-TR88.00.02-2022: name -> number; reference section 3, first column
    "CLEARING": 1,
    "STOPPED": 2,
    "STARTING": 3,
    "IDLE": 4,
    "SUSPENDED": 5,
    "EXECUTE": 6,
    "STOPPING": 7,
    "ABORTING": 8,
    "ABORTED": 9,
    "HOLDING": 10,
    "HELD": 11,
    "UNHOLDING": 12,
    "SUSPENDING": 13,
    "UNSUSPENDING": 14,
    "RESETTING": 15,
    "COMPLETING": 16,
    "COMPLETE": 17,
}
PAIRS = [  # reference section 2 ruling 1 and 3, section 3
    ("RUNNING", "EXECUTE"),
    ("HOLDING", "PAUSING"),
    ("HELD", "PAUSED"),
    ("COMPLETE", "COMPLETED"),
    ("RESUMING", "UNHOLDING"),
    ("ERROR", "ABORTED"),
]


def test_given_the_three_vocabularies_when_names_are_resolved_then_there_are_17_states() -> None:  # case 1
    assert {state_of(name) for name in PACKML} == set(ProcedureState)
    assert len(ProcedureState) == 17
    assert len({state_of(name) for name in SEED.split()}) == 10
    assert len({state_of(name) for name in DIAGRAM.split()}) == 11


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_given_two_names_of_one_state_when_resolved_then_they_are_equal(one: str, other: str) -> None:  # case 1
    assert state_of(one) == state_of(other)


@pytest.mark.parametrize(
    ("vocabulary", "names"),
    [(Vocabulary.SEED, SEED), (Vocabulary.DIAGRAM, DIAGRAM), (Vocabulary.PACKML, " ".join(PACKML))],
)
def test_given_a_vocabulary_s_name_when_resolved_and_named_again_then_it_is_the_same(  # case 1
    vocabulary: Vocabulary, names: str
) -> None:
    assert [state_name(state_of(name), vocabulary) for name in names.split()] == names.split()


@pytest.mark.parametrize("vocabulary", list(Vocabulary))
def test_given_any_state_when_named_and_resolved_again_then_it_is_the_same(vocabulary: Vocabulary) -> None:  # case 1
    for state in ProcedureState:
        assert state_of(state_name(state, vocabulary)) is state


def test_given_any_state_when_asked_then_it_has_packml_s_number() -> None:
    assert {state.value: state.number for state in ProcedureState} == PACKML


@pytest.mark.parametrize("name", ["running", " Held ", "completed"])
def test_given_another_case_or_blanks_when_resolved_then_the_state_is_found(name: str) -> None:
    assert state_of(name) is state_of(name.strip().upper())


@pytest.mark.parametrize("name", ["", "NONSENSE", "STOP"])
def test_given_no_state_s_name_when_resolved_then_the_error_names_what_there_is(name: str) -> None:
    with pytest.raises(BadInputError, match="RUNNING"):
        state_of(name)


def test_given_the_commands_when_ordered_by_priority_then_it_is_the_reference_s_total_order() -> None:
    order = "ABORT > STOP > CLEAR > COMPLETE > UNSUSPEND > SUSPEND > HOLD > RESUME > RESET > START"  # section 3
    commands = [ProcedureCommand(name) for name in order.split(" > ")]
    assert set(commands) == set(ProcedureCommand)
    assert all(one.priority > other.priority for one, other in pairwise(commands))


def test_given_upstream_s_four_commands_when_asked_then_their_priorities_are_upstream_s() -> None:
    upstream = {"STOP": 2, "HOLD": 1, "RESUME": 0, "RESET": -1}  # reference section 1.1
    ours = {name: ProcedureCommand(name).priority for name in ("HOLD", "RESUME", "RESET")}
    assert ours == {name: upstream[name] for name in ours}, "STOP's is higher, as others came between it and HOLD"


@pytest.mark.parametrize(
    "message",
    ["hold", " Hold ", {"cmd": "hold"}, {"cmd": "PAUSE"}, b"hold", b'{"cmd": " hold"}', {"cmd": "HOLD", "reason": "x"}],
)
def test_given_hold_in_any_dress_when_normalised_then_it_is_hold(message: object) -> None:  # case 17
    assert normalised(message) is ProcedureCommand.HOLD


@pytest.mark.parametrize(  # section 3: 'PAUSE is accepted as HOLD, UNHOLD and RESTART as RESUME, CANCEL as STOP'
    ("word", "command"), [("PAUSE", "HOLD"), ("UNHOLD", "RESUME"), ("RESTART", "RESUME"), ("CANCEL", "STOP")]
)
def test_given_another_word_for_a_command_when_normalised_then_it_is_that(word: str, command: str) -> None:
    assert normalised(word) is ProcedureCommand(command)


@pytest.mark.parametrize(
    "message",
    [
        *[None, 5, [], {}, {"command": "STOP"}, "FOO"],  # the reference's own
        *["", {"cmd": None}, {"cmd": ["STOP"]}, {"cmd": {"cmd": "STOP"}}, ["STOP"], b"\xff", b"{", b'{"cmd": 1}'],
        b'{"cmd":' * 100_000,
    ],
    ids=lambda message: repr(message)[:24],
)
def test_given_no_command_when_normalised_then_none_and_never_an_error(message: object) -> None:  # case 18
    assert normalised(message) is None
