"""Observing modes are held between exposures, not inside one, and a stop that cannot wait keeps the data taken so far.

Source: seed 004; reference isa88.md section 6, 'no_hold() for exposures that must not be interrupted'.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.config.obs_mode_catalogue import read_catalogue
from ocs_ray.models.commands import Observe, Sequence, Setup
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.keys import int_key, string_key
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.responses import Cancelled, Completed
from ocs_ray.models.steps import StepStatus
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

REPO = Path(__file__).parents[3]
CATALOGUE = read_catalogue(REPO / "obsmodes")
DEVICES = [d for devices in read_cluster_file(REPO / "cluster" / "local.yaml").devices.values() for d in devices]
OBS_ID = "2027A-014-003"
SHORT_MS, HOURS_MS = 300_000, 2_000_000_000
S = ProcedureState
PATIENT = timedelta(seconds=20)


def exposure(milliseconds: int) -> Observe:
    """An exposure for the detectors of any mode."""
    params: list[Any] = [string_key("directory").set("/data")]
    for stem in ("imager", "ifs", "red", "blue"):
        params += [
            string_key(f"{stem}ExposureType").set("SCI"),
            int_key(f"{stem}IntegrationTime").set(milliseconds),
            int_key(f"{stem}NumRamps").set(1),
        ]
    return Observe("ESW.test", "observe", OBS_ID, *params)


class Night(LocalObservatory):
    """An observatory with one mode, and a run of it whose exposure has begun."""

    run_id: str
    top: Sequencer

    def observed(self, name: str) -> int:
        return sum(event.event_name == f"ObserveEvent.{name}" for event in self.published)

    async def state_of(self, prefix: str) -> ProcedureState:
        return (await self.sequencer(prefix).procedure_state()).state


@asynccontextmanager
async def exposing(
    mode: str, milliseconds: int = SHORT_MS, settings: ProcedureSettings | None = None
) -> AsyncGenerator[Night]:
    async with Night() as night:
        await night.start_devices(DEVICES)
        config = CATALOGUE[ObsMode(mode)]
        await night.configure(config if settings is None else config.model_copy(update={"procedure": settings}))
        night.top = night.sequencer(f"ESW.{mode}")
        start = Setup("ESW.test", "observationStart", OBS_ID)
        started = await night.top.submit(Sequence.of(start, exposure(milliseconds), start))
        night.run_id = str(started.run_id)
        await until(lambda: night.observed("ExposureStart") > 0)
        yield night


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_an_exposure_when_held_then_it_ends_first_all_are_held_inside_the_step_and_resumed_it_completes(
    mode: ObsMode,
) -> None:
    async def story() -> None:
        async with exposing(mode) as night:
            assert (await night.top.hold()).accepted
            await follow_to(night.top, S.HELD)
            (instrument,) = [p for p in CATALOGUE[mode].sequencer_prefixes() if p.subsystem in ("IRIS", "WFOS")]
            assert await night.state_of(instrument) is S.HELD
            steps = await night.top.sequence()
            assert steps is not None
            assert steps[1].status is StepStatus.IN_FLIGHT
            assert night.observed("ExposureStart") == night.observed("ExposureEnd")
            assert night.observed("ExposureAborted") == 0
            assert (night.observed("ObservePaused"), night.observed("ObserveResumed")) == (1, 0)

            assert (await night.top.unhold()).accepted

            final = await night.top.query_final(night.run_id, resume_on_error=True)
            assert isinstance(final, Completed), final
            assert night.observed("ObserveResumed") == 1

    asyncio.run(story())


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_a_held_exposure_step_when_stopped_then_the_run_is_cancelled_and_all_are_stopped(mode: ObsMode) -> None:
    async def story() -> None:
        async with exposing(mode) as night:
            await night.top.hold()
            await follow_to(night.top, S.HELD)
            assert (await night.top.stop_procedure()).accepted
            final = await night.top.query_final(night.run_id, resume_on_error=True)
            assert isinstance(final, Cancelled), final
            await follow_to(night.top, S.STOPPED)
            (instrument,) = [p for p in CATALOGUE[mode].sequencer_prefixes() if p.subsystem in ("IRIS", "WFOS")]
            await follow_to(night.sequencer(instrument), S.STOPPED)

    asyncio.run(story())


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_a_held_exposure_step_when_aborted_as_by_ctrl_c_then_the_run_is_cancelled(mode: ObsMode) -> None:
    async def story() -> None:
        async with exposing(mode) as night:
            await night.top.hold()
            await follow_to(night.top, S.HELD)
            await night.top.abort_sequence()
            final = await night.top.query_final(night.run_id, resume_on_error=True)
            assert isinstance(final, Cancelled), final
            await follow_to(night.top, S.ABORTED)

    asyncio.run(story())


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_an_exposure_when_esw_s_stop_comes_then_the_step_ends_by_itself_and_the_data_are_whole(
    mode: ObsMode,
) -> None:
    async def story() -> None:
        settings = ProcedureSettings(stop_grace_s=0.05, kill_after_s=20)
        async with exposing(mode, SHORT_MS, settings) as night:
            await night.top.stop()
            final = await night.top.query_final(night.run_id, resume_on_error=True)
            assert isinstance(final, Cancelled), final
            assert night.observed("ExposureEnd") == night.observed("ExposureStart")
            assert night.observed("ExposureAborted") == 0

    asyncio.run(story())


@pytest.mark.parametrize("mode", CATALOGUE)
def test_given_an_exposure_of_hours_when_stopped_then_it_is_read_out_after_the_grace(mode: ObsMode) -> None:
    async def story() -> None:
        settings = ProcedureSettings(stop_grace_s=0.2, kill_after_s=20)
        async with exposing(mode, HOURS_MS, settings) as night:
            await night.top.stop_procedure()
            final = await night.top.query_final(night.run_id, resume_on_error=True)
            assert isinstance(final, Cancelled), final
            await until(lambda: night.observed("DataWriteEnd") == night.observed("ExposureStart"))

    asyncio.run(story())


async def follow_to(sequencer: Sequencer, state: ProcedureState) -> None:
    async with asyncio.timeout(PATIENT.total_seconds()):
        seen = await sequencer.procedure_state()
        while seen.state is not state:
            seen = await sequencer.watch_procedure(seen.number, 1)
