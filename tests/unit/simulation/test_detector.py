"""Detectors. Source: reference observing_scripts.md "Simulated devices"; esw ControllerActor.scala."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models.commands import Observe, Setup
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.keys import Parameter, int_key, long_key, string_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Cancelled, Completed, Error, Invalid, IssueType, SubmitResponse
from ocs_ray.models.units import Units
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

DETECTOR = Prefix("IRIS.imager.detector")
EXPOSURE = "2027A-014-003-IRIS-IMG-SCI1-0001"
EXPOSURE_ID, FILENAME, RAMPS = string_key("exposureId"), string_key("filename"), int_key("ramps")
TIME = int_key("rampIntegrationTime", Units.millisecond)
INIT, SHUTDOWN = Setup("IRIS.test", "INIT"), Setup("IRIS.test", "SHUTDOWN")
START, ABORT = Observe("IRIS.test", "START_EXPOSURE"), Setup("IRIS.test", "ABORT_EXPOSURE")


def load(*changes: Parameter[Any], filename: str = "/nowhere/x.fits") -> Setup:
    command = Setup("IRIS.test", "LOAD_CONFIGURATION", "2027A-014-003").add(
        EXPOSURE_ID.set(EXPOSURE), FILENAME.set(filename), TIME.set(1000), RAMPS.set(3)
    )
    return command.add(*changes)


LOAD = load()


def detector(**options: Any) -> DeviceSpec:
    return DeviceSpec(prefix=DETECTOR, factory="ocs_ray.simulation.detector:Detector", options=options)


class Bench(LocalObservatory):
    """One detector."""

    async def send(self, *commands: Setup | Observe) -> list[SubmitResponse]:
        assembly = self.assembly(DETECTOR)
        return [await assembly.submit_and_wait(command, resume_on_error=True) for command in commands]

    async def start_exposure(self) -> str:
        await self.send(INIT, LOAD)
        started = await self.assembly(DETECTOR).submit(START)
        await until(lambda: "ExposureStart" in self.marks)
        return str(started.run_id)

    @property
    def marks(self) -> list[str]:
        return [event.event_name.rpartition(".")[2] for event in self.published]


def on_the_bench(scenario: Callable[[Bench], Awaitable[None]], *, time_factor: float = 0.001, **options: Any) -> None:
    async def run() -> None:
        async with Bench(time_factor=time_factor) as bench:
            await bench.start_devices([detector(**options)])
            await scenario(bench)

    asyncio.run(run())


def issue_of(response: SubmitResponse) -> IssueType:
    assert isinstance(response, Invalid), response
    return response.issue.type


def test_given_a_loaded_detector_when_exposing_then_every_ramp_is_reported_and_the_data_are_written() -> None:
    async def scenario(bench: Bench) -> None:
        responses = await bench.send(INIT, load(filename="/data/x.fits"), START)
        assert [type(r) for r in responses] == [Completed] * 3
        progress = ["IRDetectorExposureData"] * 3
        assert bench.marks == ["ExposureStart", *progress, "ExposureEnd", "DataWriteStart", "DataWriteEnd"]
        assert all(event.source == DETECTOR for event in bench.published)
        assert all(event[EXPOSURE_ID].head() == EXPOSURE for event in bench.published)
        assert [event[FILENAME].head() for event in bench.published[-2:]] == ["/data/x.fits"] * 2

    on_the_bench(scenario)


@pytest.mark.parametrize(
    ("technique", "name", "in_all", "done"),
    [
        ("infrared", "ObserveEvent.IRDetectorExposureData", "rampsInExposure", "rampsComplete"),
        ("optical", "ObserveEvent.OpticalDetectorExposureData", "coaddsInExposure", "coaddsDone"),
    ],
)
def test_given_a_technique_when_exposing_then_ramp_n_of_n_and_the_remaining_time_are_in_its_event(
    technique: str, name: str, in_all: str, done: str
) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(INIT, LOAD, START)
        reports = [event for event in bench.published if event.event_name == name]
        keys = (int_key(in_all), int_key(done), long_key("exposureTime"), long_key("remainingExposureTime"))
        assert [tuple(report[key].head() for key in keys) for report in reports] == [
            (3, 1, 3000, 2000),
            (3, 2, 3000, 1000),
            (3, 3, 3000, 0),
        ]

    on_the_bench(scenario, technique=technique)


BUSY, WRONG_STATE = IssueType.AssemblyBusyIssue, IssueType.WrongInternalStateIssue
COMMANDS = {"INIT": INIT, "LOAD": LOAD, "START": START, "ABORT": ABORT, "SHUTDOWN": SHUTDOWN}
STATES: dict[str, tuple[Setup | Observe, ...]] = {
    "not initialised": (),
    "initialised": (INIT,),
    "loaded": (INIT, LOAD),
    "exposed": (INIT, LOAD, START),
    "shut down": (INIT, LOAD, SHUTDOWN),
}
REFUSED = {  # every other command is taken in that state
    "not initialised": {"LOAD": WRONG_STATE, "START": WRONG_STATE, "ABORT": WRONG_STATE},
    "initialised": {"START": WRONG_STATE, "ABORT": WRONG_STATE},
    "loaded": {"ABORT": WRONG_STATE},
    "exposed": {"ABORT": WRONG_STATE},
    "shut down": {"LOAD": WRONG_STATE, "START": WRONG_STATE, "ABORT": WRONG_STATE},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", COMMANDS)
def test_given_any_state_when_any_command_then_it_is_run_or_refused_with_the_reason(state: str, name: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(*STATES[state])
        (response,) = await bench.send(COMMANDS[name])
        expected = REFUSED[state].get(name)
        assert isinstance(response, Completed) if expected is None else issue_of(response) is expected

    on_the_bench(scenario)


@pytest.mark.parametrize("name", ["INIT", "LOAD", "START"])
def test_given_a_running_exposure_when_another_command_comes_then_the_detector_is_busy(name: str) -> None:
    async def scenario(bench: Bench) -> None:
        run_id = await bench.start_exposure()
        (response,) = await bench.send(COMMANDS[name])
        assert issue_of(response) is BUSY
        assert (await bench.assembly(DETECTOR).query(run_id)).is_started
        await bench.send(ABORT)

    on_the_bench(scenario, time_factor=0.5, write_s=0.001)


def test_given_a_running_exposure_when_it_is_aborted_then_it_ends_cancelled_and_what_was_taken_is_written() -> None:
    async def scenario(bench: Bench) -> None:
        run_id = await bench.start_exposure()
        (aborted,) = await bench.send(ABORT)
        assert isinstance(aborted, Completed)
        exposed = await bench.assembly(DETECTOR).query_final(run_id, resume_on_error=True)
        assert isinstance(exposed, Cancelled)
        assert bench.marks == ["ExposureStart", "ExposureAborted", "DataWriteStart", "DataWriteEnd"]
        assert [type(r) for r in await bench.send(load(TIME.set(1), RAMPS.set(1)), START)] == [Completed, Completed]

    on_the_bench(scenario, time_factor=0.5, write_s=0.001)


def test_given_a_running_exposure_when_shut_down_then_it_is_aborted_and_init_makes_it_usable_again() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start_exposure()
        again = load(TIME.set(1), RAMPS.set(1))
        assert [type(r) for r in await bench.send(SHUTDOWN, INIT, again, START)] == [Completed] * 4
        assert bench.marks[1] == "ExposureAborted"

    on_the_bench(scenario, time_factor=0.5, write_s=0.001)


@pytest.mark.parametrize("key", [EXPOSURE_ID, FILENAME, TIME, RAMPS])
def test_given_a_configuration_when_a_parameter_is_missing_then_invalid_names_it(key: Any) -> None:
    async def scenario(bench: Bench) -> None:
        _, response = await bench.send(INIT, LOAD.remove(key))
        assert issue_of(response) is IssueType.MissingKeyIssue
        assert key.name in response.reason

    on_the_bench(scenario)


@pytest.mark.parametrize("bad", [RAMPS.set(0), RAMPS.set(-2), TIME.set(0), TIME.set(-5), EXPOSURE_ID.set("no-id")])
def test_given_a_configuration_when_a_value_is_out_of_range_then_invalid_names_it(bad: Parameter[Any]) -> None:
    async def scenario(bench: Bench) -> None:
        _, response = await bench.send(INIT, load(bad))
        assert issue_of(response) is IssueType.ParameterValueOutOfRangeIssue
        assert bad.key_name in response.reason

    on_the_bench(scenario)


@pytest.mark.parametrize("units", [Units.NoUnits, Units.arcsec, Units.millisecond])
def test_given_a_time_in_sloppy_units_when_exposing_then_the_number_is_milliseconds(units: Units) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(INIT, load(TIME.set(2500, units=units)), START)
        assert bench.published[1][long_key("exposureTime")].head() == 7500

    on_the_bench(scenario)


def test_given_no_option_when_exposing_then_no_file_is_written(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.send(INIT, load(filename=str(tmp_path / "x.fits")), START)

    on_the_bench(scenario)
    assert list(tmp_path.iterdir()) == []


def test_given_write_files_when_exposing_then_a_fits_header_without_data_is_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "x.fits"

    async def scenario(bench: Bench) -> None:
        responses = await bench.send(INIT, load(filename=str(file)), START)
        assert isinstance(responses[-1], Completed)

    on_the_bench(scenario, write_files=True)
    content = file.read_bytes().decode("ascii")
    assert len(content) == 2880
    assert content.startswith("SIMPLE  =                    T")
    assert EXPOSURE in content


def test_given_a_place_that_cannot_be_written_when_exposing_then_the_response_is_error_and_it_can_be_loaded_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")

    async def scenario(bench: Bench) -> None:
        bad, good = load(filename=str(tmp_path / "file" / "x.fits")), load(filename=str(tmp_path / "x.fits"))
        assert [type(r) for r in await bench.send(INIT, bad, START, good, START)] == [
            *(Completed, Completed, Error),
            *(Completed, Completed),
        ]

    on_the_bench(scenario, write_files=True)
