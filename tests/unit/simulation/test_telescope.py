"""Pointing kernel, mount and enclosure. Source: reference observing_scripts.md "Simulated devices" and "TCS script"."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from ocs_ray.models.commands import Setup
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.coordinates import AnyCoord, EqCoord, SolarSystemCoord, SolarSystemObject
from ocs_ray.models.events import Event, EventKey
from ocs_ray.models.keys import Parameter, choice_key, coord_key, double_key, eq_coord_key
from ocs_ray.models.responses import Completed, Error, Invalid, IssueType, SubmitResponse
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

KERNEL, MOUNT, ENCLOSURE = "TCS.PointingKernelAssembly", "TCS.MCSAssembly", "TCS.ENCAssembly"
M87 = EqCoord.of(ra_degrees=187.7059, dec_degrees=12.3911)
CURRENT, DEMAND, POS = eq_coord_key("currentPos"), eq_coord_key("demandPos"), eq_coord_key("pos")
X, Y, FRAME = double_key("Xcoordinate"), double_key("Ycoordinate"), choice_key("Refframe")
FACTORIES = {
    MOUNT: "ocs_ray.simulation.mount:Mount",
    ENCLOSURE: "ocs_ray.simulation.enclosure:Enclosure",
    KERNEL: "ocs_ray.simulation.pointing_kernel:PointingKernel",
}


def slew(*params: Parameter[Any]) -> Setup:
    return Setup("TCS.test", "SlewToTarget", None, *params)


def to(target: AnyCoord) -> Parameter[AnyCoord]:
    return coord_key("base").set(target)


def offset(x: float, y: float, frame: str = "ICRS") -> Setup:
    return Setup("TCS.test", "SetOffset", None, X.set(x), Y.set(y), FRAME.set(frame))


class Dome(LocalObservatory):
    """A telescope."""

    async def send(self, *commands: Setup) -> list[SubmitResponse]:
        return [await self.assembly(KERNEL).submit_and_wait(c, resume_on_error=True) for c in commands]

    def positions(self, of: str, name: str) -> list[Event]:
        return [event for event in self.published if event.event_key == EventKey(of, name)]

    @property
    def mount_errors(self) -> list[float]:
        """Error in declination after each MountPosition, in arcseconds."""
        events = self.positions(MOUNT, "MountPosition")
        return [abs(e[CURRENT].head().dec - e[DEMAND].head().dec) / 1e6 for e in events]


def in_the_dome(
    scenario: Callable[[Dome], Awaitable[None]], *, without: str = "", time_factor: float = 0.001, **kernel: Any
) -> None:
    async def run() -> None:
        async with Dome(time_factor=time_factor) as dome:
            for prefix, factory in FACTORIES.items():
                if prefix != without:
                    options = kernel if prefix == KERNEL else {}
                    await dome.start_devices([DeviceSpec(prefix=prefix, factory=factory, options=options)])  # type: ignore[arg-type]
            await scenario(dome)

    asyncio.run(run())


def issue_of(response: SubmitResponse) -> IssueType:
    assert isinstance(response, Invalid), response
    return response.issue.type


def test_given_a_parked_mount_when_slewing_then_its_error_shrinks_exponentially_to_zero() -> None:
    async def scenario(dome: Dome) -> None:
        assert isinstance((await dome.send(slew(to(M87))))[0], Completed)
        await until(lambda: dome.positions(MOUNT, "MountPosition")[-1][CURRENT].head().dec == M87.dec)
        errors = [error for error in dome.mount_errors if error > 0]
        assert len(errors) > 10
        assert all(later == pytest.approx(earlier / 2, abs=1e-3) for earlier, later in pairwise(errors))
        assert dome.mount_errors[-1] == 0

    in_the_dome(scenario)


def test_given_a_slew_when_it_completes_then_the_latest_positions_belong_to_the_new_demand() -> None:
    async def scenario(dome: Dome) -> None:
        for dec in (10.0, -20.0, 35.0):
            target = EqCoord.of(ra_degrees=100.0, dec_degrees=dec)
            await dome.send(slew(to(target)))
            assert dome.positions(MOUNT, "MountPosition")[-1][DEMAND].head().dec == target.dec

    in_the_dome(scenario, time_factor=0.01)


def test_given_a_slew_then_base_and_cap_come_to_their_demand_in_degrees() -> None:
    keys = [double_key(name) for name in ("baseCurrent", "capCurrent", "baseDemand", "capDemand")]

    async def scenario(dome: Dome) -> None:
        await dome.send(slew(to(M87)))
        latest = lambda: [dome.positions(ENCLOSURE, "CurrentPosition")[-1][key].head() for key in keys]  # noqa: E731
        await until(lambda: latest()[:2] == latest()[2:])
        assert latest()[2] == pytest.approx(187.7059)

    in_the_dome(scenario)


def test_given_a_target_when_offset_then_the_mount_is_told_the_place_beside_it_and_again_from_the_target() -> None:
    async def scenario(dome: Dome) -> None:
        equator = EqCoord.of(ra_degrees=50.0, dec_degrees=0.0)
        responses = await dome.send(slew(to(equator)), offset(36.0, -18.0), offset(0.0, 3.6), offset(0.0, 0.0))
        assert [type(r) for r in responses] == [Completed] * 4
        demands = [e[POS].head() for e in dome.positions(KERNEL, "MountDemandPosition")]
        assert [(d.ra.degrees, d.dec.degrees) for d in demands] == [
            (50.0, 0.0),
            (50.01, -0.005),
            (50.0, 0.001),
            (50.0, 0.0),
        ]

    in_the_dome(scenario)


def test_given_no_target_when_offset_then_invalid_asks_for_a_slew() -> None:
    async def scenario(dome: Dome) -> None:
        (response,) = await dome.send(offset(1.0, 1.0))
        assert issue_of(response) is IssueType.WrongInternalStateIssue
        assert "SlewToTarget" in response.reason

    in_the_dome(scenario)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (slew(), IssueType.MissingKeyIssue),
        (slew(to(SolarSystemCoord.of(SolarSystemObject.Venus))), IssueType.WrongParameterTypeIssue),
        (Setup("TCS.test", "SetOffset", None, X.set(1.0), FRAME.set("ICRS")), IssueType.MissingKeyIssue),
        (offset(1.0, 1.0, "FK5"), IssueType.ParameterValueOutOfRangeIssue),
        (Setup("TCS.test", "Park"), IssueType.UnsupportedCommandIssue),
    ],
)
def test_given_a_pointing_kernel_when_a_command_does_not_fit_then_invalid_with_its_issue(
    command: Setup, expected: IssueType
) -> None:
    async def scenario(dome: Dome) -> None:
        *_, response = await dome.send(slew(to(M87)), command)
        assert issue_of(response) is expected

    in_the_dome(scenario)


@pytest.mark.parametrize(
    ("without", "silent"), [(MOUNT, "TCS.MCSAssembly.MountPosition"), (ENCLOSURE, "TCS.ENCAssembly")]
)
def test_given_a_mount_or_enclosure_that_does_not_run_when_slewing_then_the_error_names_it(
    without: str, silent: str
) -> None:
    async def scenario(dome: Dome) -> None:
        (response,) = await dome.send(slew(to(M87)))
        assert isinstance(response, Error)
        assert silent in response.message

    in_the_dome(scenario, without=without, take_up_s=0.3)


@pytest.mark.parametrize("follower", [MOUNT, ENCLOSURE])
def test_given_a_mount_or_enclosure_when_it_is_sent_a_command_then_invalid_because_it_takes_none(follower: str) -> None:
    async def scenario(dome: Dome) -> None:
        response = await dome.assembly(follower).submit(Setup("TCS.test", "Park"), resume_on_error=True)
        assert issue_of(response) is IssueType.UnsupportedCommandIssue

    in_the_dome(scenario)


def test_given_a_mount_that_started_late_when_it_subscribes_then_it_takes_up_the_latest_demand() -> None:
    async def scenario(dome: Dome) -> None:
        await dome.send(slew(to(M87)))  # nobody follows yet
        await dome.start_devices([DeviceSpec(prefix=MOUNT, factory=FACTORIES[MOUNT])])  # type: ignore[arg-type]
        await until(lambda: bool(dome.mount_errors) and dome.mount_errors[-1] == 0 and len(dome.mount_errors) > 3)
        assert dome.positions(MOUNT, "MountPosition")[-1][CURRENT].head().dec == M87.dec

    in_the_dome(scenario, without=MOUNT, take_up_s=0.1)
