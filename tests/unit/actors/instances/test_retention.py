"""What expires is dropped whatever else happens, and nothing is forgotten whose files are still somewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ocs_ray.actors import instance_host_shell
from ocs_ray.models.actor_names import instance_host
from ocs_ray.packages.instance_channels import expire_channels
from ocs_ray.testing.waiting import until

from .conftest import MACHINE, Platform

Story = Callable[..., None]
HOST = instance_host(MACHINE)
SOON = {"retention_s": 0.3}


def segments(on: Platform) -> list[Path]:
    return list(on.data.glob("instances/*/*/*/*.segment"))


def test_given_instances_that_are_forgotten_while_others_expire_then_expiry_goes_on(
    run_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(run: Path, instance: str) -> None:
        begun.set()
        assert go_on.wait(10)
        expire_channels(run, instance)

    async def story(on: Platform) -> None:  # case 23
        monkeypatch.setattr(instance_host_shell, "expire_channels", slowly)
        name = await on.send(observatory=SOON)
        ended = [await on.packages.start(name, [7, 1]) for _ in range(3)]
        last = max([(await each.wait(5)).expires_unix_s or 0 for each in ended])
        on.lose(HOST)  # so that all three are due at once
        begun.clear()
        await until(lambda: time.time() > last)
        await on.room.host(MACHINE)
        await until(begun.is_set)
        assert len(await on.packages.collect()) == 3
        go_on.set()
        later = await on.packages.start(name, [7, 1])
        await later.wait(5)
        await until(lambda: not segments(on))

    run_story(story)


def test_given_a_folder_that_cannot_be_dropped_when_others_expire_then_they_do(
    run_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[str] = []

    def breaking(run: Path, instance: str) -> None:
        if not broken:
            broken.append(instance)
            raise OSError(5, "Input/output error")
        expire_channels(run, instance)

    async def story(on: Platform) -> None:  # case 23
        monkeypatch.setattr(instance_host_shell, "expire_channels", breaking)
        name = await on.send(observatory=SOON)
        first = await on.packages.start(name, [7, 1])
        await first.wait(5)
        await until(lambda: bool(broken))
        second = await on.packages.start(name, [7, 1])
        await second.wait(5)
        await until(lambda: {path.parts[-4] for path in segments(on)} == {first.id})

    run_story(story)


def test_given_a_machine_that_is_away_when_collected_then_its_instances_are_remembered_until_it_answers(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 23
        ended = await on.packages.start(await on.send(observatory=SOON), [7, 1])
        expires = (await ended.wait(5)).expires_unix_s or 0
        on.room.away = True
        on.lose(HOST)
        await until(lambda: time.time() > expires)
        assert await on.packages.collect() == ()
        assert [each.id for each in await on.packages.instances(all=True)] == [ended.id]
        on.room.away = False
        assert [each.id for each in await on.packages.collect()] == [ended.id]
        assert await on.packages.instances(all=True) == ()
        assert not list((on.data / "instances").iterdir())

    run_story(story)
