"""Whole sequences in a whole simulated observatory: the bundled examples, and the samples of TMT where they are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.models.commands import Sequence
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.identifiers import ExposureId
from ocs_ray.models.keys import string_key
from ocs_ray.models.responses import Completed
from ocs_ray.models.wire import decode_text
from ocs_ray.testing.local_observatory import LocalObservatory

REPO = Path(__file__).parents[3]
CATALOGUE = read_catalogue(REPO / "obsmodes")
DEVICES: list[DeviceSpec] = [
    d for devices in read_cluster_file(REPO / "cluster" / "local.yaml").devices.values() for d in devices
]
SAMPLES = REPO.parent / "shared" / "data" / "sample-sequences"
SAMPLE_GOES_TO = {
    "esw_ifs_only_sequence.json": "ESW.IRIS_IFSOnly",
    "esw_imager_and_ifs_sequence.json": "ESW.IRIS_ImagerAndIFS",
    "esw_imager_only_sequence.json": "ESW.IRIS_ImagerOnly",
    "esw_wfos_science_sequence.json": "ESW.WFOS_Science",
    "iris_ifs_only_sequence.json": "IRIS.IRIS_IFSOnly",
    "iris_imager_and_ifs_sequence.json": "IRIS.IRIS_ImagerAndIFS",
    "iris_imager_only_sequence.json": "IRIS.IRIS_ImagerOnly",
    "tcs_iris_for_all_sequence.json": "TCS.IRIS_ImagerAndIFS",
    "wfos_science_sequence.json": "WFOS.WFOS_Science",
}


def read_sequence(file: Path) -> Sequence:
    return decode_text(Sequence, file.read_text(encoding="utf-8"), where=str(file))


def example(mode: str) -> Sequence:
    return read_sequence(REPO / "obsmodes" / mode / "example_sequence.json")


async def run_in(observatory: LocalObservatory, sequencer: str, sequence: Sequence) -> None:
    response = await observatory.sequencer(sequencer).submit_and_wait(sequence, resume_on_error=True)
    assert isinstance(response, Completed), response


async def run_alone(sequencer: str, sequence: Sequence) -> LocalObservatory:
    async with LocalObservatory() as observatory:
        await observatory.start_devices(DEVICES)
        await observatory.configure(CATALOGUE[sequencer.partition(".")[2]])  # type: ignore[index]
        await run_in(observatory, sequencer, sequence)
    return observatory


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_a_configured_mode_when_its_example_is_run_then_it_completes(mode: str) -> None:
    sequence = example(mode)
    assert 7 <= len(sequence) <= 9
    observatory = asyncio.run(run_alone(f"ESW.{mode}", sequence))
    assert not [event for event in observatory.published if event.event_name == "onError-event"]


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_an_example_when_it_is_run_then_every_exposure_has_an_id_of_its_observation(mode: str) -> None:
    observatory = asyncio.run(run_alone(f"ESW.{mode}", example(mode)))
    starts = [event for event in observatory.published if event.event_name == "ObserveEvent.ExposureStart"]
    ids = [ExposureId(event[string_key("exposureId")].head()) for event in starts]
    assert ids
    assert len(set(ids)) == len(ids)
    assert {exposure.obs_id for exposure in ids} == {example(mode)[0].maybe_obs_id}
    assert {exposure.subsystem for exposure in ids} == {mode.partition("_")[0]}


@pytest.mark.parametrize("file", SAMPLE_GOES_TO)
def test_given_a_sample_sequence_of_tmt_when_it_is_run_then_it_completes(file: str) -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"no sample sequences: {SAMPLES} is not there")
    asyncio.run(run_alone(SAMPLE_GOES_TO[file], read_sequence(SAMPLES / file)))


def test_given_the_sample_folder_then_no_sample_is_left_out() -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"no sample sequences: {SAMPLES} is not there")
    assert {file.name for file in SAMPLES.glob("*.json")} == set(SAMPLE_GOES_TO)


def test_given_wfos_cal_and_iris_imager_only_when_both_run_at_the_same_time_then_both_complete() -> None:
    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices(DEVICES)
            for mode in ("WFOS_Cal", "IRIS_ImagerOnly"):
                await observatory.configure(CATALOGUE[mode])  # type: ignore[index]
            both = (run_in(observatory, f"ESW.{mode}", example(mode)) for mode in ("WFOS_Cal", "IRIS_ImagerOnly"))
            await asyncio.gather(*both)

    asyncio.run(scenario())


@pytest.mark.parametrize("mode", ["IRIS_ImagerAndIFS", "WFOS_Science"])
def test_given_a_mode_when_its_example_is_run_twice_then_the_second_completes_too_and_numbers_go_on(mode: str) -> None:
    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices(DEVICES)
            await observatory.configure(CATALOGUE[mode])  # type: ignore[index]
            for _ in range(2):
                await run_in(observatory, f"ESW.{mode}", example(mode))
            starts = [event for event in observatory.published if event.event_name == "ObserveEvent.ExposureStart"]
            numbers = [ExposureId(event[string_key("exposureId")].head()).exposure_number for event in starts]
            assert max(numbers) == 6

    asyncio.run(scenario())
