"""Finding and following components from a script. Source: reference esw_sequencer.md 2.9, Location."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import ClusterError
from ocs_ray.scripting import ComponentType, LocationRemoved, LocationUpdated, Subsystem
from ocs_ray.testing.fake_component import FakeComponent

WHEEL = "IRIS.wheel"
NAME = "IRIS.wheel-Assembly"


def test_given_components_when_looked_for_then_those_that_run_are_found(play: Any) -> None:
    async def story(stage: Any) -> None:
        location = stage.ctx.location
        assert await location.find(WHEEL, ComponentType.Assembly) is None
        stage.observatory.put(NAME, FakeComponent().ask)
        found = await location.find(WHEEL, ComponentType.Assembly)
        assert found is not None
        assert found.connection.prefix == WHEEL
        assert await location.list(ComponentType.Assembly, Subsystem.IRIS) == (found,)
        assert found in await location.list(prefix_start="IRIS")

    play(story)


def test_given_a_component_that_is_not_there_when_resolved_then_it_is_waited_for_and_not_longer(play: Any) -> None:
    async def story(stage: Any) -> None:
        begun = stage.now
        assert await stage.ctx.location.resolve(WHEEL, ComponentType.Assembly, timedelta(seconds=2)) is None
        assert stage.now - begun == pytest.approx(2)
        asyncio.get_running_loop().call_later(3, stage.observatory.put, NAME, FakeComponent().ask)
        assert await stage.ctx.location.resolve(WHEEL, ComponentType.Assembly) is not None
        assert 3 <= stage.now - begun - 2 <= 3.25

    play(story)


def test_given_a_follower_when_a_component_comes_goes_and_comes_back_then_each_is_told_until_cancelled(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        seen: list[type] = []
        stage.observatory.put(NAME, FakeComponent().ask)

        @stage.ctx.on_location_change(WHEEL, ComponentType.Assembly)
        async def changed(event: LocationUpdated | LocationRemoved) -> None:
            seen.append(type(event))

        await asyncio.sleep(0.1)
        assert seen == [LocationUpdated]
        stage.observatory.remove(NAME)
        await asyncio.sleep(1)
        assert seen == [LocationUpdated, LocationRemoved]
        stage.observatory.put(NAME, FakeComponent().ask)
        await asyncio.sleep(1)
        assert seen == [LocationUpdated, LocationRemoved, LocationUpdated]
        changed.cancel()
        await changed.join()
        stage.observatory.remove(NAME)
        await asyncio.sleep(1)
        assert len(seen) == 3

    play(story)


def test_given_a_callback_that_fails_or_a_table_out_of_reach_then_the_script_is_told_once_and_following_goes_on(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        async def fill(_: Any) -> None:
            return None

        await stage.start(fill)

        @stage.ctx.on_location_change(WHEEL, ComponentType.Assembly)
        async def changed(event: LocationUpdated | LocationRemoved) -> None:
            raise ValueError(type(event).__name__)

        def out_of_reach() -> list[str]:
            raise ClusterError(problem="no table", remedy="")

        with monkeypatch.context() as broken:
            broken.setattr(stage.observatory, "names", out_of_reach)
            await asyncio.sleep(2)
        assert stage.errors == ["no table"]
        stage.observatory.put(NAME, FakeComponent().ask)
        await asyncio.sleep(1)
        stage.observatory.remove(NAME)
        await asyncio.sleep(1)
        assert stage.errors == ["no table", "LocationUpdated", "LocationRemoved"]

    play(story)
