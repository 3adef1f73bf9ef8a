"""Aborting an observation: exposures under way are read out at once, in every mode."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.models.commands import Observe, Sequence, Setup
from ocs_ray.models.identifiers import ObsId, ObsMode
from ocs_ray.models.keys import int_key, string_key
from ocs_ray.models.responses import Cancelled
from ocs_ray.models.sequencer_messages import SequencerState
from ocs_ray.models.sequencer_replies import Ok
from ocs_ray.models.steps import StepStatus
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

REPO = Path(__file__).parents[3]
CATALOGUE = read_catalogue(REPO / "obsmodes")
DEVICES = [d for listed in read_cluster_file(REPO / "cluster" / "local.yaml").devices.values() for d in listed]
OBS_ID = ObsId("2026B-001-001")
HOURS_MS = 100 * 3_600_000
"""Far longer than any test: an exposure that is not aborted would fail it."""
STEMS = ("imager", "ifs", "blue", "red")


def endless_exposure() -> Observe:
    command = Observe("ESW.test", "observe", OBS_ID).add(string_key("directory").set("/data"))
    for stem in STEMS:
        command = command.add(
            string_key(f"{stem}ExposureType").set("SCI"),
            int_key(f"{stem}IntegrationTime").set(HOURS_MS),
            int_key(f"{stem}NumRamps").set(1),
        )
    return command


def test_given_a_detector_that_writes_for_long_when_aborted_then_the_run_is_over_when_its_data_are_written() -> None:
    async def story() -> None:
        async with LocalObservatory() as observatory:
            slow = {"IRIS.ifs.detector": {"write_s": 300.0}}  # 0.3 s here; the imager's is there after 0.5 ms
            await observatory.start_devices(
                [d.model_copy(update={"options": {**d.options, **slow.get(str(d.prefix), {})}}) for d in DEVICES]
            )
            mode = ObsMode("IRIS_ImagerAndIFS")
            await observatory.configure(CATALOGUE[mode])
            top = observatory.sequencer(f"ESW.{mode}")
            start = Setup("ESW.test", "observationStart", OBS_ID)
            started = await top.submit(Sequence.of(start, endless_exposure()))

            def count(name: str) -> int:
                return [event.event_name for event in observatory.published].count(f"ObserveEvent.{name}")

            await until(lambda: count("ExposureStart") == 2)

            assert await top.abort_sequence() == Ok()

            assert await top.query_final(str(started.run_id), resume_on_error=True) == Cancelled(run_id=started.run_id)
            assert count("DataWriteEnd") == 2

    asyncio.run(story())


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_an_exposure_of_hours_when_aborted_then_it_is_read_out_at_once_and_the_run_is_cancelled(
    mode: ObsMode,
) -> None:
    async def story() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices(DEVICES)
            await observatory.configure(CATALOGUE[mode])
            top = observatory.sequencer(f"ESW.{mode}")
            start = Setup("ESW.test", "observationStart", OBS_ID)
            started = await top.submit(Sequence.of(start, endless_exposure(), start))
            await until(lambda: "ObserveEvent.ExposureStart" in [e.event_name for e in observatory.published])

            assert await top.abort_sequence() == Ok()

            final = await top.query_final(str(started.run_id), resume_on_error=True)
            assert final == Cancelled(run_id=started.run_id)
            names = [event.event_name for event in observatory.published]
            assert names.count("ObserveEvent.ExposureAborted") == names.count("ObserveEvent.ExposureStart")
            assert names.count("ObserveEvent.DataWriteEnd") == names.count("ObserveEvent.ExposureStart")
            steps = await top.sequence()
            assert steps is not None
            assert steps[2].status is StepStatus.CANCELLED
            assert await top.state() is SequencerState.IDLE

    asyncio.run(story())


def test_given_nothing_to_abort_below_when_the_top_level_is_aborted_then_it_ends_all_the_same() -> None:
    async def story() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices(DEVICES)
            await observatory.configure(CATALOGUE[ObsMode("WFOS_Cal")])
            top = observatory.sequencer("ESW.WFOS_Cal")
            started = await top.submit(Sequence.of(*(Observe("ESW.test", "fineAcquisition") for _ in range(500))))
            await top.abort_sequence()
            final = await top.query_final(str(started.run_id), resume_on_error=True)
            assert final.is_final

    asyncio.run(story())
