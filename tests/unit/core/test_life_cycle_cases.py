"""Cases 1 to 62 of reference section 9 that are told nowhere else, one test each; the numbers are in the names."""

from __future__ import annotations

from typing import Any

import pytest

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer_states import State
from ocs_ray.core.sequencer_view import changes_since, updated
from ocs_ray.models.commands import Setup
from ocs_ray.models.editor_messages import Add, AddBreakpoint, Pause, Reset, Resume
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.models.sequencer_messages import SequencerDelta, SequencerState
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.models.steps import StepStatus

PENDING, IN_FLIGHT, SUCCESS = StepStatus.PENDING, StepStatus.IN_FLIGHT, StepStatus.SUCCESS


def statuses(night: Any) -> list[StepStatus]:
    return [step.status for step in night.see().steps]


def go(night: Any, *, online: bool) -> Any:
    return night.asked(lambda ask: ev.GoOnOffline(ask, online=online))


def end(night: Any, *, abort: bool) -> Any:
    return night.asked(lambda ask: ev.End(ask, abort=abort))


def test_1_given_idle_and_no_sequence_when_looked_at_then_there_is_none(night: Any) -> None:
    assert (night.core.steps, night.see().steps, night.see().state) == (None, (), SequencerState.IDLE)


def test_2_given_idle_when_loaded_then_loaded_and_all_steps_are_pending(night: Any) -> None:
    assert night.load(2) == Ok()
    assert (night.see().state, statuses(night)) == (SequencerState.LOADED, [PENDING, PENDING])


def test_4_given_loaded_when_started_then_started_and_the_hook_ran_once(night: Any) -> None:
    night.load(1)
    night.hooks_wait = True
    ask = night.ask()
    night.give(ev.Start(ask, "r1"))
    assert len(night.tokens) == 1
    night.end_hook()
    assert (night.answers[ask].run_id, night.core.state) == ("r1", State.RUNNING)


@pytest.mark.parametrize("online", [True, False])
def test_25_given_running_when_sent_on_or_offline_then_unhandled(night: Any, online: bool) -> None:
    night.submit(1, "r1")
    assert isinstance(go(night, online=online), Unhandled)
    assert night.core.state is State.RUNNING


def test_45_given_loaded_when_reset_then_idle_and_no_sequence(night: Any) -> None:
    night.load(2)
    assert night.edit(Reset()) == Ok()
    assert (night.core.state, night.core.steps) == (State.IDLE, None)


def test_46_given_running_when_reset_then_the_step_in_flight_stays_and_the_run_completes_with_it(night: Any) -> None:
    night.submit(3, "r1")
    assert night.edit(Reset()) == Ok()
    assert (statuses(night), night.core.state) == ([IN_FLIGHT], State.RUNNING)
    night.end_step()
    assert isinstance(night.final("r1"), Completed)


def test_49_given_running_when_stopped_then_as_abort_with_its_own_hook(night: Any) -> None:
    night.submit(3, "r1")
    assert end(night, abort=False) == Ok()
    assert statuses(night) == [IN_FLIGHT, StepStatus.CANCELLED, StepStatus.CANCELLED]
    night.end_step()
    assert night.final("r1") == Cancelled(run_id="r1")


def test_50_given_one_step_done_and_paused_when_stopped_then_the_run_ends_at_once(night: Any) -> None:
    night.load(2)
    night.edit(AddBreakpoint(id="s2"))
    night.asked(lambda ask: ev.Start(ask, "r1"))
    night.end_step()
    assert statuses(night) == [SUCCESS, PENDING]
    assert end(night, abort=False) == Ok()
    assert night.final("r1") == Cancelled(run_id="r1")
    assert night.core.state is State.IDLE


def test_51_given_aborting_when_the_sequence_is_asked_for_then_it_is_there(night: Any) -> None:
    night.submit(2, "r1")
    night.hooks_wait = True
    end(night, abort=True)
    assert (night.see().state, statuses(night)) == (SequencerState.PROCESSING, [IN_FLIGHT, PENDING])


def test_52_given_idle_when_sent_online_then_unhandled_as_the_seed_has_it(night: Any) -> None:
    refused = go(night, online=True)
    assert refused.msg == "Sequencer can not accept 'GoOnline' message in 'Idle' state"
    assert not night.tokens


def test_53_given_offline_when_the_online_hook_ends_well_then_idle(night: Any) -> None:
    go(night, online=False)
    assert go(night, online=True) == Ok()
    assert night.core.state is State.IDLE


def test_54_given_offline_when_sent_offline_then_unhandled_as_the_seed_has_it(night: Any) -> None:
    go(night, online=False)
    assert go(night, online=False).msg == "Sequencer can not accept 'GoOffline' message in 'Offline' state"


def test_56_given_loaded_when_sent_offline_then_the_loaded_sequence_is_gone(night: Any) -> None:
    night.load(2)
    assert go(night, online=False) == Ok()
    assert (night.core.state, night.core.steps) == (State.OFFLINE, None)
    go(night, online=True)
    assert night.core.state is State.IDLE


def test_58_given_a_paused_run_when_resumed_then_the_next_step_starts_only_then(night: Any) -> None:
    night.submit(3, "r1")
    assert night.edit(Pause()) == Ok()
    assert len(night.started) == 1
    night.end_step()
    assert len(night.started) == 1
    assert night.edit(Resume()) == Ok()
    assert len(night.started) == 2


def test_59_given_nothing_ran_before_when_submitted_then_the_first_step_is_in_flight(night: Any) -> None:
    night.submit(2, "r1")
    assert statuses(night) == [IN_FLIGHT, PENDING]
    assert [step.step_id for step in night.started] == ["s1"]


def test_60_given_a_subscriber_when_a_sequence_is_loaded_started_and_ends_then_it_sees_every_state(night: Any) -> None:
    seen = []
    known = night.see()

    def look() -> None:
        nonlocal known
        news = changes_since(night.core, known.version)
        known = updated(known, news) if isinstance(news, SequencerDelta) else news
        seen.append((str(known.state), *(str(step.status) for step in known.steps)))

    look()
    night.load(1)
    look()
    night.hooks_wait = True
    night.give(ev.Start(night.ask(), "r1"))
    look()
    night.end_hook()
    look()
    night.end_step()
    look()
    assert seen == [
        ("Idle",),
        ("Loaded", "Pending"),
        ("Processing", "Pending"),
        ("Running", "InFlight"),
        ("Idle", "Success"),
    ]


def test_61_given_a_subscriber_that_left_when_things_change_then_nothing_is_kept_for_it(night: Any) -> None:
    for run in range(2000):
        night.submit(1, f"r{run}")
        night.end_step()
    assert not isinstance(changes_since(night.core, 1), SequencerDelta)  # it would get the whole list


def test_given_a_subscriber_of_a_sequencer_that_was_here_before_when_it_asks_on_then_it_gets_the_whole_list(
    night: Any, another_night: Any
) -> None:
    night.submit(2, "r1")
    known = night.see()
    later = another_night(first_version=known.version + 1)
    later.submit(3, "r2")
    news = changes_since(later.core, known.version)
    assert not isinstance(news, SequencerDelta)
    assert len(news.steps) == 3


def test_62_given_a_subscriber_when_shut_down_then_it_is_told_that_nothing_more_will_come(night: Any) -> None:
    night.asked(ev.Shut)
    assert night.see().killed


@pytest.mark.parametrize("where", ["loaded", "running", "offline"])
def test_63_given_any_state_when_shut_down_then_ok_and_killed(night: Any, where: str) -> None:
    if where == "offline":
        go(night, online=False)
    else:
        night.load(1) if where == "loaded" else night.submit(1, "r1")
    assert night.asked(ev.Shut) == Ok()
    assert night.core.state is State.KILLED


def test_27_given_an_add_while_the_last_step_runs_then_the_run_waits_for_it(night: Any) -> None:
    night.submit(1, "r1")
    waiting = night.ask()
    night.give(ev.AskFinal(waiting, "r1"))
    night.edit(Add(commands=(Setup("ESW.test", "more"),)))
    night.end_step()
    assert waiting not in night.answers
    night.end_step()
    assert isinstance(night.answers[waiting], Completed)
