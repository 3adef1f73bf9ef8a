"""Top-level scripts of the IRIS modes. Source: reference observing_scripts.md, "ESW scripts", column "IRIS modes"."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models.commands import Observe, Sequence, Setup
from ocs_ray.models.coordinates import EqCoord
from ocs_ray.models.keys import (
    Parameter,
    boolean_key,
    choice_key,
    coord_key,
    double_key,
    int_key,
    string_key,
)
from ocs_ray.models.responses import Completed, Error, SubmitResponse
from ocs_ray.testing.fake_component import FakeComponent
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

OBSMODES = Path(__file__).parents[3] / "obsmodes"
OBS_ID = "2027A-014-003"
MODES = ["IRIS_ImagerOnly", "IRIS_IFSOnly", "IRIS_ImagerAndIFS"]
DIRECTORY = string_key("directory").set("/data")
IMAGER = (
    string_key("imagerExposureType").set("SCI"),
    int_key("imagerIntegrationTime").set(1000),
    int_key("imagerNumRamps").set(2),
)
IFS = (string_key("ifsExposureType").set("SKY"), int_key("ifsIntegrationTime").set(1000), int_key("ifsNumRamps").set(2))
FILTER, FOLLOW = choice_key("filter").set("H"), boolean_key("scienceAdcFollow").set(True)
TARGET = EqCoord.of(ra_degrees=187.7, dec_degrees=12.4)
AT_TARGET = coord_key("targetCoords").set(TARGET)
OFFSET = (double_key("p").set(1.0), double_key("q").set(0.0))


def setup(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Setup:
    return Setup("ESW.test", name, obs_id, *params)


def observe(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Observe:
    return Observe("ESW.test", name, obs_id, *params)


class Top(LocalObservatory):
    """A top-level IRIS script; what it leads is not there, or says it did."""

    def __init__(self, mode: str, **answers: Any) -> None:
        super().__init__()
        self.mode = mode
        self.put(f"IRIS.{mode}-Sequencer", FakeComponent(answers).ask)
        self.put(f"TCS.{mode}-Sequencer", FakeComponent(answers).ask)

    async def load(self) -> None:
        await self.start_sequencer(f"ESW.{self.mode}", OBSMODES / self.mode / "esw.py", OBSMODES)

    async def run(self, *commands: Setup | Observe) -> SubmitResponse:
        top = self.sequencer(f"ESW.{self.mode}")
        return await top.submit_and_wait(Sequence.of(*commands), resume_on_error=True)

    async def adc(self, following: str, on_target: bool) -> None:
        state = choice_key("following").set(following), boolean_key("onTarget").set(on_target)
        await self.events("IRIS.imager.adc").publish_system_event("prism_state", *state)

    def sent_to(self, subsystem: str) -> list[Any]:
        return self.steps_to(f"{subsystem}.{self.mode}")

    @property
    def told(self) -> list[str]:
        """What the script did, with the names of its observe events and of the sequencers shortened."""
        mine = [line for line in self.story(events_of=f"ESW.{self.mode}") if not line.startswith("ESW.")]
        return [line.removeprefix("ObserveEvent.").replace(f".{self.mode}", "") for line in mine]


async def after(top: Top, *commands: Setup | Observe, adc: Iterable[tuple[str, bool]] = (("FOLLOWING", True),)) -> Top:
    """The observatory after these commands completed."""
    async with top:
        await top.load()
        for following, on_target in adc:
            await top.adc(following, on_target)
        response = await top.run(*commands)
        assert isinstance(response, Completed), response
    return top


async def failed(top: Top, command: Setup | Observe) -> str:
    """Why the command failed."""
    async with top:
        await top.load()
        response = await top.run(command)
        assert isinstance(response, Error), response
        await until(lambda: "onError-event" in top.told)
    return response.message


@pytest.mark.parametrize("mode", MODES)
def test_given_observation_start_then_the_event_comes_first_and_iris_is_told(mode: str) -> None:
    top = asyncio.run(after(Top(mode), setup("observationStart")))
    assert top.told == ["ObservationStart", "IRIS <- observationStart"]
    assert top.sent_to("IRIS") == [setup("observationStart")]


@pytest.mark.parametrize("mode", MODES)
def test_given_observation_end_then_iris_is_told_and_the_event_comes_last(mode: str) -> None:
    top = asyncio.run(after(Top(mode), setup("observationEnd")))
    assert top.told == ["IRIS <- observationEnd", "ObservationEnd"]
    assert top.sent_to("IRIS") == [setup("observationEnd")]


@pytest.mark.parametrize("mode", MODES)
def test_given_preset_then_tcs_gets_the_target_as_base_and_iris_all_parameters_between_the_events(mode: str) -> None:
    top = asyncio.run(after(Top(mode), setup("preset", FILTER, FOLLOW, AT_TARGET)))
    assert top.told[0] == "PresetStart"
    assert sorted(top.told[1:3]) == ["IRIS <- setupAcquisition", "TCS <- preset"]
    assert top.told[3:] == ["PresetEnd"]
    assert top.sent_to("TCS") == [setup("preset", coord_key("baseCoords").set(TARGET))]
    assert top.sent_to("IRIS") == [setup("setupAcquisition", FILTER, FOLLOW, AT_TARGET)]


@pytest.mark.parametrize("mode", MODES)
def test_given_setup_observation_then_tcs_and_iris_get_the_same_command_and_no_event_is_published(mode: str) -> None:
    command = setup("setupObservation", FILTER, FOLLOW, *OFFSET)
    top = asyncio.run(after(Top(mode), command))
    assert sorted(top.told) == ["IRIS <- setupObservation", "TCS <- setupObservation"]
    assert top.sent_to("IRIS") == top.sent_to("TCS") == [command]


@pytest.mark.parametrize("command", [setup("preset", FILTER, FOLLOW, AT_TARGET), setup("setupObservation", FOLLOW)])
def test_given_telescope_and_instrument_when_they_are_set_up_then_both_move_at_the_same_time(command: Setup) -> None:
    async def scenario() -> None:
        async with Top("IRIS_ImagerOnly") as top:
            both_are_asked = asyncio.Barrier(2)

            async def meet(message: object) -> Completed:
                await asyncio.wait_for(both_are_asked.wait(), 5)
                return Completed(run_id="met")

            for subsystem in ("IRIS", "TCS"):
                top.put(f"{subsystem}.IRIS_ImagerOnly-Sequencer", meet)
            await top.load()
            await top.adc("FOLLOWING", True)
            assert isinstance(await top.run(command), Completed)

    asyncio.run(scenario())


@pytest.mark.parametrize("command", [setup("preset", FILTER, FOLLOW, AT_TARGET), setup("setupObservation", FOLLOW)])
def test_given_an_adc_off_target_when_set_up_then_the_step_ends_only_when_it_follows_and_is_on_target(
    command: Setup,
) -> None:
    async def scenario() -> None:
        async with Top("IRIS_ImagerOnly") as top:
            await top.load()
            top_level = top.sequencer("ESW.IRIS_ImagerOnly")
            started = await top_level.submit(Sequence.of(command))
            await until(lambda: len(top.sent_to("IRIS")) == len(top.sent_to("TCS")) == 1)
            for following, on_target in (("STOPPED", True), ("FOLLOWING", False)):
                await top.adc(following, on_target)
                await asyncio.sleep(0.02)  # it must go on waiting
                assert (await top_level.query(started.run_id)).is_started
            await top.adc("FOLLOWING", True)
            assert isinstance(await top_level.query_final(started.run_id), Completed)

    asyncio.run(scenario())


def test_given_an_adc_that_shall_not_follow_when_set_up_then_nobody_waits_for_it() -> None:
    stay = boolean_key("scienceAdcFollow").set(False)
    command = setup("setupObservation", FILTER, stay, *OFFSET)
    asyncio.run(after(Top("IRIS_ImagerOnly"), command, adc=[("STOPPED", True)]))


@pytest.mark.parametrize("mode", MODES)
def test_given_coarse_acquisition_then_the_imager_gets_an_exposure_id_between_the_guide_star_events(mode: str) -> None:
    top = asyncio.run(after(Top(mode), observe("coarseAcquisition", DIRECTORY, *IMAGER)))
    assert top.told == ["GuidestarAcqStart", "IRIS <- acquisitionExposure", "GuidestarAcqEnd"]
    exposure_id = string_key("imagerExposureId").set("2027A-014-003-IRIS-IMG-SCI1-0001")
    assert top.sent_to("IRIS") == [observe("acquisitionExposure", DIRECTORY, *IMAGER, exposure_id)]


@pytest.mark.parametrize("mode", MODES)
def test_given_fine_acquisition_then_half_a_second_passes_between_the_science_target_events(mode: str) -> None:
    top = Top(mode)
    top.time_factor = 0.1
    start = time.perf_counter()
    asyncio.run(after(top, observe("fineAcquisition")))
    assert top.told == ["ScitargetAcqStart", "ScitargetAcqEnd"]
    assert time.perf_counter() - start >= 0.5 * 0.1


IMG, SPEC = "2027A-014-003-IRIS-IMG-SCI1-0001", "2027A-014-003-IRIS-IFS-SKY1-0001"


@pytest.mark.parametrize(
    ("mode", "ids"),
    [
        ("IRIS_ImagerOnly", {"imagerExposureId": IMG}),
        ("IRIS_IFSOnly", {"ifsExposureId": SPEC}),
        ("IRIS_ImagerAndIFS", {"imagerExposureId": IMG, "ifsExposureId": SPEC}),
    ],
)
def test_given_observe_then_the_mode_s_detectors_get_exposure_ids_between_the_observe_events(
    mode: str, ids: dict[str, str]
) -> None:
    top = asyncio.run(after(Top(mode), observe("observe", DIRECTORY, *IMAGER, *IFS)))
    assert top.told == ["ObserveStart", "IRIS <- singleExposure", "ObserveEnd"]
    added = [string_key(name).set(exposure_id) for name, exposure_id in ids.items()]
    assert top.sent_to("IRIS") == [observe("singleExposure", DIRECTORY, *IMAGER, *IFS, *added)]


def test_given_acquisition_and_science_exposures_then_one_counter_numbers_them_all_across_sequences() -> None:
    async def scenario() -> list[str]:
        async with Top("IRIS_ImagerOnly") as top:
            await top.load()
            acquire, expose = (observe(name, DIRECTORY, *IMAGER) for name in ("coarseAcquisition", "observe"))
            await top.run(acquire, expose, expose)
            await top.run(expose)
            return [command[string_key("imagerExposureId")].head()[-4:] for command in top.sent_to("IRIS")]

    assert asyncio.run(scenario()) == ["0001", "0002", "0003", "0004"]


COMMANDS: dict[str, Callable[[str | None], Setup | Observe]] = {
    "observationStart": lambda obs_id: setup("observationStart", obs_id=obs_id),
    "preset": lambda obs_id: setup("preset", FILTER, FOLLOW, AT_TARGET, obs_id=obs_id),
    "coarseAcquisition": lambda obs_id: observe("coarseAcquisition", DIRECTORY, *IMAGER, obs_id=obs_id),
    "fineAcquisition": lambda obs_id: observe("fineAcquisition", obs_id=obs_id),
    "setupObservation": lambda obs_id: setup("setupObservation", FILTER, FOLLOW, *OFFSET, obs_id=obs_id),
    "observe": lambda obs_id: observe("observe", DIRECTORY, *IMAGER, *IFS, obs_id=obs_id),
    "observationEnd": lambda obs_id: setup("observationEnd", obs_id=obs_id),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_given_a_command_without_obs_id_then_the_error_names_the_command_and_nobody_is_told(name: str) -> None:
    top = Top("IRIS_ImagerAndIFS")
    message = asyncio.run(failed(top, COMMANDS[name](None)))
    assert "obsId" in message
    assert name in message
    assert top.told == ["onError-event"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (setup("preset", FILTER, FOLLOW), "Param of targetCoords not found for TCS.IRIS_ImagerAndIFS"),
        (observe("coarseAcquisition"), "Param of imagerExposureType not found for IRIS.imager.detector"),
        (observe("observe", *IMAGER), "Param of ifsExposureType not found for IRIS.ifs.detector"),
        (observe("observe", *IFS), "Param of imagerExposureType not found for IRIS.imager.detector"),
    ],
)
def test_given_a_command_without_a_needed_parameter_then_the_error_names_it_and_who_needs_it(
    command: Setup | Observe, message: str
) -> None:
    top = Top("IRIS_ImagerAndIFS")
    assert message in asyncio.run(failed(top, command))
    assert not top.sent_to("IRIS")


def test_given_a_sub_sequencer_that_fails_then_the_step_fails_with_its_words_and_the_phase_has_no_end() -> None:
    top = Top("IRIS_ImagerOnly", setupAcquisition=Error(run_id="1", message="the wheel is stuck"))
    message = asyncio.run(failed(top, setup("preset", FILTER, FOLLOW, AT_TARGET)))
    assert "the wheel is stuck" in message
    assert "PresetStart" in top.told
    assert "PresetEnd" not in top.told


def test_given_an_exposure_type_that_does_not_exist_then_the_error_names_it() -> None:
    command = observe("observe", DIRECTORY, *IMAGER, string_key("imagerExposureType").set("FUN"))
    assert "FUN" in asyncio.run(failed(Top("IRIS_ImagerOnly"), command))
