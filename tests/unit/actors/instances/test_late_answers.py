"""Machines that are slow, away, or back after they were given up: what lives stays alive, what is over ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

from ocs_ray.actors import instance_watch
from ocs_ray.errors import LostReplyError, RefusedError
from ocs_ray.models.actor_names import PACKAGE_SERVICE, instance_host
from ocs_ray.models.instance_messages import GetRunsHere
from ocs_ray.models.instance_records import InstanceStatus
from ocs_ray.testing.waiting import until

from .conftest import MACHINE, Platform

Story = Callable[..., None]
HOST = instance_host(MACHINE)
TICKING = "import time\n\ndef run():\n    while True:\n        yield 1\n        time.sleep(0.01)\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_watch, "WATCH_S", 0.05)
    monkeypatch.setattr(instance_watch, "LOST_S", 0.5)


def lose_answers(on: Platform, kind: type, count: int) -> list[object]:
    """The next answers to a kind of question do not come; those questions."""
    lost: list[object] = []
    ask = on.ask

    async def lossy(name: str, message: object, timeout_s: float) -> Any:
        if isinstance(message, kind) and len(lost) < count:
            lost.append(message)
            raise LostReplyError(name=name, reason="did not answer within 15 s", remedy="")
        return await ask(name, message, timeout_s)

    on.ask = lossy
    return lost


def test_given_a_host_that_answers_late_when_the_service_is_back_then_its_instances_live_and_are_asked_for_again(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(TICKING))
        pid = (await instance.info()).process_id
        lost = lose_answers(on, GetRunsHere, 2)
        on.lose(PACKAGE_SERVICE)
        await on.start_service()
        assert not (await instance.info()).status.is_final
        await until(lambda: len(lost) == 2)
        await until(lambda: on.status_of(instance) is InstanceStatus.RUNNING)
        assert (await instance.kill()).status is InstanceStatus.COMPLETED
        assert not psutil.pid_exists(pid)

    run_story(story)


def test_given_a_machine_that_is_away_when_the_service_is_back_then_its_instances_have_the_grace(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(TICKING))
        on.lose(HOST)
        on.lose(PACKAGE_SERVICE)
        on.room.away = True
        await on.start_service()
        assert not on.status_of(instance).is_final
        on.room.away = False
        await until(lambda: HOST in on.shells)
        assert (await instance.kill()).status is InstanceStatus.COMPLETED

    run_story(story)


def test_given_a_machine_that_was_given_up_when_it_is_back_then_what_still_runs_there_is_ended(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # cases 14, 30
        instance = await on.packages.start(await on.send(TICKING))
        pid = (await instance.info()).process_id
        on.room.away = True
        on.lose(HOST)
        lost = await instance.wait(5)
        assert lost.terminated is not None
        assert (lost.status, lost.terminated.exit_code) == (InstanceStatus.ERRORED, 213)
        assert psutil.pid_exists(pid)
        on.room.away = False
        await until(lambda: not psutil.pid_exists(pid))
        assert (await instance.info()).status is InstanceStatus.ERRORED
        second = await on.packages.start("counter")  # the limit is one
        assert (await second.info()).status is InstanceStatus.RUNNING

    run_story(story, instances=1)


def test_given_a_run_that_was_given_up_and_restarted_when_its_machine_is_back_then_only_the_old_run_ends(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:  # case 30
        instance = await on.packages.start(await on.send(TICKING))
        old = (await instance.info()).process_id
        on.room.away = True
        on.lose(HOST)
        await instance.wait(5)
        with pytest.raises(RefusedError, match="has ended"):
            await instance.kill()
        on.room.away = False
        new = (await instance.restart()).process_id
        await until(lambda: not psutil.pid_exists(old))
        assert psutil.pid_exists(new)
        record = await instance.info()
        assert (record.status, record.run) == (InstanceStatus.RUNNING, 2)

    run_story(story)
