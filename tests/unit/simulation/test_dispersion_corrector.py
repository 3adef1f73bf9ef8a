"""The ADC. Source: reference observing_scripts.md "Simulated devices"; esw PrismActor.scala, ImagerADCTest.scala."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ocs_ray.models.commands import Setup
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.keys import boolean_key, choice_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed, Invalid, IssueType, SubmitResponse
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

ADC = Prefix("IRIS.imager.adc")
POSITION = choice_key("position")
FOLLOWING, ON_TARGET = choice_key("following"), boolean_key("onTarget")
IN, OUT = (Setup("IRIS.test", "RETRACT_SELECT", None, POSITION.set(p)) for p in ("IN", "OUT"))
FOLLOW, STOP = Setup("IRIS.test", "PRISM_FOLLOW"), Setup("IRIS.test", "PRISM_STOP")


class Bench(LocalObservatory):
    """One dispersion corrector."""

    async def send(self, *commands: Setup) -> list[SubmitResponse]:
        assembly = self.assembly(ADC)
        return [await assembly.submit_and_wait(command, resume_on_error=True) for command in commands]

    @property
    def states(self) -> list[tuple[str, bool]]:
        events = [event for event in self.published if event.event_name == "prism_state"]
        return [(event[FOLLOWING].head(), event[ON_TARGET].head()) for event in events]

    @property
    def places(self) -> list[str]:
        return [event[POSITION].head() for event in self.published if event.event_name == "prism_retract"]


def on_the_bench(scenario: Callable[[Bench], Awaitable[None]], *, time_factor: float = 0.001, **options: Any) -> None:
    spec = DeviceSpec(
        prefix=ADC, factory="ocs_ray.simulation.dispersion_corrector:DispersionCorrector", options=options
    )

    async def run() -> None:
        async with Bench(time_factor=time_factor) as bench:
            await bench.start_devices([spec])
            await scenario(bench)

    asyncio.run(run())


def issue_of(response: SubmitResponse) -> IssueType:
    assert isinstance(response, Invalid), response
    return response.issue.type


def test_given_a_fresh_adc_then_it_says_it_is_out_stopped_and_on_target() -> None:
    async def scenario(bench: Bench) -> None:
        assert (bench.places, bench.states) == (["OUT"], [("STOPPED", True)])

    on_the_bench(scenario)


def test_given_prisms_out_when_retracted_in_and_out_then_it_completes_and_publishes_each_place() -> None:
    async def scenario(bench: Bench) -> None:
        assert [type(r) for r in await bench.send(IN, IN, OUT)] == [Completed] * 3
        assert bench.places == ["OUT", "IN", "OUT"]

    on_the_bench(scenario)


def test_given_prisms_in_when_told_to_follow_then_it_completes_off_target_and_gets_on_target() -> None:
    async def scenario(bench: Bench) -> None:
        responses = await bench.send(IN, FOLLOW)
        assert isinstance(responses[1], Completed)
        assert bench.states[1] == ("FOLLOWING", False)
        await until(lambda: bench.states[-1] == ("FOLLOWING", True))
        assert ("FOLLOWING", False) in bench.states[2:]

    on_the_bench(scenario)


def test_given_prisms_on_target_when_told_to_follow_again_then_they_are_off_target_before_it_completes() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(IN, FOLLOW)
        await until(lambda: bench.states[-1] == ("FOLLOWING", True))
        seen = len(bench.states)
        await bench.assembly(ADC).submit_and_wait(FOLLOW)
        assert bench.states[seen] == ("FOLLOWING", False)

    on_the_bench(scenario, time_factor=0.01, idle_period_s=1000)


def test_given_following_prisms_when_on_target_then_the_state_goes_on_being_published() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(IN, FOLLOW)
        await until(lambda: bench.states[-3:] == [("FOLLOWING", True)] * 3)

    on_the_bench(scenario)


def test_given_following_prisms_when_stopped_then_nothing_more_is_published() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(IN, FOLLOW, STOP)
        assert bench.states[-1][0] == "STOPPED"
        seen = len(bench.states)
        await bench.send(OUT)
        assert len(bench.states) == seen

    on_the_bench(scenario)


def test_given_following_prisms_when_retracted_out_then_invalid_asks_for_prism_stop_but_in_is_harmless() -> None:
    async def scenario(bench: Bench) -> None:
        *_, out, same = await bench.send(IN, FOLLOW, OUT, IN)
        assert issue_of(out) is IssueType.WrongInternalStateIssue
        assert "PRISM_STOP" in out.reason
        assert isinstance(same, Completed)

    on_the_bench(scenario)


def test_given_prisms_out_when_told_to_follow_then_invalid_but_stop_is_harmless() -> None:
    async def scenario(bench: Bench) -> None:
        follow, stop = await bench.send(FOLLOW, STOP)
        assert issue_of(follow) is IssueType.WrongInternalStateIssue
        assert isinstance(stop, Completed)

    on_the_bench(scenario)


@pytest.mark.parametrize("command", [IN, OUT, FOLLOW])
def test_given_moving_prisms_when_another_command_comes_then_the_adc_is_busy(command: Setup) -> None:
    async def scenario(bench: Bench) -> None:
        started = await bench.assembly(ADC).submit(IN)
        (response,) = await bench.send(command)
        assert issue_of(response) is IssueType.AssemblyBusyIssue
        assert isinstance(await bench.assembly(ADC).query_final(started.run_id), Completed)

    on_the_bench(scenario, time_factor=0.05)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (Setup("IRIS.test", "RETRACT_SELECT"), IssueType.MissingKeyIssue),
        (Setup("IRIS.test", "RETRACT_SELECT", None, POSITION.set("UP")), IssueType.ParameterValueOutOfRangeIssue),
        (Setup("IRIS.test", "SELECT"), IssueType.UnsupportedCommandIssue),
    ],
)
def test_given_an_adc_when_a_command_does_not_fit_then_invalid_with_its_issue(
    command: Setup, expected: IssueType
) -> None:
    async def scenario(bench: Bench) -> None:
        (response,) = await bench.send(command)
        assert issue_of(response) is expected

    on_the_bench(scenario)
