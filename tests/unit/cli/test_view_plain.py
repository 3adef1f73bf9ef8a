"""Plain lines: one a change, none twice, none about what ran before."""

from __future__ import annotations

import pytest

from ocs_ray.cli.observation_picture import (
    Change,
    EventSeen,
    PhaseBegan,
    Picture,
    ProcedureMoved,
    RunBegan,
    SequencerChanged,
)
from ocs_ray.cli.view_plain import PlainView
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_messages import ProcedureChange, ProcedureStatus
from ocs_ray.models.times import UTCTime

S = ProcedureState


class Telling:
    """A view whose lines are kept; the command began 3.2 s ago."""

    def __init__(self, picture: Picture) -> None:
        self.lines: list[str] = []
        self._picture = picture
        self._view = PlainView(picture, self.lines.append, lambda: 3.2)

    def __call__(self, *changes: Change) -> list[str]:
        """The lines these changes bring."""
        before = len(self.lines)
        for change in changes:
            self._picture.take(change)
            self._view.tell(change)
        return self.lines[before:]


@pytest.fixture
def tell(stage) -> Telling:
    return Telling(stage.picture())


def test_given_a_phase_when_it_begins_then_one_line_says_so(tell: Telling) -> None:
    assert tell(PhaseBegan("starting Ray")) == ["[   3.2s] starting Ray"]


def test_given_a_run_when_a_step_goes_in_flight_then_one_line_counts_and_names_it(tell: Telling, stage) -> None:
    tell(RunBegan("r1"))
    running = SequencerChanged(stage.top, stage.snapshot("r1", "Success 0 2", "InFlight 2", "Pending"))
    assert tell(running, running) == [
        "[   3.2s] step 1/3 observationStart Success after 2.0 s",
        "[   3.2s] step 2/3 preset InFlight",
    ]


def test_given_a_failing_step_when_it_ends_then_the_line_holds_the_reason(tell: Telling, stage) -> None:
    tell(RunBegan("r1"))
    assert tell(SequencerChanged(stage.top, stage.snapshot("r1", "Failure 0 1"))) == [
        "[   3.2s] step 1/1 observationStart Failure after 1.0 s: the wheel is stuck"
    ]


def test_given_a_snapshot_that_came_before_the_run_id_when_the_run_begins_then_its_steps_are_told(
    tell: Telling, stage
) -> None:
    assert tell(SequencerChanged(stage.top, stage.snapshot("r1", "InFlight 0", "Pending"))) == []
    assert tell(RunBegan("r1")) == [
        "[   3.2s] sequence accepted by ESW.IRIS_ImagerOnly, run r1",
        "[   3.2s] step 1/2 observationStart InFlight",
    ]


def test_given_an_earlier_run_when_its_steps_are_seen_then_nothing_is_told(tell: Telling, stage) -> None:
    old_top = SequencerChanged(stage.top, stage.snapshot("r0", "Success 0 1"))
    old_sub = SequencerChanged(stage.iris, stage.snapshot("s0", "Success 0 1"))
    assert tell(old_top, old_sub) == []
    assert len(tell(RunBegan("r1"), old_top, old_sub)) == 1


def test_given_a_sub_sequencer_when_it_works_then_its_lines_start_with_its_prefix(tell: Telling, stage) -> None:
    tell(RunBegan("r1"))
    assert tell(SequencerChanged(stage.iris, stage.snapshot("s1", "InFlight 0"))) == [
        "[   3.2s] IRIS.IRIS_ImagerOnly step 1/1 observationStart InFlight"
    ]


def test_given_an_observe_event_when_it_comes_then_its_line_holds_source_and_exposure(tell: Telling, stage) -> None:
    assert tell(EventSeen(stage.event())) == [
        "[   3.2s] event ObserveEvent.ExposureStart IRIS.imager.detector exposureId=2027A-014-003-IRIS-IMG-SCI1-0001"
    ]


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        ("ESW.IRIS_ImagerOnly", True),
        ("IRIS.imager.detector", True),
        ("TCS.IRIS_ImagerOnly", True),
        ("WFOS.red.detector", False),
        ("ESW.WFOS_Cal", False),
    ],
)
def test_given_two_modes_at_once_when_an_event_comes_then_it_counts_for_the_mode_that_holds_its_source(
    source: str, ours: bool, stage
) -> None:
    assert stage.picture().is_ours(stage.event(source).source) is ours


def moved(prefix: Prefix, *states: ProcedureState, **more: str) -> ProcedureMoved:
    changes = tuple(
        ProcedureChange(
            number=n, at=UTCTime("2026-11-22T03:00:00Z"), state=state, by=str(state)[:4], sender=more.get("sender", "")
        )
        for n, state in enumerate(states, 1)
    )
    late = more.get("late", "")
    return ProcedureMoved(prefix, ProcedureStatus(state=states[-1], number=len(changes), changes=changes, late=late))


def test_given_a_run_nobody_touches_when_its_procedure_moves_then_nothing_is_told(tell: Telling, stage) -> None:
    usual = ["RESETTING", "IDLE", "STARTING", "EXECUTE", "COMPLETING", "COMPLETE"]
    assert tell(moved(stage.top, *map(ProcedureState, usual))) == []


def test_given_a_hold_when_it_comes_and_ends_then_every_state_of_it_is_a_line(tell: Telling, stage) -> None:
    assert tell(moved(stage.top, S.HOLDING, S.HELD, sender="ocs"), moved(stage.iris, S.HELD)) == [
        "[   3.2s] ESW.IRIS_ImagerOnly HOLDING by HOLD from ocs",
        "[   3.2s] ESW.IRIS_ImagerOnly HELD by HELD from ocs",
        "[   3.2s] IRIS.IRIS_ImagerOnly HELD",
    ]
    assert tell(moved(stage.top, S.UNHOLDING, S.EXECUTE, S.COMPLETING)) == [
        "[   3.2s] ESW.IRIS_ImagerOnly UNHOLDING",
        "[   3.2s] ESW.IRIS_ImagerOnly EXECUTE",
    ]


def test_given_what_is_late_when_it_is_told_again_then_it_is_one_line(tell: Telling, stage) -> None:
    late = moved(stage.top, S.EXECUTE, late="IRIS did not follow")
    assert tell(late, late) == ["[   3.2s] ESW.IRIS_ImagerOnly late: IRIS did not follow"]
