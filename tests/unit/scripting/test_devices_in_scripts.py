"""Locks, current states and modes of devices, against the shell of a real one. Source: esw_sequencer.md 2.7."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocs_ray.errors import BadInputError, CommandError, UnreachableError
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.keys import int_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.times import UTCTime
from ocs_ray.scripting import (
    AcquiringLockFailed,
    Assembly,
    Completed,
    CurrentState,
    Error,
    LockAcquired,
    LockAlreadyReleased,
    Locked,
    LockReleased,
    ReleasingLockFailed,
    Setup,
    SubmitResponse,
)
from ocs_ray.scripting.component_handlers import ComponentHandlers
from ocs_ray.testing.fake_component import FakeComponent

N = int_key("n")
WHEEL = "IRIS.imager.filter"
START = UTCTime("2027-01-01T00:00:00Z")
LEASE = timedelta(seconds=10)
made: list[Wheel] = []


class Wheel(ComponentHandlers):
    async def initialize(self) -> None:
        self.told: list[Any] = []
        made.append(self)

    async def on_submit(self, command: ControlCommand, run_id: str) -> SubmitResponse:
        return Completed(run_id)

    async def on_go_online(self) -> None:
        self.told.append(("online", self.ctx.is_online))

    async def on_go_offline(self) -> None:
        self.told.append(("offline", self.ctx.is_online))

    async def on_diagnostic_mode(self, start_time: UTCTime, hint: str) -> None:
        self.told.append((start_time, hint))
        raise ValueError("no such data")

    async def on_operations_mode(self) -> None:
        self.told.append("operations")


async def wheel_of(stage: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Wheel, Assembly]:
    monkeypatch.setattr("ocs_ray.actors.component_shell._factory", lambda spec: Wheel)
    await stage.observatory.start_devices([DeviceSpec.model_validate({"prefix": WHEEL, "factory": "test:Wheel"})])
    return made[-1], stage.ctx.assembly(WHEEL)


def as_other(stage: Any) -> Assembly:
    return Assembly(WHEEL, port=stage.observatory, source=Prefix("TCS.other"))


def test_given_a_lock_then_only_its_holder_s_commands_are_taken_until_it_is_released(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        _, wheel = await wheel_of(stage, monkeypatch)
        mine, theirs = Setup(stage.ctx.prefix, "move"), Setup("TCS.other", "move")
        assert isinstance(await wheel.lock(LEASE), LockAcquired)
        assert isinstance(await wheel.lock(LEASE), LockAcquired)  # anew
        assert isinstance(await as_other(stage).lock(LEASE), AcquiringLockFailed)
        assert isinstance(await as_other(stage).unlock(), ReleasingLockFailed)
        assert isinstance(await wheel.submit(mine), Completed)
        for answer in (
            await wheel.submit(theirs, resume_on_error=True),
            await wheel.oneway(theirs),
            await wheel.validate(theirs),
        ):
            assert isinstance(answer, Locked)
        with pytest.raises(CommandError, match="answered Locked"):
            await wheel.submit_and_wait(theirs)
        assert await wheel.unlock() == LockReleased()
        assert await wheel.unlock() == LockAlreadyReleased()
        assert isinstance(await wheel.submit(theirs), Completed)

    play(story)


def test_given_a_lock_when_nine_tenths_have_passed_then_the_holder_is_told_and_again_at_the_end(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        _, wheel = await wheel_of(stage, monkeypatch)
        told: list[str] = []

        async def soon() -> None:
            told.append(f"soon at {stage.now:g}")

        async def over() -> None:
            told.append(f"over at {stage.now:g}")

        await wheel.lock(timedelta(seconds=40), soon, over)
        await asyncio.sleep(60)
        assert told == ["soon at 36", "over at 40"]
        assert isinstance(await wheel.submit(Setup("TCS.other", "move")), Completed)

    play(story)


def test_given_a_lock_when_what_is_called_before_its_end_fails_then_the_end_is_told_all_the_same(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        _, wheel = await wheel_of(stage, monkeypatch)
        told: list[float] = []

        async def soon() -> None:
            raise ValueError("cannot renew")

        async def over() -> None:
            told.append(stage.now)

        await wheel.lock(timedelta(seconds=40), soon, over)
        await asyncio.sleep(60)
        assert (told, stage.errors) == ([40.0], ["cannot renew"])

    play(story)


def test_given_a_lock_that_is_renewed_or_released_then_nobody_is_told_that_the_old_one_expired(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        _, wheel = await wheel_of(stage, monkeypatch)
        told: list[str] = []

        async def over() -> None:
            told.append("over")

        await wheel.lock(LEASE, None, over)
        await asyncio.sleep(5)
        await wheel.lock(LEASE, over)
        await asyncio.sleep(6)
        await wheel.unlock()
        await asyncio.sleep(30)
        assert told == []

    play(story)


def test_given_a_callback_of_a_lock_that_fails_then_the_script_is_told(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        _, wheel = await wheel_of(stage, monkeypatch)

        async def fail() -> None:
            raise ValueError("cannot give it back")

        await wheel.lock(LEASE, fail)
        await asyncio.sleep(20)
        assert stage.errors == ["cannot give it back"]

    play(story)


def test_given_nobody_s_name_then_nothing_can_be_locked(play: Any) -> None:
    async def story(stage: Any) -> None:
        with pytest.raises(BadInputError, match="nobody's name is known"):
            await Assembly(WHEEL, port=stage.observatory).lock(LEASE)

    play(story)


def test_given_current_states_then_the_latest_comes_first_only_those_named_one_at_a_time_until_cancelled(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        device, wheel = await wheel_of(stage, monkeypatch)
        for n in (1, 2):
            device.ctx.publish_current_state("position", N.set(n))
        device.ctx.publish_current_state("temperature", N.set(99))
        seen: list[int] = []

        @wheel.subscribe_current_state("position")
        async def moved(state: CurrentState) -> None:
            await asyncio.sleep(0.1)
            seen.append(state[N].head())
            if state[N].head() == 4:
                raise ValueError("four")

        await asyncio.sleep(25)  # longer than one pull
        for n in (3, 4, 5):
            device.ctx.publish_current_state("position", N.set(n))
        device.ctx.publish_current_state("temperature", N.set(98))
        await asyncio.sleep(1)
        assert (seen, stage.errors) == ([2, 3, 4, 5], ["four"])
        moved.cancel()
        device.ctx.publish_current_state("position", N.set(6))
        await asyncio.sleep(20)
        assert seen == [2, 3, 4, 5]

    play(story)


def test_given_a_device_that_is_away_for_a_while_then_its_states_come_again_and_the_script_is_told_once(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        await stage.start(lambda ctx: None)
        seen: list[int] = []

        @stage.ctx.assembly(WHEEL).subscribe_current_state()
        async def moved(state: CurrentState) -> None:
            seen.append(state[N].head())

        await asyncio.sleep(5)
        device, _ = await wheel_of(stage, monkeypatch)
        device.ctx.publish_current_state("position", N.set(1))
        await asyncio.sleep(5)
        assert (seen, len(stage.errors)) == ([1], 1)

    play(story)


def test_given_online_and_offline_then_the_handler_runs_for_a_change_only_and_modes_are_handed_on(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Any) -> None:
        device, wheel = await wheel_of(stage, monkeypatch)
        await wheel.go_online()
        await wheel.go_offline()
        await wheel.go_offline()
        await wheel.go_online()
        await wheel.diagnostic_mode(START, "engineering")  # its failure stays with the device, as in CSW
        await wheel.operations_mode()
        await asyncio.sleep(1)
        assert device.told == [("offline", False), ("online", True), (START, "engineering"), "operations"]

    play(story)


def test_given_a_device_that_does_not_run_then_its_entity_can_be_made_and_a_command_fails_clearly(play: Any) -> None:
    async def story(stage: Any) -> None:
        wheel = stage.ctx.hcd("IRIS.none")
        with pytest.raises(UnreachableError, match=r"IRIS\.none-HCD is not registered"):
            await wheel.submit(Setup("ESW.test", "move"))

    play(story)


def test_67_given_a_device_that_fails_when_submitted_to_then_it_is_raised_and_with_resume_on_error_returned(
    play: Any,
) -> None:
    async def story(stage: Any) -> None:
        stage.observatory.put(f"{WHEEL}-Assembly", FakeComponent({"move": Error("1", "stuck")}).ask)
        wheel, move = stage.ctx.assembly(WHEEL), Setup("ESW.test", "move")
        for submit in (wheel.submit, wheel.submit_and_wait):
            with pytest.raises(CommandError, match="stuck") as raised:
                await submit(move)
            assert raised.value.outcome == "Error"
            assert await submit(move, resume_on_error=True) == Error("1", "stuck")

    play(story)
