"""The live display at the widths terminals have."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ocs_ray.cli.observation_picture import EventSeen, PhaseBegan, Picture, ProcedureMoved, RunBegan, SequencerChanged
from ocs_ray.cli.view_live import LiveView, render, visible
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_messages import ProcedureStatus
from ocs_ray.models.sequencer_messages import SequencerState

WIDTHS = (40, 80, 120)


def squeezed(line: str) -> str:
    return " ".join(line.split())


def shown(picture: Picture, width: int, height: int = 40, *, unicode: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(render(picture, 12.34, now=5.0, height=height, unicode=unicode))
    return console.file.getvalue().rstrip("\n").split("\n")  # type: ignore[attr-defined]


@pytest.fixture
def running(stage) -> Picture:
    picture = stage.picture()
    picture.take(RunBegan("0123456789abcdef"))
    picture.take(
        SequencerChanged(stage.top, stage.snapshot("0123456789abcdef", "Success 0 2", "InFlight 2", "Pending"))
    )
    picture.take(SequencerChanged(stage.iris, stage.snapshot("s1", "Success 2 3", "InFlight 3")))
    for _ in range(12):
        picture.take(EventSeen(stage.event()))
    return picture


@pytest.mark.parametrize("width", WIDTHS)
def test_given_a_running_observation_when_it_is_drawn_then_every_line_fits_the_terminal(
    running: Picture, width: int
) -> None:
    lines = shown(running, width)
    assert max(map(len, lines)) <= width
    assert len(lines) == 1 + 1 + 3 + 1 + 2 + 1 + 8  # header, steps, two sub-sequencers, the last eight events


def test_given_a_running_observation_when_it_is_drawn_then_it_is_legible_without_colour(running: Picture) -> None:
    text = [squeezed(line) for line in shown(running, 120, unicode=False)]
    assert text[0] == "IRIS_ImagerOnly ESW.IRIS_ImagerOnly run 01234567 12.3 s time factor 0.05"
    assert text[2] == "1/3 + observationStart Success 2.0 s"
    assert text[3] == "2/3 > preset InFlight 3.0 s"
    assert text[4] == "3/3 . observe Pending"
    assert text[6] == "IRIS.IRIS_ImagerOnly Running preset 1/2"
    assert text[7] == "TCS.IRIS_ImagerOnly Idle"
    assert text[9] == "23:57:29 ExposureStart IRIS.imager.detector exposureId=2027A-014-003-IRIS-IMG-SCI1-0001"


@pytest.mark.parametrize("width", WIDTHS)
def test_given_a_start_when_it_is_drawn_then_phase_and_waiting_commands_are_there(stage, width: int) -> None:
    picture = stage.picture()
    picture.take(PhaseBegan("starting Ray"))
    text = "\n".join(shown(picture, width))
    assert "IRIS_ImagerOnly" in text
    assert "observationStart" in text
    assert "IRIS.IRIS_ImagerOnly" not in text
    if width >= 80:
        assert "starting Ray ..." in text


@pytest.mark.parametrize(
    ("total", "current", "room", "first"), [(3, 2, 10, 0), (100, 0, 5, 0), (100, 50, 5, 48), (100, 99, 5, 95)]
)
def test_given_more_steps_than_lines_when_drawn_then_the_one_in_flight_is_among_those_shown(
    total: int, current: int, room: int, first: int
) -> None:
    lines = visible(total, current, room)
    assert lines.start == first
    assert len(lines) == min(total, room)
    assert current in lines


def test_given_a_small_terminal_when_drawn_then_the_display_is_no_higher(running: Picture, stage) -> None:
    assert len(shown(running, 80, height=18)) <= 18


def test_given_a_terminal_when_the_view_is_paused_and_resumed_then_it_draws_again(running: Picture) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with LiveView(running, console, lambda: 1.0) as view:
        view.tell(PhaseBegan("x"))
        view.pause()
        drawn = len(console.file.getvalue())  # type: ignore[attr-defined]
        view.resume()
        assert len(console.file.getvalue()) > drawn  # type: ignore[attr-defined]


def test_given_a_sequencer_that_was_loaded_and_never_ran_when_drawn_then_its_state_is_shown(stage) -> None:
    picture = stage.picture()
    picture.take(RunBegan("r1"))
    picture.take(SequencerChanged(stage.tcs, stage.snapshot("", state=SequencerState.OFFLINE)))
    assert "TCS.IRIS_ImagerOnly   Offline" in "\n".join(shown(picture, 80))


def test_given_a_held_observation_when_drawn_then_it_and_its_sub_sequencers_say_so_until_it_goes_on(
    running: Picture, stage
) -> None:
    held = ProcedureStatus(state=ProcedureState.HELD, number=3, reason="clouds")
    running.take(ProcedureMoved(stage.top, held))
    running.take(SequencerChanged(stage.iris, stage.snapshot("s1", "InFlight 0")))
    running.take(ProcedureMoved(stage.iris, held))
    lines = shown(running, 100)
    assert "HELD clouds" in lines[0]
    assert any("IRIS.IRIS_ImagerOnly" in line and "HELD" in line for line in lines[1:])
    for prefix in (stage.top, stage.iris):
        running.take(ProcedureMoved(prefix, ProcedureStatus(state=ProcedureState.EXECUTE, number=5)))
    assert "HELD" not in "\n".join(shown(running, 100))
