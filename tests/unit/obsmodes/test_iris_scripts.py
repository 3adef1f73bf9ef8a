"""Scripts of the IRIS sequencer. Source: reference observing_scripts.md, "IRIS scripts"."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models.commands import Observe, Sequence, Setup
from ocs_ray.models.component_messages import Submit
from ocs_ray.models.keys import Parameter, boolean_key, choice_key, int_key, string_key
from ocs_ray.models.responses import Completed, Error, Started, SubmitResponse
from ocs_ray.models.sequencer_messages import QueryFinal, Shutdown
from ocs_ray.models.units import Units
from ocs_ray.testing.fake_component import FakeComponent
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

OBSMODES = Path(__file__).parents[3] / "obsmodes"
OBS_ID = "2027A-014-003"
MODES = ["IRIS_ImagerOnly", "IRIS_IFSOnly", "IRIS_ImagerAndIFS"]
WITH_IFS = MODES[1:]
DEVICES = ["imager.filter", "imager.adc", "imager.detector", "ifs.scale", "ifs.res", "ifs.detector"]
FILTER, SCALE = choice_key("filter").set("H"), choice_key("scale", units=Units.mas).set("9")
RESOLUTION, FOLLOW = choice_key("spectralResolution").set("4000-K"), boolean_key("scienceAdcFollow").set(True)
STAY = boolean_key("scienceAdcFollow").set(False)
IMG, SPEC = "2027A-014-003-IRIS-IMG-SCI1-0007", "2027A-014-003-IRIS-IFS-SKY1-0007"
DIRECTORY = string_key("directory").set("/data/night")
IMAGER = (
    string_key("imagerExposureId").set(IMG),
    int_key("imagerIntegrationTime", Units.arcsec).set(2000),  # real sequences carry such units too
    int_key("imagerNumRamps").set(3),
)
IFS = (
    string_key("ifsExposureId").set(SPEC),
    int_key("ifsIntegrationTime").set(1500),
    int_key("ifsNumRamps").set(4),
)


def setup(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Setup:
    return Setup("ESW.test", name, obs_id, *params)


def observe(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Observe:
    return Observe("ESW.test", name, obs_id, *params)


class Iris(LocalObservatory):
    """The IRIS sequencer of a mode, with devices that say they did."""

    def __init__(self, mode: str, **answers: Any) -> None:
        super().__init__()
        self.prefix = f"IRIS.{mode}"
        self.script = OBSMODES / mode / "iris.py"
        for device in DEVICES:
            self.put(f"IRIS.{device}-Assembly", FakeComponent(answers).ask)

    async def run(self, *commands: Setup | Observe) -> SubmitResponse:
        return await self.sequencer(self.prefix).submit_and_wait(Sequence.of(*commands), resume_on_error=True)

    @property
    def told(self) -> list[str]:
        lines = self.story(events_of=self.prefix)
        return [line.removeprefix("IRIS.") for line in lines if not line.startswith(self.prefix)]

    def only_command_to(self, device: str) -> Any:
        (command,) = self.commands_to(f"IRIS.{device}")
        return command


async def after(iris: Iris, *commands: Setup | Observe) -> Iris:
    """The observatory after these commands completed; the script is still loaded."""
    await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
    response = await iris.run(*commands)
    assert isinstance(response, Completed), response
    seen = list(iris.sent)
    await iris.close()
    iris.sent = seen  # without what the shutdown sent
    return iris


async def failed(iris: Iris, command: Setup | Observe) -> str:
    """Why the command failed; the error event was published."""
    async with iris:
        await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
        response = await iris.run(command)
        assert isinstance(response, Error), response
        await until(lambda: "onError-event" in iris.told)
    return response.message


@pytest.mark.parametrize(
    ("mode", "detectors"),
    [("IRIS_ImagerOnly", ["imager"]), ("IRIS_IFSOnly", ["ifs", "imager"]), ("IRIS_ImagerAndIFS", ["ifs", "imager"])],
)
def test_given_observation_start_then_the_detectors_are_initialised_and_the_adc_comes_in(
    mode: str, detectors: list[str]
) -> None:
    iris = asyncio.run(after(Iris(mode), setup("observationStart")))
    assert iris.told == [*(f"{d}.detector <- INIT" for d in detectors), "imager.adc <- RETRACT_SELECT"]
    assert iris.only_command_to("imager.adc")[choice_key("position")].head() == "IN"


@pytest.mark.parametrize("mode", MODES)
def test_given_setup_acquisition_then_the_filter_moves_and_the_adc_follows(mode: str) -> None:
    iris = asyncio.run(after(Iris(mode), setup("setupAcquisition", FILTER, FOLLOW)))
    assert sorted(iris.told) == ["imager.adc <- PRISM_FOLLOW", "imager.filter <- SELECT"]
    assert iris.only_command_to("imager.filter") == Setup(iris.prefix, "SELECT", OBS_ID, choice_key("wheel1").set("H"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["setupAcquisition", "setupObservation"])
def test_given_science_adc_follow_is_false_then_the_adc_is_left_alone(mode: str, name: str) -> None:
    iris = asyncio.run(after(Iris(mode), setup(name, FILTER, SCALE, RESOLUTION, STAY)))
    assert not iris.commands_to("IRIS.imager.adc")


@pytest.mark.parametrize("mode", WITH_IFS)
def test_given_setup_observation_with_ifs_then_filter_scale_and_grating_move_and_the_adc_follows(mode: str) -> None:
    iris = asyncio.run(after(Iris(mode), setup("setupObservation", FILTER, SCALE, RESOLUTION, FOLLOW)))
    assert sorted(iris.told) == [
        "ifs.res <- GRATING_SELECT",
        "ifs.scale <- SELECT",
        "imager.adc <- PRISM_FOLLOW",
        "imager.filter <- SELECT",
    ]
    assert iris.only_command_to("imager.filter")[choice_key("wheel1")].head() == "H"
    assert iris.only_command_to("ifs.scale")[choice_key("scale")] == SCALE
    assert iris.only_command_to("ifs.res")[choice_key("spectralResolution")] == RESOLUTION


def test_given_setup_observation_with_the_imager_only_then_scale_and_grating_stay() -> None:
    iris = asyncio.run(after(Iris("IRIS_ImagerOnly"), setup("setupObservation", FILTER, SCALE, RESOLUTION, FOLLOW)))
    assert sorted(iris.told) == ["imager.adc <- PRISM_FOLLOW", "imager.filter <- SELECT"]


@pytest.mark.parametrize("mode", WITH_IFS)
def test_given_setup_observation_then_all_devices_move_at_the_same_time(mode: str) -> None:
    async def scenario() -> None:
        async with Iris(mode) as iris:
            all_are_asked = asyncio.Barrier(4)

            async def meet(message: object) -> Completed:
                await asyncio.wait_for(all_are_asked.wait(), 5)
                return Completed(run_id="met")

            moving = ("imager.filter", "ifs.scale", "ifs.res", "imager.adc")
            for device in moving:
                iris.put(f"IRIS.{device}-Assembly", meet)
            await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
            assert isinstance(await iris.run(setup("setupObservation", FILTER, SCALE, RESOLUTION, FOLLOW)), Completed)
            for device in moving:
                iris.put(f"IRIS.{device}-Assembly", FakeComponent().ask)

    asyncio.run(scenario())


def configuration(exposure_id: str, ms: int, ramps: int, prefix: str) -> Setup:
    return Setup(prefix, "LOAD_CONFIGURATION", OBS_ID).add(
        string_key("exposureId").set(exposure_id),
        string_key("filename").set(f"/data/night/{exposure_id}.fits"),
        int_key("rampIntegrationTime", Units.millisecond).set(ms),
        int_key("ramps").set(ramps),
    )


@pytest.mark.parametrize("mode", MODES)
def test_given_acquisition_exposure_then_the_imager_is_loaded_and_started(mode: str) -> None:
    iris = asyncio.run(after(Iris(mode), observe("acquisitionExposure", DIRECTORY, *IMAGER)))
    assert iris.told == ["imager.detector <- LOAD_CONFIGURATION", "imager.detector <- START_EXPOSURE"]
    assert iris.commands_to("IRIS.imager.detector") == [
        configuration(IMG, 2000, 3, iris.prefix),
        Observe(iris.prefix, "START_EXPOSURE", OBS_ID),
    ]


EXPOSING = {"IRIS_ImagerOnly": ["imager"], "IRIS_IFSOnly": ["ifs"], "IRIS_ImagerAndIFS": ["ifs", "imager"]}


@pytest.mark.parametrize("mode", MODES)
def test_given_single_exposure_then_the_mode_s_detectors_are_all_loaded_before_any_is_started(mode: str) -> None:
    iris = asyncio.run(after(Iris(mode), observe("singleExposure", DIRECTORY, *IMAGER, *IFS)))
    detectors, half = EXPOSING[mode], len(EXPOSING[mode])
    assert sorted(iris.told[:half]) == [f"{d}.detector <- LOAD_CONFIGURATION" for d in detectors]
    assert sorted(iris.told[half:]) == [f"{d}.detector <- START_EXPOSURE" for d in detectors]
    if "ifs" in detectors:
        assert iris.commands_to("IRIS.ifs.detector")[0] == configuration(SPEC, 1500, 4, iris.prefix)


def test_given_an_exposure_then_the_wait_is_its_ramps_plus_thirty_seconds() -> None:
    waits: list[float] = []

    async def slow(message: object) -> SubmitResponse:
        match message:
            case Submit(command=Observe()):
                return Started(run_id="1")
            case QueryFinal(timeout_s=timeout_s):
                waits.append(timeout_s)
        return Completed(run_id="1")

    iris = Iris("IRIS_ImagerOnly")
    iris.put("IRIS.imager.detector-Assembly", slow)
    asyncio.run(after(iris, observe("singleExposure", DIRECTORY, *IMAGER)))
    assert waits == [3 * 2.0 + 30.0]


CLEAN_UP = {
    "IRIS_ImagerOnly": ["imager.detector <- SHUTDOWN"],
    "IRIS_IFSOnly": ["ifs.detector <- SHUTDOWN", "imager.detector <- SHUTDOWN"],
    "IRIS_ImagerAndIFS": ["ifs.detector <- SHUTDOWN", "imager.detector <- SHUTDOWN"],
}
ADC_GOES_OUT = ["imager.adc <- PRISM_STOP", "imager.adc <- RETRACT_SELECT"]


@pytest.mark.parametrize("mode", MODES)
def test_given_observation_end_then_the_detectors_are_shut_down_and_the_adc_stops_and_goes_out(mode: str) -> None:
    iris = asyncio.run(after(Iris(mode), setup("observationEnd")))
    assert iris.told == [*CLEAN_UP[mode], *ADC_GOES_OUT]
    assert iris.commands_to("IRIS.imager.adc")[-1].get(choice_key("position")).head() == "OUT"  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", MODES)
def test_given_the_sequencer_is_shut_down_then_the_instrument_is_cleaned_up(mode: str) -> None:
    async def scenario() -> Iris:
        async with Iris(mode) as iris:
            await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
            await iris.ask(f"{iris.prefix}-Sequencer", Shutdown(), 5)
            return iris

    assert asyncio.run(scenario()).told == [*CLEAN_UP[mode], *ADC_GOES_OUT]


@pytest.mark.parametrize("mode", MODES)
def test_given_a_step_that_fails_then_the_error_is_published_and_the_instrument_is_cleaned_up(mode: str) -> None:
    async def scenario() -> list[str]:
        async with Iris(mode, SELECT=Error(run_id="1", message="the wheel is stuck")) as iris:
            await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
            response = await iris.run(setup("setupAcquisition", FILTER, STAY))
            assert "the wheel is stuck" in response.reason
            await until(lambda: ADC_GOES_OUT[-1] in iris.told)
            return iris.told

    assert asyncio.run(scenario()) == ["imager.filter <- SELECT", "onError-event", *CLEAN_UP[mode], *ADC_GOES_OUT]


def test_given_a_detector_that_does_not_answer_when_cleaning_up_then_the_rest_is_done_and_the_step_names_it() -> None:
    async def scenario() -> None:
        async with Iris("IRIS_ImagerAndIFS") as iris:
            iris.remove("IRIS.ifs.detector-Assembly")
            await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
            response = await iris.run(setup("observationEnd"))
            assert isinstance(response, Error)
            assert "IRIS.ifs.detector" in response.message
            assert iris.told[:4] == [*CLEAN_UP["IRIS_ImagerAndIFS"], *ADC_GOES_OUT]

    asyncio.run(scenario())


def test_given_a_clean_up_on_its_way_when_an_observation_starts_then_it_waits_for_its_end() -> None:
    async def scenario() -> None:
        async with Iris("IRIS_ImagerOnly", SELECT=Error(run_id="1", message="stuck")) as iris:
            let_it_go = asyncio.Event()

            async def slow_adc(message: object) -> Completed:
                await let_it_go.wait()
                return Completed(run_id="1")

            iris.put("IRIS.imager.adc-Assembly", slow_adc)
            await iris.start_sequencer(iris.prefix, iris.script, OBSMODES)
            await iris.run(setup("setupAcquisition", FILTER, STAY))
            await until(lambda: "imager.adc <- PRISM_STOP" in iris.told)
            started = await iris.sequencer(iris.prefix).submit(Sequence.of(setup("observationStart")))
            await asyncio.sleep(0.02)  # it must not begin
            assert "imager.detector <- INIT" not in iris.told
            let_it_go.set()
            assert isinstance(await iris.sequencer(iris.prefix).query_final(started.run_id), Completed)
            assert iris.told.index("imager.detector <- INIT") > iris.told.index(ADC_GOES_OUT[-1])

    asyncio.run(scenario())


EXPOSURE = (DIRECTORY, *IMAGER, *IFS)


def without(name: str) -> list[Parameter[Any]]:
    return [parameter for parameter in EXPOSURE if parameter.key_name != name]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (setup("setupAcquisition", FOLLOW), "Param of filter not found for IRIS.imager.filter"),
        (setup("setupAcquisition", FILTER), "Param of scienceAdcFollow not found for IRIS.imager.adc"),
        (setup("setupObservation", SCALE, RESOLUTION, FOLLOW), "Param of filter not found for IRIS.imager.filter"),
        (setup("setupObservation", FILTER, RESOLUTION, FOLLOW), "Param of scale not found for IRIS.ifs.scale"),
        (setup("setupObservation", FILTER, SCALE, FOLLOW), "Param of spectralResolution not found for IRIS.ifs.res"),
        (
            setup("setupObservation", FILTER, SCALE, RESOLUTION),
            "Param of scienceAdcFollow not found for IRIS.imager.adc",
        ),
        *(
            (observe("singleExposure", *without(name)), f"Param of {name} not found for IRIS.{detector}.detector")
            for name, detector in [
                ("directory", "imager"),
                ("imagerExposureId", "imager"),
                ("imagerIntegrationTime", "imager"),
                ("imagerNumRamps", "imager"),
                ("ifsExposureId", "ifs"),
                ("ifsIntegrationTime", "ifs"),
                ("ifsNumRamps", "ifs"),
            ]
        ),
        (
            observe("acquisitionExposure", *without("imagerNumRamps")),
            "Param of imagerNumRamps not found for IRIS.imager",
        ),
        (observe("singleExposure", *EXPOSURE, obs_id=None), "obsId not found in command singleExposure"),
        (observe("acquisitionExposure", *EXPOSURE, obs_id=None), "obsId not found in command acquisitionExposure"),
    ],
)
def test_given_a_command_without_what_it_needs_then_the_error_says_what_and_nothing_moves(
    command: Setup | Observe, message: str
) -> None:
    iris = Iris("IRIS_ImagerAndIFS")
    assert message in asyncio.run(failed(iris, command))
    assert iris.told[0] == "onError-event"


def test_given_a_filter_no_wheel_has_then_it_is_the_wheel_that_refuses_it() -> None:
    iris = asyncio.run(after(Iris("IRIS_ImagerOnly"), setup("setupAcquisition", choice_key("filter").set("X"), STAY)))
    assert iris.only_command_to("imager.filter")[choice_key("wheel1")].head() == "X"
