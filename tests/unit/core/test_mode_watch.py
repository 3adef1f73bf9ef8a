"""What is concluded from looking again and again; there may be another manager at work."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ocs_ray.core.mode_watch import CONFIRM_S, GRACE_S, ModeWatch, Sight, in_transit
from ocs_ray.models.component_messages import LostSequencer, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.times import UTCTime

A = ObsMode("A")
ESW, IRIS = Prefix("ESW.A"), Prefix("IRIS.A")
ESW_1, IRIS_1 = Prefix("ESW.ESW_1"), Prefix("IRIS.IRIS_1")
HOMES = {ESW: ESW_1, IRIS: IRIS_1}


def clock(at_s: float) -> UTCTime:
    return UTCTime(f"2021-09-17T09:{int(at_s) // 60:02}:{int(at_s) % 60:02}Z")


def sight(at_s: float, *alive: Prefix, held: tuple[ObsMode, ...] = (A,)) -> Sight:
    return Sight(at_s=at_s, time=clock(at_s), alive=frozenset(alive), held=frozenset(held))


def says(
    component: Prefix,
    state: str = "Idle",
    loaded: Prefix | None = None,
    lost: Prefix | None = None,
    restarted_at: float | None = None,
) -> SequenceComponentStatus:
    record = LostSequencer(prefix=lost, sequence_component=component, at=clock(0), reason="died") if lost else None
    return SequenceComponentStatus(
        prefix=component,
        machine=Prefix("ESW.m"),
        state=state,
        loaded=loaded,
        sequencer=None,
        pid=1,
        lost=record,
        restarted=restarted_at is not None,
        since=clock(restarted_at or 0),
    )


def reports(*statuses: SequenceComponentStatus) -> Mapping[Prefix, SequenceComponentStatus]:
    idle = {component: says(component) for component in HOMES.values()}
    return {**idle, **{status.prefix: status for status in statuses}}


def running() -> ModeWatch:
    """A watch that saw the mode run."""
    watch = ModeWatch()
    loaded = reports(*(says(home, "Running", prefix) for prefix, home in HOMES.items()))
    assert watch.judge(sight(0, ESW, IRIS), loaded) == ()
    return watch


def lost(watch: ModeWatch) -> dict[str, str]:
    return {record.prefix: record.reason for record in watch.lost((), ())}


def test_given_nothing_changed_when_seen_then_nobody_need_be_asked() -> None:
    watch = running()
    assert not watch.asks_components(sight(1, ESW, IRIS))
    assert watch.asks_components(sight(1, ESW))
    assert watch.asks_components(sight(1, ESW, IRIS, held=(ObsMode("B"),)))


def test_given_a_mode_that_ran_when_its_esw_sequencer_is_missing_for_two_looks_then_it_is_over() -> None:
    watch = running()
    assert watch.judge(sight(1, IRIS), reports()) == ()
    assert watch.doubtful
    assert watch.judge(sight(1 + CONFIRM_S / 2, IRIS), reports()) == ()
    assert watch.judge(sight(1 + 1.1 * CONFIRM_S, IRIS), reports()) == (A,)


@pytest.mark.parametrize("state", ["Loading", "Restarting"])
def test_given_a_component_that_starts_the_esw_sequencer_when_it_is_missing_then_the_mode_is_not_over(
    state: str,
) -> None:
    watch, starts = running(), reports(says(ESW_1, state, ESW))
    assert in_transit(starts.values()) == {ESW}
    for at_s in (1, 2, 60):
        assert watch.judge(sight(at_s, IRIS), starts) == ()
    assert ESW not in lost(watch)
    assert watch.judge(sight(61, IRIS), reports()) == ()  # from now on it is missing
    assert watch.judge(sight(62, IRIS), reports()) == (A,)


def test_given_a_mode_that_was_never_seen_running_when_nobody_of_it_comes_then_it_is_over_after_the_grace() -> None:
    watch = ModeWatch()
    watch.judge(sight(0, held=()), reports())
    assert watch.judge(sight(1), reports()) == ()
    assert not watch.doubtful
    assert watch.judge(sight(GRACE_S), reports()) == ()
    assert watch.judge(sight(1 + GRACE_S), reports()) == (A,)


@pytest.mark.parametrize("state", ["Loading", "Restarting", "Unloading"])
def test_given_a_mode_never_seen_running_when_some_of_it_starts_or_ends_then_the_grace_begins_after_that(
    state: str,
) -> None:
    watch, busy = ModeWatch(), reports(says(IRIS_1, state, IRIS))
    for at_s in (0, GRACE_S + 1, 4 * GRACE_S):
        assert watch.judge(sight(at_s, IRIS), busy) == ()
    settled = reports(says(IRIS_1, "Running", IRIS))
    assert watch.judge(sight(4 * GRACE_S + 1, IRIS), settled) == ()
    assert watch.judge(sight(5 * GRACE_S, IRIS), settled) == ()
    assert watch.judge(sight(5 * GRACE_S + 1, IRIS), settled) == (A,)


def test_given_a_manager_that_died_with_the_esw_sequencer_when_the_next_looks_then_the_mode_is_over_soon() -> None:
    watch, left = ModeWatch(), reports(says(IRIS_1, "Running", IRIS), says(ESW_1, lost=ESW))
    watch.expect({A: (ESW, IRIS)})
    assert watch.judge(sight(0, IRIS), left) == ()
    assert watch.judge(sight(GRACE_S, IRIS), left) == (A,)
    assert set(lost(watch)) == {"ESW.A"}


def test_given_a_mode_that_ran_when_the_rest_of_it_is_being_ended_then_it_is_over_all_the_same() -> None:
    watch, ending = running(), reports(says(IRIS_1, "Unloading", IRIS))
    assert watch.judge(sight(1, IRIS), ending) == ()
    assert watch.judge(sight(1 + 1.1 * CONFIRM_S, IRIS), ending) == (A,)


def test_given_a_mode_released_and_reserved_anew_when_it_was_seen_free_between_then_it_begins_afresh() -> None:
    watch = running()
    watch.judge(sight(1, held=()), reports())
    assert watch.judge(sight(2), reports()) == ()
    assert watch.judge(sight(3 + CONFIRM_S), reports()) == ()


def test_given_an_operation_that_started_a_mode_when_it_is_gone_before_the_next_look_then_it_is_over_all_the_same() -> (
    None
):
    watch = ModeWatch()
    watch.judge(sight(0, held=()), reports())
    watch.started(HOMES)
    watch.judge(sight(1, IRIS), reports(says(ESW_1, lost=ESW)))
    assert watch.judge(sight(2, IRIS), reports()) == (A,)
    assert lost(watch) == {"ESW.A": "died"}


def test_given_a_sequencer_that_vanished_when_its_component_reports_it_lost_then_it_is_until_it_is_back() -> None:
    watch = running()
    watch.judge(sight(1, ESW), reports(says(IRIS_1, lost=IRIS)))
    assert lost(watch) == {"IRIS.A": "died"}
    watch.judge(sight(2, ESW, IRIS), reports(says(IRIS_1, "Running", IRIS)))
    assert not lost(watch)


def test_given_a_sequencer_that_vanished_when_its_component_is_silent_or_was_restarted_then_it_is_lost() -> None:
    watch = running()
    watch.judge(sight(1, ESW), {**reports(), IRIS_1: None})
    assert lost(watch) == {"IRIS.A": "it vanished, and its sequence component IRIS.IRIS_1 does not answer"}

    watch = running()
    watch.judge(sight(5, ESW), reports(says(IRIS_1, restarted_at=3)))
    assert lost(watch) == {"IRIS.A": "it was gone when its sequence component IRIS.IRIS_1 had been restarted"}


def test_given_a_sequencer_that_vanished_when_its_component_has_not_noticed_then_the_next_look_decides() -> None:
    watch = running()
    watch.judge(sight(1, ESW), reports(says(IRIS_1, "Running", IRIS)))
    assert not lost(watch)
    assert watch.asks_components(sight(2, ESW))
    watch.judge(sight(2, ESW), reports(says(IRIS_1, lost=IRIS)))
    assert lost(watch) == {"IRIS.A": "died"}


def test_given_a_sequencer_that_vanished_when_its_component_is_idle_or_gone_then_somebody_ended_it() -> None:
    watch = running()
    watch.judge(sight(1, ESW), reports())
    assert not lost(watch)

    watch = running()
    watch.judge(sight(1, ESW), {ESW_1: says(ESW_1, "Running", ESW)})
    assert not lost(watch)


def test_given_another_manager_ends_a_sequencer_in_the_midst_of_the_first_look_at_it_then_it_is_not_lost() -> None:
    watch = ModeWatch()
    watch.judge(sight(0, held=()), reports())
    watch.judge(
        sight(1, ESW, IRIS), reports()
    )  # it was there when the names were looked at, and then no component had it
    watch.judge(sight(2, held=()), reports())
    assert lost(watch) == {}


def test_given_a_sequencer_in_no_component_for_two_looks_when_it_vanishes_then_it_is_lost() -> None:
    watch = ModeWatch()
    for at_s in (0, 1):
        watch.judge(sight(at_s, IRIS), reports())
        assert watch.asks_components(sight(at_s + 1, IRIS)), "a component that was silent may say that it has it"
    watch.judge(sight(2), reports())
    assert lost(watch) == {IRIS: "it vanished, and its sequence component (unknown) does not answer"}


def test_given_a_sequencer_an_operation_ended_when_its_component_calls_it_lost_then_nobody_misses_it() -> None:
    watch = running()
    watch.ended([IRIS])
    status = says(IRIS_1, lost=IRIS)
    watch.judge(sight(1, ESW), reports(status))
    assert watch.lost([status], [ESW]) == ()
    watch.judge(sight(2, ESW, IRIS), reports(says(IRIS_1, "Running", IRIS)))
    watch.judge(sight(3, ESW), reports(status))
    assert [record.prefix for record in watch.lost([status], [ESW])] == [IRIS]  # it was started again meanwhile


def test_given_a_restarted_manager_when_it_looks_first_then_held_modes_miss_those_that_are_gone() -> None:
    watch = ModeWatch()
    watch.expect({A: (ESW, IRIS, Prefix("TCS.A")), ObsMode("B"): (Prefix("ESW.B"),)})
    watch.judge(sight(0, ESW), reports(says(IRIS_1, "Loading", IRIS)))
    assert set(lost(watch)) == {"TCS.A"}
    watch.judge(sight(1, ESW, IRIS), reports())
    assert set(lost(watch)) == {"TCS.A"}
