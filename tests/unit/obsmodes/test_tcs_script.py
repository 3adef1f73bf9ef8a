"""The TCS script of all IRIS modes. Source: reference observing_scripts.md, "TCS script"."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.coordinates import EqCoord
from ocs_ray.models.keys import Parameter, choice_key, coord_key, double_key, eq_coord_key, string_key
from ocs_ray.models.responses import Completed, Error, SubmitResponse
from ocs_ray.models.units import Units
from ocs_ray.testing.fake_component import FakeComponent
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

OBSMODES = Path(__file__).parents[3] / "obsmodes"
MODES = ["IRIS_ImagerOnly", "IRIS_IFSOnly", "IRIS_ImagerAndIFS"]
KERNEL = "TCS.PointingKernelAssembly"
OBS_ID = "2027A-014-003"
TARGET = EqCoord.of(ra_degrees=187.7, dec_degrees=60.0)
ARCSEC = 1 / 3600
SLEW, OFFSET = 0.5, 0.1  # tolerances in arcseconds


def setup(name: str, *params: Parameter[Any], obs_id: str | None = OBS_ID) -> Setup:
    return Setup("ESW.test", name, obs_id, *params)


def to_offset(p: float, q: float) -> Setup:
    return setup("setupObservation", double_key("p", Units.arcsec).set(p), double_key("q", Units.arcsec).set(q))


PRESET = setup("preset", coord_key("baseCoords").set(TARGET))


class Tcs(LocalObservatory):
    """The TCS sequencer of a mode; the test says where mount and enclosure are."""

    def __init__(self, mode: str = "IRIS_ImagerOnly", **answers: Any) -> None:
        super().__init__()
        self.prefix = f"TCS.{mode}"
        self.put(f"{KERNEL}-Assembly", FakeComponent(answers).ask)

    async def load(self) -> None:
        await self.start_sequencer(self.prefix, OBSMODES / self.prefix.removeprefix("TCS.") / "tcs.py", OBSMODES)

    async def run(self, command: Setup) -> SubmitResponse:
        return await self.sequencer(self.prefix).submit_and_wait(Sequence.of(command), resume_on_error=True)

    async def mount(self, *, ra_error: float = 0.0, dec_error: float = 0.0) -> None:
        """Errors in arcseconds."""
        current = EqCoord.of(ra_degrees=187.7 + ra_error * ARCSEC, dec_degrees=60.0 + dec_error * ARCSEC)
        params = eq_coord_key("currentPos").set(current), eq_coord_key("demandPos").set(TARGET)
        await self.events("TCS.MCSAssembly").publish_system_event("MountPosition", *params)

    async def enclosure(self, *, base_error: float = 0.0, cap_error: float = 0.0) -> None:
        """Errors in arcseconds."""
        values = {
            "baseCurrent": 30 + base_error * ARCSEC,
            "baseDemand": 30.0,
            "capCurrent": 40 - cap_error * ARCSEC,
            "capDemand": 40.0,
        }
        params = [double_key(name, Units.degree).set(value) for name, value in values.items()]
        await self.events("TCS.ENCAssembly").publish_system_event("CurrentPosition", *params)

    @property
    def told(self) -> list[str]:
        lines = self.story(events_of=self.prefix)
        return [line.removeprefix("ObserveEvent.") for line in lines if not line.startswith(self.prefix)]


async def ends(tcs: Tcs, command: Setup, *, within_s: float = 0.05) -> bool:
    """Whether the command completes with mount and enclosure as they are."""
    await tcs.load()
    started = await tcs.sequencer(tcs.prefix).submit(Sequence.of(command))
    await until(lambda: len(tcs.told) > 0 and tcs.told[-1].endswith(("SlewToTarget", "SetOffset", "OffsetEnd")))
    try:
        async with asyncio.timeout(within_s):
            return isinstance(await tcs.sequencer(tcs.prefix).query_final(started.run_id), Completed)
    except TimeoutError:
        return False


@pytest.mark.parametrize("mode", MODES)
def test_given_preset_when_all_is_on_target_then_the_kernel_slewed_to_the_base_coordinates(mode: str) -> None:
    async def scenario() -> None:
        async with Tcs(mode) as tcs:
            await tcs.mount()
            await tcs.enclosure()
            await tcs.load()
            assert isinstance(await tcs.run(PRESET), Completed)
            slew = Setup(tcs.prefix, "SlewToTarget", OBS_ID, coord_key("base").set(TARGET))
            assert tcs.commands_to(KERNEL) == [slew]
            assert tcs.told == [f"{KERNEL} <- SlewToTarget"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("mount", "enclosure", "on_target"),
    [
        ({}, {}, True),
        ({"dec_error": SLEW * 0.9}, {"base_error": SLEW * 0.9, "cap_error": SLEW * 0.9}, True),
        ({"dec_error": SLEW * 1.1}, {}, False),
        ({"ra_error": SLEW * 2.2}, {}, False),
        ({"ra_error": SLEW * 1.8}, {}, True),  # at 60 degrees of declination it is half of that on the sky
        ({}, {"base_error": SLEW * 1.1}, False),
        ({}, {"cap_error": SLEW * 1.1}, False),
    ],
)
def test_given_preset_then_it_ends_when_mount_base_and_cap_are_all_within_the_slew_tolerance(
    mount: dict[str, float], enclosure: dict[str, float], on_target: bool
) -> None:
    async def scenario() -> None:
        async with Tcs() as tcs:
            await tcs.mount(**mount)
            await tcs.enclosure(**enclosure)
            assert await ends(tcs, PRESET, within_s=5.0 if on_target else 0.05) is on_target

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [OFFSET * 0.9, OFFSET * 1.1])
def test_given_setup_observation_then_it_ends_when_the_mount_is_within_the_offset_tolerance(error: float) -> None:
    async def scenario() -> None:
        async with Tcs() as tcs:
            await tcs.mount(dec_error=error)
            on_target = error < OFFSET
            assert await ends(tcs, to_offset(0.0, 0.0), within_s=5.0 if on_target else 0.05) is on_target

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("p", "q", "announced"),
    [(20.0, 10.0, True), (1.0, -1.0, True), (-1.0, 1.0, True), (0.0, 0.0, False), (-20.0, -10.0, False)],
)
def test_given_setup_observation_then_the_offset_is_set_and_announced_when_p_or_q_is_positive(
    p: float, q: float, announced: bool
) -> None:
    async def scenario() -> Tcs:
        async with Tcs() as tcs:
            await tcs.mount()
            await tcs.load()
            assert isinstance(await tcs.run(to_offset(p, q)), Completed)
            return tcs

    tcs = asyncio.run(scenario())
    keys = double_key("Xcoordinate", Units.arcsec), double_key("Ycoordinate", Units.arcsec)
    params = keys[0].set(p), keys[1].set(q), choice_key("Refframe").set("ICRS")
    assert tcs.commands_to(KERNEL) == [Setup(tcs.prefix, "SetOffset", OBS_ID, *params)]
    sent = f"{KERNEL} <- SetOffset"
    assert tcs.told == (["OffsetStart", sent, "OffsetEnd"] if announced else [sent])
    if announced:
        start, end = (event for event in tcs.published if event.source == tcs.prefix)
        assert (start[double_key("p")].head(), start[double_key("q")].head()) == (p, q)
        assert start[choice_key("coordinateSystem")].head() == "RADEC"
        assert start[string_key("obsId")].head() == end[string_key("obsId")].head() == OBS_ID


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (setup("preset"), f"Param of baseCoords not found for {KERNEL}"),
        (to_offset(1.0, 2.0).remove(double_key("p")), f"Param of p not found for {KERNEL}"),
        (to_offset(1.0, 2.0).remove(double_key("q")), f"Param of q not found for {KERNEL}"),
        (setup("preset", *PRESET.param_set, obs_id=None), "obsId not found in command preset"),
        (setup("setupObservation", obs_id=None), "obsId not found in command setupObservation"),
    ],
)
def test_given_a_command_without_what_it_needs_then_the_error_says_what_and_the_telescope_stays(
    command: Setup, message: str
) -> None:
    async def scenario() -> None:
        async with Tcs() as tcs:
            await tcs.load()
            response = await tcs.run(command)
            assert isinstance(response, Error)
            assert message in response.message
            assert tcs.told == []

    asyncio.run(scenario())


def test_given_a_kernel_that_fails_then_the_step_fails_with_its_words() -> None:
    async def scenario() -> None:
        async with Tcs(SlewToTarget=Error(run_id="1", message="below the horizon")) as tcs:
            await tcs.load()
            assert "below the horizon" in (await tcs.run(PRESET)).reason

    asyncio.run(scenario())
