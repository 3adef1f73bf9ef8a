"""A start that breaks in a way nobody foresaw: its record ends, its limit and its room are free again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import RaySystemError

from ocs_ray.actors import instance_room
from ocs_ray.actors.instance_room import RayRoom
from ocs_ray.errors import BadInputError, ClusterError, OcsError, RefusedError
from ocs_ray.models.instance_records import InstanceStatus

from .conftest import Platform

Story = Callable[..., None]
NODE = {"NodeManagerHostname": "here", "NodeID": "n1", "Alive": True}


def test_given_an_error_nobody_foresaw_when_placed_then_the_record_ends_and_the_limit_is_free(run_story: Story) -> None:
    async def story(on: Platform) -> None:  # case 14
        take = on.room.take

        async def broken(id_: str, resources: Mapping[str, float]) -> str:
            raise RuntimeError("the books of the cluster are wrong")

        on.room.take = broken
        name = await on.send(observatory={"resources": {"CPU": 1}})
        with pytest.raises(ClusterError, match="RuntimeError: the books of the cluster are wrong"):
            await on.packages.start(name)
        (record,) = await on.packages.instances()
        assert record.terminated is not None
        assert (record.status, record.terminated.exit_code) == (InstanceStatus.ERRORED, 20)
        assert "the books of the cluster are wrong" in record.terminated.reason
        with pytest.raises(RefusedError, match="has ended"):
            await on.instance(record.id).kill()
        on.room.take = take
        await (await on.packages.start(name, [7, 1])).wait(5)
        await on.packages.delete(name, force=True, deadline_s=0.2)

    run_story(story, instances=1)


@pytest.mark.parametrize(
    ("failure", "expected", "words"),
    [
        (ValueError("quantities must be whole"), BadInputError, "observatory.resources: Ray refuses them: quantities"),
        (RaySystemError("bundle is reserved"), ClusterError, "RaySystemError: System error: bundle is reserved"),
    ],
)
def test_given_resources_ray_refuses_when_taken_then_the_error_is_typed(
    failure: Exception, expected: type[OcsError], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(instance_room, "placement_group", refuse)
    with pytest.raises(expected, match=words):
        asyncio.run(RayRoom(tmp_path).take("one/1", {"X": 1}))


def test_given_a_package_kept_from_before_with_a_nameless_resource_when_taken_then_ray_is_not_asked(
    tmp_path: Path,
) -> None:
    with pytest.raises(BadInputError, match="a resource has no name"):
        asyncio.run(RayRoom(tmp_path).take("one/1", {"": 1}))


def test_given_a_node_that_goes_while_it_is_chosen_when_taken_then_its_room_is_given_back_and_another_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    groups: list[str] = []
    removed: list[object] = []
    key = "ab" * 18

    def group(*_: Any, **__: Any) -> str:
        groups.append(f"g{len(groups)}")
        return groups[-1]

    def table(group: str | None = None) -> dict[str, Any]:
        if group is None:
            return {key: {"name": "instance:one/1", "state": "CREATED"}}
        node = "gone" if len(groups) == 1 else "n1"
        return {"state": "CREATED", "bundles_to_node_id": {0: node}, "stats": {"scheduling_state": ""}}

    monkeypatch.setattr(instance_room, "placement_group", group)
    monkeypatch.setattr(instance_room, "placement_group_table", table)
    monkeypatch.setattr(instance_room, "remove_placement_group", removed.append)
    monkeypatch.setattr(instance_room.ray, "nodes", lambda: [NODE])
    assert asyncio.run(RayRoom(tmp_path).take("one/1", {"CPU": 1})) == "here"
    assert (len(groups), len(removed)) == (2, 1)
