"""The procedure's tables, cell by cell. Source: seed 004; reference isa88.md section 3; cases of its section 8."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.core.procedure_states import POLICY, TRANSITIONS, Outcome, leads_to, next_state, settled
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, state_of

EVENTS: list[ProcedureCommand | Outcome] = [*ProcedureCommand, *Outcome]


def _expected() -> dict[tuple[str, str], str]:
    """(state, event) -> next state, '=' or '.'; one that is there twice is an error."""
    cells: dict[tuple[str, str], str] = {}
    state = ""
    for line in (Path(__file__).parent / "data" / "procedure_matrix.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words = line.replace(":", " ").split()
        if not line.startswith(" "):
            state, words = words[0], words[1:]
        for event, target in zip(words[::2], words[1::2], strict=True):
            assert (state, event) not in cells
            cells[state, event] = target
    return cells


EXPECTED = _expected()


def test_given_the_expectation_file_when_read_then_it_has_every_cell_and_the_reference_s_counts() -> None:
    assert set(EXPECTED) == {(str(state), str(event)) for state in ProcedureState for event in EVENTS}
    assert sum(target != "." for target in EXPECTED.values()) == 70  # 'machine-checked: 17 states, 70 transitions'
    assert len(TRANSITIONS) == sum(target not in ".=" for target in EXPECTED.values())


@pytest.mark.parametrize("state", list(ProcedureState))
@pytest.mark.parametrize("event", EVENTS)
def test_given_any_state_when_any_event_then_the_cell_is_the_reference_s(  # cases 5, 10
    state: ProcedureState, event: ProcedureCommand | Outcome
) -> None:
    expected = EXPECTED[state, event]
    assert next_state(state, event) == {".": None, "=": state}.get(expected, expected)


@pytest.mark.parametrize(
    ("command", "states"),
    [  # seed 004 'Allowed command policy', word for word
        ("STOP", " ".join(ProcedureState)),
        ("HOLD", "STARTING RUNNING RESUMING"),  # case 6
        ("RESUME", "HELD"),  # case 7
        ("RESET", "STOPPED ERROR"),  # case 8
    ],
)
def test_given_a_command_of_the_seed_when_asked_then_the_policy_is_exactly_its_table(command: str, states: str) -> None:
    assert POLICY[ProcedureCommand(command)] == {state_of(name) for name in states.split()}


@pytest.mark.parametrize("command", ["START", "ABORT", "CLEAR", "COMPLETE", "SUSPEND", "UNSUSPEND"])
def test_given_a_command_the_seed_lacks_when_asked_then_the_policy_is_the_machine_s(command: str) -> None:
    accepting = {state for state in ProcedureState if EXPECTED[state, command] != "."}
    assert POLICY[ProcedureCommand(command)] == accepting


def test_given_reset_when_the_supervisor_takes_it_then_complete_is_left_and_running_is_not() -> None:  # case 8
    assert next_state(state_of("COMPLETED"), ProcedureCommand.RESET) is ProcedureState.RESETTING
    assert next_state(state_of("RUNNING"), ProcedureCommand.RESET) is None


@pytest.mark.parametrize("name", ["EXECUTE", "HELD", "STARTING", "COMPLETE"])
def test_given_a_run_when_stopped_then_it_goes_through_stopping_to_stopped(name: str) -> None:  # case 5
    stopping = next_state(state_of(name), ProcedureCommand.STOP)
    assert stopping is ProcedureState.STOPPING
    assert next_state(stopping, Outcome.SC) is ProcedureState.STOPPED


@pytest.mark.parametrize("state", list(ProcedureState))
def test_given_any_state_when_stopped_then_it_is_accepted(state: ProcedureState) -> None:  # case 5
    assert next_state(state, ProcedureCommand.STOP) is not None


@pytest.mark.parametrize(
    "walk",
    [  # seed 004 'State diagram': 13 arrows beside the one to the initial state
        "IDLE START STARTING SC EXECUTE PAUSE PAUSING SC PAUSED RESUME RESUMING SC EXECUTE "
        "SC COMPLETING SC COMPLETED RESET RESETTING SC IDLE",
        "EXECUTE STOP STOPPING SC STOPPED RESET RESETTING SC IDLE",
    ],
)
def test_given_the_seed_s_diagram_when_its_arrows_are_walked_then_each_is_there(walk: str) -> None:  # case 9
    words = walk.replace("PAUSE ", "HOLD ").split()
    state = state_of(words[0])
    for word, target in zip(words[1::2], words[2::2], strict=True):
        following = next_state(state, Outcome.SC if word == "SC" else ProcedureCommand(word))
        assert following is state_of(target), (state, word)
        state = following


def test_given_idle_when_everything_is_tried_then_every_state_is_reached() -> None:
    reached, todo = set[ProcedureState](), [ProcedureState.IDLE]
    while todo:
        state = todo.pop()
        reached.add(state)
        todo += {t for event in EVENTS if (t := next_state(state, event)) is not None} - reached
    assert reached == set(ProcedureState)


@pytest.mark.parametrize(
    ("state", "end"),
    [
        *[("HOLDING", "HELD"), ("RESUMING", "EXECUTE"), ("STARTING", "EXECUTE"), ("EXECUTE", "EXECUTE")],
        *[("CLEARING", "STOPPED"), ("RESETTING", "IDLE"), ("COMPLETING", "COMPLETE"), ("ABORTING", "ABORTED")],
        ("HELD", "HELD"),
    ],
)
def test_given_a_state_when_all_goes_well_then_it_settles_where_the_next_command_is_awaited(
    state: str, end: str
) -> None:
    assert settled(state_of(state)) is state_of(end)


def test_given_an_error_when_reset_then_it_leads_to_idle_and_a_refused_command_nowhere() -> None:  # case 11
    assert leads_to(state_of("ERROR"), ProcedureCommand.RESET) is ProcedureState.IDLE
    assert leads_to(state_of("ERROR"), ProcedureCommand.CLEAR) is ProcedureState.STOPPED
    assert leads_to(state_of("RUNNING"), ProcedureCommand.RESET) is None
