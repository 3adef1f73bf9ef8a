"""Scripts of the WFOS modes. Source: reference observing_scripts.md, "ESW scripts" columns WFOS, and "WFOS scripts"."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models.commands import Observe, Sequence, Setup
from ocs_ray.models.keys import Parameter, choice_key, int_key, string_key
from ocs_ray.models.responses import Completed, Error, Invalid, SubmitResponse
from ocs_ray.models.sequencer_messages import Shutdown
from ocs_ray.models.units import Units
from ocs_ray.testing.fake_component import FakeComponent
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

OBSMODES = Path(__file__).parents[3] / "obsmodes"
MODES = ["WFOS_Science", "WFOS_Cal"]
OBS_ID = "2028A-006-011"
DIRECTORY = string_key("directory").set("/data")
BLUE_FILTER, RED_FILTER = choice_key("blueFilter").set("g'"), choice_key("redFilter").set("z'")
BLU, RED = "2028A-006-011-WFOS-BLU-SKY1-0001", "2028A-006-011-WFOS-RED-SCI1-0001"


def arm(stem: str, kind: str, ms: int, ramps: int, *, exposure_id: str = "") -> list[Parameter[Any]]:
    params: list[Parameter[Any]] = [
        string_key(f"{stem}ExposureType").set(kind),
        int_key(f"{stem}IntegrationTime").set(ms),
        int_key(f"{stem}NumRamps").set(ramps),
    ]
    return [*params, string_key(f"{stem}ExposureId").set(exposure_id)] if exposure_id else params


BLUE_ARM, RED_ARM = arm("blue", "SKY", 2000, 2), arm("red", "SCI", 3000, 3)
BLUE_ID, RED_ID = string_key("blueExposureId").set(BLU), string_key("redExposureId").set(RED)


def setup(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Setup:
    return Setup("ESW.test", name, obs_id, *params)


def observe(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Observe:
    return Observe("ESW.test", name, obs_id, *params)


class Sequencing(LocalObservatory):
    """One sequencer of a WFOS mode; what it talks to says it did."""

    def __init__(self, subsystem: str, mode: str) -> None:
        super().__init__()
        self.prefix = f"{subsystem}.{mode}"
        self.script = OBSMODES / mode / f"{subsystem.lower()}.py"
        if subsystem == "ESW":
            self.put(f"WFOS.{mode}-Sequencer", FakeComponent().ask)
        for device in ("blue.filter", "red.filter", "blue.detector", "red.detector"):
            self.put(f"WFOS.{device}-Assembly", FakeComponent().ask)

    async def load(self) -> None:
        await self.start_sequencer(self.prefix, self.script, OBSMODES)

    async def run(self, *commands: Setup | Observe) -> SubmitResponse:
        return await self.sequencer(self.prefix).submit_and_wait(Sequence.of(*commands), resume_on_error=True)

    @property
    def told(self) -> list[str]:
        lines = [line for line in self.story(events_of=self.prefix) if not line.startswith(f"{self.prefix} <-")]
        return [line.removeprefix("ObserveEvent.").removeprefix("WFOS.") for line in lines]


INITS = ["blue.detector <- INIT", "red.detector <- INIT"]
SHUTDOWNS = ["blue.detector <- SHUTDOWN", "red.detector <- SHUTDOWN"]


async def after(sequencing: Sequencing, *commands: Setup | Observe) -> Sequencing:
    """The observatory after these commands completed, without what loading and shutting down sent."""
    await sequencing.load()
    sequencing.sent.clear()
    response = await sequencing.run(*commands)
    assert isinstance(response, Completed), response
    seen = list(sequencing.sent)
    await sequencing.close()
    sequencing.sent = seen
    return sequencing


async def failed(sequencing: Sequencing, command: Setup | Observe) -> str:
    async with sequencing:
        await sequencing.load()
        response = await sequencing.run(command)
        assert isinstance(response, Error), response
        if sequencing.prefix.startswith("ESW"):
            await until(lambda: "onError-event" in sequencing.told)
    return response.message


async def refused(subsystem: str, command: Setup | Observe) -> str:
    """What the sequencer of WFOS_Cal says to a sequence it refuses before anything runs."""
    async with Sequencing(subsystem, "WFOS_Cal") as sequencing:
        await sequencing.load()
        response = await sequencing.run(command)
        assert isinstance(response, Invalid), response
    return response.reason


# -- the WFOS sequencer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_given_a_wfos_script_then_loading_initialises_both_detectors_and_shutdown_shuts_both_down(mode: str) -> None:
    async def scenario() -> None:
        async with Sequencing("WFOS", mode) as wfos:
            await wfos.load()
            assert wfos.told == INITS
            await wfos.ask(f"{wfos.prefix}-Sequencer", Shutdown(), 5)
            assert wfos.told == INITS + SHUTDOWNS

    asyncio.run(scenario())


@pytest.mark.parametrize("mode", MODES)
def test_given_setup_observation_then_both_filters_are_selected(mode: str) -> None:
    wfos = asyncio.run(after(Sequencing("WFOS", mode), setup("setupObservation", BLUE_FILTER, RED_FILTER)))
    assert sorted(wfos.told) == ["blue.filter <- SELECT", "red.filter <- SELECT"]
    for device, position in (("blue", "g'"), ("red", "z'")):
        select = Setup(wfos.prefix, "SELECT", OBS_ID, choice_key("wheel1").set(position))
        assert wfos.commands_to(f"WFOS.{device}.filter") == [select]


def test_given_setup_acquisition_then_the_blue_filter_alone_is_selected() -> None:
    wfos = asyncio.run(after(Sequencing("WFOS", "WFOS_Science"), setup("setupAcquisition", BLUE_FILTER, RED_FILTER)))
    assert wfos.told == ["blue.filter <- SELECT"]


def configuration(exposure_id: str, ms: int, ramps: int, prefix: str) -> Setup:
    return Setup(prefix, "LOAD_CONFIGURATION", OBS_ID).add(
        string_key("exposureId").set(exposure_id),
        string_key("filename").set(f"/data/{exposure_id}.fits"),
        int_key("rampIntegrationTime", Units.millisecond).set(ms),
        int_key("ramps").set(ramps),
    )


def test_given_acquisition_exposure_then_the_blue_detector_alone_exposes() -> None:
    command = observe("acquisitionExposure", DIRECTORY, *BLUE_ARM, BLUE_ID)
    wfos = asyncio.run(after(Sequencing("WFOS", "WFOS_Science"), command))
    assert wfos.told == ["blue.detector <- LOAD_CONFIGURATION", "blue.detector <- START_EXPOSURE"]
    assert wfos.commands_to("WFOS.blue.detector")[0] == configuration(BLU, 2000, 2, wfos.prefix)


@pytest.mark.parametrize("mode", MODES)
def test_given_single_exposure_then_both_detectors_are_loaded_before_any_is_started(mode: str) -> None:
    command = observe("singleExposure", DIRECTORY, *BLUE_ARM, *RED_ARM, BLUE_ID, RED_ID)
    wfos = asyncio.run(after(Sequencing("WFOS", mode), command))
    assert sorted(wfos.told[:2]) == ["blue.detector <- LOAD_CONFIGURATION", "red.detector <- LOAD_CONFIGURATION"]
    assert sorted(wfos.told[2:]) == ["blue.detector <- START_EXPOSURE", "red.detector <- START_EXPOSURE"]
    assert wfos.commands_to("WFOS.blue.detector")[0] == configuration(BLU, 2000, 2, wfos.prefix)
    assert wfos.commands_to("WFOS.red.detector")[0] == configuration(RED, 3000, 3, wfos.prefix)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (setup("setupAcquisition"), "Param of blueFilter not found for WFOS.blue.filter"),
        (setup("setupObservation", BLUE_FILTER), "Param of redFilter not found for WFOS.red.filter"),
        (
            observe("acquisitionExposure", DIRECTORY, *BLUE_ARM),
            "Param of blueExposureId not found for WFOS.blue.detector",
        ),
        (
            observe("singleExposure", DIRECTORY, *BLUE_ARM, BLUE_ID, RED_ID),
            "Param of redIntegrationTime not found for WFOS.red.detector",
        ),
        (
            observe("singleExposure", DIRECTORY, *BLUE_ARM, *RED_ARM, BLUE_ID, RED_ID, obs_id=None),
            "obsId not found in command singleExposure",
        ),
    ],
)
def test_given_a_wfos_command_without_what_it_needs_then_the_error_says_what_and_nothing_moves(
    command: Setup | Observe, message: str
) -> None:
    wfos = Sequencing("WFOS", "WFOS_Science")
    assert message in asyncio.run(failed(wfos, command))
    assert wfos.told == INITS + SHUTDOWNS


@pytest.mark.parametrize("command", [setup("setupAcquisition", BLUE_FILTER), observe("acquisitionExposure")])
def test_given_wfos_cal_then_it_acquires_nothing(command: Setup | Observe) -> None:
    assert f"no handler for {type(command).__name__} {command.command_name}" in asyncio.run(refused("WFOS", command))


def test_given_a_detector_that_does_not_run_when_the_script_is_loaded_then_loading_fails_and_names_it() -> None:
    async def scenario() -> None:
        async with Sequencing("WFOS", "WFOS_Cal") as wfos:
            wfos.remove("WFOS.red.detector-Assembly")
            with pytest.raises(Exception, match=r"WFOS\.red\.detector"):
                await wfos.load()

    asyncio.run(scenario())


# -- the top level ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "event"), [("observationStart", "ObservationStart"), ("observationEnd", "ObservationEnd")]
)
def test_given_start_or_end_of_an_observation_then_there_is_the_event_only(mode: str, name: str, event: str) -> None:
    assert asyncio.run(after(Sequencing("ESW", mode), setup(name))).told == [event]


@pytest.mark.parametrize("mode", MODES)
def test_given_fine_acquisition_then_nothing_happens(mode: str) -> None:
    assert asyncio.run(after(Sequencing("ESW", mode), observe("fineAcquisition"))).told == []


@pytest.mark.parametrize("mode", MODES)
def test_given_setup_observation_then_wfos_gets_it_between_the_science_target_events(mode: str) -> None:
    command = setup("setupObservation", BLUE_FILTER, RED_FILTER)
    top = asyncio.run(after(Sequencing("ESW", mode), command))
    assert top.told == ["ScitargetAcqStart", f"{mode} <- setupObservation", "ScitargetAcqEnd"]
    assert top.steps_to(f"WFOS.{mode}") == [command]


@pytest.mark.parametrize("mode", MODES)
def test_given_observe_then_wfos_gets_ids_for_both_arms_in_place_of_those_that_were_there(mode: str) -> None:
    old = string_key("blueExposureId").set("2028A-006-011-WFOS-BLU-SKY1-0099")
    top = asyncio.run(after(Sequencing("ESW", mode), observe("observe", DIRECTORY, *BLUE_ARM, *RED_ARM, old)))
    assert top.told == ["ObserveStart", f"{mode} <- singleExposure", "ObserveEnd"]
    expected = observe("singleExposure", DIRECTORY, *BLUE_ARM, *RED_ARM, BLUE_ID, RED_ID)
    assert top.steps_to(f"WFOS.{mode}") == [expected]


def test_given_preset_then_wfos_is_set_up_for_acquisition_between_the_preset_events() -> None:
    top = asyncio.run(after(Sequencing("ESW", "WFOS_Science"), setup("preset", BLUE_FILTER)))
    assert top.told == ["PresetStart", "WFOS_Science <- setupAcquisition", "PresetEnd"]
    assert top.steps_to("WFOS.WFOS_Science") == [setup("setupAcquisition", BLUE_FILTER)]


def test_given_coarse_acquisition_then_the_blue_arm_gets_an_id_between_the_guide_star_events() -> None:
    top = asyncio.run(after(Sequencing("ESW", "WFOS_Science"), observe("coarseAcquisition", DIRECTORY, *BLUE_ARM)))
    assert top.told == ["GuidestarAcqStart", "WFOS_Science <- acquisitionExposure", "GuidestarAcqEnd"]
    assert top.steps_to("WFOS.WFOS_Science") == [observe("acquisitionExposure", DIRECTORY, *BLUE_ARM, BLUE_ID)]


def test_given_acquisition_and_science_exposures_then_one_counter_numbers_them_all() -> None:
    acquire = observe("coarseAcquisition", DIRECTORY, *BLUE_ARM)
    expose = observe("observe", DIRECTORY, *BLUE_ARM, *RED_ARM)
    top = asyncio.run(after(Sequencing("ESW", "WFOS_Science"), acquire, expose, expose))
    sent = top.steps_to("WFOS.WFOS_Science")
    assert [command[string_key("blueExposureId")].head()[-4:] for command in sent] == ["0001", "0002", "0003"]
    assert [command[string_key("redExposureId")].head()[-4:] for command in sent[1:]] == ["0002", "0003"]


@pytest.mark.parametrize("command", [setup("preset", BLUE_FILTER), observe("coarseAcquisition", *BLUE_ARM)])
def test_given_the_top_level_of_wfos_cal_then_it_acquires_nothing(command: Setup | Observe) -> None:
    assert f"no handler for {type(command).__name__} {command.command_name}" in asyncio.run(refused("ESW", command))


@pytest.mark.parametrize(
    "command",
    [
        setup("observationStart", obs_id=None),
        setup("preset", BLUE_FILTER, obs_id=None),
        observe("coarseAcquisition", DIRECTORY, *BLUE_ARM, obs_id=None),
        setup("setupObservation", BLUE_FILTER, RED_FILTER, obs_id=None),
        observe("observe", DIRECTORY, *BLUE_ARM, *RED_ARM, obs_id=None),
        setup("observationEnd", obs_id=None),
    ],
)
def test_given_a_top_level_command_without_obs_id_then_the_error_names_it(command: Setup | Observe) -> None:
    top = Sequencing("ESW", "WFOS_Science")
    message = asyncio.run(failed(top, command))
    assert "obsId" in message
    assert command.command_name in message
    assert top.told == ["onError-event"]


def test_given_an_arm_without_exposure_type_then_the_error_names_it_and_wfos_is_not_told() -> None:
    top = Sequencing("ESW", "WFOS_Cal")
    message = asyncio.run(failed(top, observe("observe", DIRECTORY, *BLUE_ARM)))
    assert "Param of redExposureType not found for WFOS.red.detector" in message
    assert not top.steps_to("WFOS.WFOS_Cal")
