"""Filter wheels and stages. Source: reference observing_scripts.md "Simulated devices"; esw WheelAssembly.scala."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from ocs_ray.errors import BadInputError
from ocs_ray.models.commands import Observe, Setup
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.keys import boolean_key, choice_key, string_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Accepted, Completed, Invalid, IssueType, SubmitResponse
from ocs_ray.models.units import Units
from ocs_ray.testing.local_observatory import LocalObservatory

WHEEL = Prefix("IRIS.imager.filter")
POSITIONS = ["Z", "J", "H", "K", "CO"]
EVENT = {"name": "Wheel1Position", "current": "now", "target": "goal", "dark": "dark"}
OPTIONS: dict[str, Any] = {"positions": POSITIONS, "step_s": 1.0, "event": EVENT}
NOW, GOAL, DARK = choice_key("now"), choice_key("goal"), boolean_key("dark")
KEY = choice_key("wheel1")


def wheel(kind: str = "filter_wheel:FilterWheel", **options: Any) -> DeviceSpec:
    return DeviceSpec(prefix=WHEEL, factory=f"ocs_ray.simulation.{kind}", options=OPTIONS | options)


def select(position: str) -> Setup:
    return Setup("IRIS.test", "SELECT", None, KEY.set(position))


async def moved(spec: DeviceSpec, *positions: str) -> tuple[list[SubmitResponse], list[tuple[str, str, bool]]]:
    """Responses to SELECTs one after the other, and what was published since the start."""
    async with LocalObservatory() as observatory:
        await observatory.start_devices([spec])
        assembly = observatory.assembly(WHEEL)
        responses = [await assembly.submit_and_wait(select(p), resume_on_error=True) for p in positions]
        events = [e for e in observatory.published if e.event_name == "Wheel1Position"]
        return responses, [(e[NOW].head(), e[GOAL].head(), e[DARK].head()) for e in events]


async def refused(command: Setup | Observe, spec: DeviceSpec | None = None) -> Invalid:
    async with LocalObservatory() as observatory:
        await observatory.start_devices([spec or wheel()])
        response = await observatory.assembly(WHEEL).submit(command, resume_on_error=True)
        assert isinstance(response, Invalid)
        return response


def test_given_a_wheel_when_selecting_three_positions_on_then_it_passes_and_publishes_every_one_between() -> None:
    responses, events = asyncio.run(moved(wheel(), "K"))
    assert isinstance(responses[0], Completed)
    assert events == [("Z", "Z", False), ("J", "K", True), ("H", "K", True), ("K", "K", False)]


def test_given_a_wheel_when_selecting_an_earlier_position_then_it_goes_back_step_by_step() -> None:
    _, events = asyncio.run(moved(wheel(start="CO"), "H"))
    assert [now for now, _, _ in events] == ["CO", "K", "H"]


def test_given_a_wheel_on_a_position_when_selecting_it_again_then_it_completes_without_moving() -> None:
    responses, events = asyncio.run(moved(wheel(), "J", "J"))
    assert [type(r) for r in responses] == [Completed, Completed]
    assert [now for now, _, _ in events] == ["Z", "J", "J"]


def test_given_a_stage_when_selecting_any_position_then_it_goes_there_in_one_step() -> None:
    _, events = asyncio.run(moved(wheel("selectable_stage:SelectableStage"), "CO", "Z"))
    assert [now for now, _, _ in events] == ["Z", "CO", "Z"]


def test_given_a_wheel_when_told_an_unknown_position_then_invalid_lists_those_it_has() -> None:
    response = asyncio.run(refused(select("Ks")))
    assert response.issue.type is IssueType.ParameterValueOutOfRangeIssue
    assert "Ks" in response.issue.reason
    assert "Z, J, H, K, CO" in response.issue.reason


@pytest.mark.parametrize("params", [(), (choice_key("wheel2").set("H"),), (string_key("wheel1").set("H"),)])
def test_given_a_wheel_when_the_position_is_missing_or_no_choice_then_invalid_names_the_key(params: Any) -> None:
    response = asyncio.run(refused(Setup("IRIS.test", "SELECT", None, *params)))
    assert response.issue.type is IssueType.MissingKeyIssue
    assert "wheel1" in response.issue.reason


def test_given_a_wheel_when_told_an_unknown_command_then_invalid_lists_those_it_knows() -> None:
    response = asyncio.run(refused(Setup("IRIS.test", "GRATING_SELECT", None, KEY.set("H"))))
    assert response.issue.type is IssueType.UnsupportedCommandIssue
    assert "GRATING_SELECT" in response.issue.reason
    assert "SELECT" in response.issue.reason.partition("understands")[2]


def test_given_a_wheel_with_another_command_and_key_when_it_is_told_so_then_it_moves() -> None:
    async def scenario() -> SubmitResponse:
        async with LocalObservatory() as observatory:
            await observatory.start_devices([wheel(command="GRATING_SELECT", key="spectralResolution", units="mas")])
            key = choice_key("spectralResolution", units=Units.NoUnits)
            command = Setup("IRIS.test", "GRATING_SELECT", None, key.set("CO"))
            return await observatory.assembly(WHEEL).submit_and_wait(command)

    assert isinstance(asyncio.run(scenario()), Completed)


def test_given_a_moving_wheel_when_told_to_move_then_invalid_says_it_is_busy_and_validate_says_the_same() -> None:
    async def scenario() -> None:
        async with LocalObservatory(time_factor=0.05) as observatory:
            await observatory.start_devices([wheel()])
            assembly = observatory.assembly(WHEEL)
            started = await assembly.submit(select("CO"))
            assert started.is_started
            second = await assembly.submit(select("J"), resume_on_error=True)
            assert isinstance(second, Invalid)
            assert second.issue.type is IssueType.AssemblyBusyIssue
            assert "CO" in second.issue.reason
            assert isinstance(await assembly.validate(select("J")), Invalid)
            assert isinstance(await assembly.query_final(started.run_id), Completed)
            assert isinstance(await assembly.validate(select("J")), Accepted)

    asyncio.run(scenario())


def test_given_a_wheel_when_two_commands_come_at_the_same_moment_then_only_one_is_run() -> None:
    async def scenario() -> list[SubmitResponse]:
        async with LocalObservatory() as observatory:
            await observatory.start_devices([wheel()])
            assembly = observatory.assembly(WHEEL)
            both = (assembly.submit_and_wait(select(p), resume_on_error=True) for p in ("CO", "J"))
            return list(await asyncio.gather(*both))

    assert sorted(type(r).__name__ for r in asyncio.run(scenario())) == ["Completed", "Invalid"]


def test_given_a_time_factor_when_moving_then_every_step_takes_its_share() -> None:
    async def scenario() -> float:
        async with LocalObservatory(time_factor=0.02) as observatory:
            await observatory.start_devices([wheel(step_s=1.0)])
            start = time.perf_counter()
            await observatory.assembly(WHEEL).submit_and_wait(select("CO"))
            return time.perf_counter() - start

    assert 4 * 1.0 * 0.02 <= asyncio.run(scenario()) < 2.0


@pytest.mark.parametrize(
    ("options", "named"),
    [({"position": ["H"]}, "position"), ({"step_s": -1}, "step_s"), ({"positions": []}, "positions")],
)
def test_given_an_option_that_does_not_fit_when_the_wheel_starts_then_the_error_names_it(
    options: dict[str, Any], named: str
) -> None:
    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices([wheel(**options)])

    with pytest.raises(BadInputError) as caught:
        asyncio.run(scenario())
    assert named in caught.value.problem
    assert str(WHEEL) in caught.value.where
