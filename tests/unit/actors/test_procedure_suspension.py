"""External causes suspend a run, and their end lets it go on. Cases: reference isa88.md, section 8."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ocs_ray.models.keys import boolean_key, double_key, string_key
from ocs_ray.models.procedure_settings import ProcedureSettings, SuspendRule
from ocs_ray.models.responses import Completed
from ocs_ray.testing.waiting import until

from .procedure_floor import Floor, commands, play, states

WAIT_5 = timedelta(seconds=5)
WIND, STAR, DOME, FLUX = double_key("wind"), boolean_key("guiding"), string_key("dome"), double_key("flux")
RULES = {
    "above": (SuspendRule(event="TCS.weather.wind", key="wind", above=20), WIND.set(25.0), WIND.set(20.0)),
    "below": (SuspendRule(event="TCS.weather.wind", key="flux", below=0.5), FLUX.set(0.4), FLUX.set(0.5)),
    "equals": (SuspendRule(event="TCS.weather.wind", key="guiding", equals=False), STAR.set(False), STAR.set(True)),
    "text": (SuspendRule(event="TCS.weather.wind", key="dome", equals="shut"), DOME.set("shut"), DOME.set("open")),
}
ABOVE, STORM, CALM = RULES["above"]


async def weather(floor: Floor, *params: object) -> None:
    await floor.observatory.events("TCS.weather").publish_system_event("wind", *params)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(RULES))
def test_given_a_rule_when_its_cause_comes_and_goes_then_it_is_suspended_and_goes_on_by_itself(
    tmp_path: Path, kind: str
) -> None:
    rule, bad, good = RULES[kind]

    async def story(floor: Floor) -> None:  # case 29
        run_id = await floor.run("polite")
        await weather(floor, bad)
        status = await floor.comes_to("SUSPENDED")
        assert len(status.causes) == 1
        assert status.causes[0].startswith(f"TCS.weather.wind {rule.key}")
        assert status.changes[-2].sender == "suspend_when"
        floor.open()
        await floor.settled()
        assert floor.seen() == ["begun"]
        await weather(floor, good)
        assert isinstance(await floor.final(run_id), Completed)
        status = await floor.comes_to("COMPLETE")
        assert "SUSPENDING SUSPENDED UNSUSPENDING RUNNING" in states(status)
        assert status.causes == ()

    play(tmp_path, story, settings=ProcedureSettings(suspend_when=(rule,)))


def test_given_a_suspended_run_when_held_then_it_stays_held_when_the_cause_ends(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 29
        run_id = await floor.run("polite")
        await weather(floor, STORM)
        await floor.comes_to("SUSPENDED")
        held = await floor.sequencer.hold(wait=WAIT_5)
        assert (held.reached, held.state) == (True, "HELD")
        await weather(floor, CALM)
        await until(lambda: floor.shell()._procedure.causes == ())
        await floor.settled()
        assert floor.state() == "HELD"
        floor.open()
        await floor.sequencer.unhold()
        assert isinstance(await floor.final(run_id), Completed)

    play(tmp_path, story, settings=ProcedureSettings(suspend_when=(ABOVE,)))


def test_given_a_cause_that_lasts_when_resumed_from_held_then_it_is_suspended_again(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:  # case 29
        await floor.run("polite")
        await weather(floor, STORM)
        await floor.comes_to("SUSPENDED")
        await floor.sequencer.hold(wait=WAIT_5)
        await floor.sequencer.unhold()
        await floor.comes_to("SUSPENDED")
        await weather(floor, CALM)
        await floor.comes_to("EXECUTE")

    play(tmp_path, story, settings=ProcedureSettings(suspend_when=(ABOVE,)))


def test_given_what_somebody_suspended_when_no_cause_is_there_then_it_is_left_to_him(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("polite")
        await weather(floor, STORM)
        await floor.comes_to("SUSPENDED")
        await floor.sequencer.hold(wait=WAIT_5)
        await weather(floor, CALM)
        await until(lambda: floor.shell()._procedure.causes == ())
        await floor.sequencer.unhold(wait=WAIT_5)
        assert (await floor.sequencer.suspend(wait=WAIT_5)).state == "SUSPENDED"
        await weather(floor, CALM)
        await floor.settled()
        await asyncio.sleep(0)
        assert floor.state() == "SUSPENDED"
        assert (await floor.sequencer.unsuspend(wait=WAIT_5)).reached

    play(tmp_path, story, settings=ProcedureSettings(suspend_when=(ABOVE,)))


def test_given_a_cause_before_the_run_begins_then_it_is_suspended_as_soon_as_it_runs(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await weather(floor, STORM)
        await until(lambda: bool(floor.shell()._procedure.causes))
        first = await floor.sequencer.submit(commands("polite", "nothing"))
        await floor.comes_to("SUSPENDED")
        floor.module().OPEN.set()
        await weather(floor, CALM)
        assert isinstance(await floor.final(first.run_id), Completed)

    play(tmp_path, story, settings=ProcedureSettings(suspend_when=(ABOVE,)))


def test_given_two_causes_when_one_ends_then_it_stays_suspended(tmp_path: Path) -> None:
    async def story(floor: Floor) -> None:
        await floor.run("polite")
        await weather(floor, STORM, DOME.set("shut"))
        await until(lambda: len(floor.shell()._procedure.causes) == 2)
        await floor.comes_to("SUSPENDED")
        await weather(floor, CALM)
        await until(lambda: len(floor.shell()._procedure.causes) == 1)
        await floor.settled()
        assert floor.state() == "SUSPENDED"
        await weather(floor, DOME.set("open"))
        await floor.comes_to("EXECUTE")

    both = (ABOVE, RULES["text"][0])
    play(tmp_path, story, settings=ProcedureSettings(suspend_when=both))
