"""The resources of observing modes on a real Ray: never two holders, nothing held by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray
from ray.util.placement_group import placement_group, placement_group_table

from ocs_ray.actors.placement import RayReservations
from ocs_ray.errors import ClusterError
from ocs_ray.models.actor_names import NAMESPACE
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Subsystem

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("empty_ray")]

IRIS, TCS, WFOS = Subsystem.IRIS, Subsystem.TCS, Subsystem.WFOS
A, B, C = ObsMode("A"), ObsMode("B"), ObsMode("C")
ROUNDS = 25


@pytest.fixture
def managers() -> Iterator[tuple[Any, Any]]:
    """Two processes that reserve, as two Sequence Managers would."""

    class Manager:
        def __init__(self) -> None:
            self._reservations = RayReservations()

        async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> bool:
            return await self._reservations.reserve(mode, resources) is not None

        async def ask_and_never_look(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> None:
            """What a manager has done when it is killed in the midst of an attempt."""
            placement_group(
                [{f"resource:{each}": 1} for each in resources], name=f"obsmode:{mode}", lifetime="detached"
            )

    kind: Any = ray.remote(num_cpus=0)(Manager)
    both = kind.options(namespace=NAMESPACE).remote(), kind.options(namespace=NAMESPACE).remote()
    yield both
    for manager in both:
        ray.kill(manager)


def states() -> dict[str, str]:
    table: dict[str, dict[str, Any]] = placement_group_table()
    return {row["name"]: row["state"] for row in table.values() if row["state"] != "REMOVED"}


def test_given_two_modes_that_share_a_resource_when_both_reserve_then_the_second_gets_it_after_the_first() -> None:
    async def story() -> None:
        one, two = RayReservations(), RayReservations()
        assert await one.reserve(A, (IRIS, TCS))
        assert not await two.reserve(B, (TCS,))
        assert await two.reserve(C, (WFOS,))
        assert await two.held() == {A: (IRIS, TCS), C: (WFOS,)}
        await one.release(A)
        assert await two.reserve(B, (TCS,))
        assert await two.reserve(ObsMode("Nothing"), ())
        assert await one.held() == {B: (TCS,), C: (WFOS,), ObsMode("Nothing"): ()}
        await one.release(ObsMode("Nothing"))
        assert await two.held() == {B: (TCS,), C: (WFOS,)}

    asyncio.run(story())


def test_given_a_mode_that_holds_resources_when_reserved_again_then_it_is_refused_and_goes_on_holding() -> None:
    async def story() -> None:
        one, two = RayReservations(), RayReservations()
        assert await one.reserve(A, (IRIS,))
        assert not await one.reserve(A, (IRIS,))
        assert not await two.reserve(A, (WFOS,)), "its file may say something else by now"
        assert await two.held() == {A: (IRIS,)}

    asyncio.run(story())


def test_given_a_mode_released_and_reserved_anew_when_the_first_lets_go_of_its_own_then_the_new_one_stays() -> None:
    async def story() -> None:
        one, two = RayReservations(), RayReservations()
        first = await one.reserve(A, (IRIS,))
        assert first is not None
        assert await one.holds(A, first)
        await two.release(A)
        assert not await one.holds(A, first)
        second = await two.reserve(A, (IRIS,))
        assert second is not None
        await one.release(A, first)
        assert (await two.holds(A, second), await one.holds(A, first)) == (True, False)

    asyncio.run(story())


def test_given_a_mode_one_of_whose_resources_is_taken_when_refused_then_it_holds_none_of_the_others() -> None:
    async def story() -> None:
        reservations = RayReservations()
        assert await reservations.reserve(A, (TCS,))
        assert not await reservations.reserve(B, (IRIS, TCS, WFOS))
        assert await reservations.reserve(C, (IRIS, WFOS))

    asyncio.run(story())


def test_given_resources_somebody_else_took_when_reserved_then_it_is_refused_and_nothing_stays(
    managers: tuple[Any, Any],
) -> None:
    group = placement_group([{"resource:TCS": 1}], name="of nobody we know")
    ray.get(group.ready(), timeout=20)

    async def story() -> None:
        assert not await RayReservations().reserve(A, (IRIS, TCS))

    asyncio.run(story())
    assert states() == {"of nobody we know": "CREATED"}
    ray.util.remove_placement_group(group)


def test_given_nothing_held_when_released_then_that_is_no_error() -> None:
    asyncio.run(RayReservations().release(A))


def test_given_a_resource_no_node_offers_when_reserved_then_the_error_names_it() -> None:
    assert RayReservations().offered() == {IRIS, TCS, WFOS}
    with pytest.raises(ClusterError, match="no node of the cluster offers resource:MODHIS, which A needs"):
        asyncio.run(RayReservations().reserve(A, (Subsystem.MODHIS,)))


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        ((A, (IRIS, TCS)), (B, (TCS, WFOS))),
        ((A, (IRIS, TCS, WFOS)), (B, (WFOS, TCS, IRIS))),
        ((A, (IRIS,)), (A, (IRIS,))),
        ((A, (IRIS,)), (A, (TCS,))),
        ((A, ()), (A, ())),
    ],
    ids=[
        "one in common",
        "all, in the other order",
        "the same mode",
        "the same mode after an edit",
        "the same mode, which needs nothing",
    ],
)
def test_given_two_managers_when_they_reserve_what_excludes_each_other_then_exactly_one_succeeds_every_time(
    managers: tuple[Any, Any], mine: tuple[Any, Any], yours: tuple[Any, Any]
) -> None:
    one, two = managers
    for _ in range(ROUNDS):  # each right after the release of the round before, when Ray's view of what is free is old
        got = ray.get([one.reserve.remote(*mine), two.reserve.remote(*yours)], timeout=30)
        assert sorted(got) == [False, True]
        winner, resources = mine if got[0] else yours
        assert asyncio.run(RayReservations().held()) == {winner: resources}
        asyncio.run(RayReservations().release(winner))


def test_given_a_manager_killed_in_the_midst_of_an_attempt_when_somebody_looks_then_its_group_goes_and_holds_nothing(
    managers: tuple[Any, Any], eventually: Callable[[Any], None]
) -> None:
    one, _ = managers
    reservations = RayReservations()
    assert asyncio.run(reservations.reserve(A, (IRIS,)))
    ray.get(one.ask_and_never_look.remote(B, (IRIS, TCS)), timeout=20)
    ray.kill(one)
    assert states() == {"obsmode:A": "CREATED", "obsmode:B": "PENDING"}

    async def gone() -> bool:
        assert await reservations.held() == {A: (IRIS,)}
        return "obsmode:B" not in states()

    eventually(gone)
    assert states() == {"obsmode:A": "CREATED"}


def test_given_a_mode_whose_manager_was_killed_in_an_attempt_when_reserved_by_another_then_it_succeeds(
    managers: tuple[Any, Any],
) -> None:
    one, two = managers
    assert ray.get(two.reserve.remote(A, (IRIS,)), timeout=20)
    ray.get(one.ask_and_never_look.remote(B, (IRIS, TCS)), timeout=20)
    ray.kill(one)
    assert ray.get(two.reserve.remote(B, (TCS,)), timeout=20), "its file does not name IRIS any more"
    assert asyncio.run(RayReservations().held()) == {A: (IRIS,), B: (TCS,)}
