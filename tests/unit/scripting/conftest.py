"""A stage for scripts: no Ray, no threads, and a clock that jumps to the next thing that is due."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from ocs_ray.models.events import SystemEvent
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting import ScriptContext
from ocs_ray.scripting.running_script import RunningScript
from ocs_ray.scripting.script_entry import Script, script
from ocs_ray.scripting.time_scale import TimeScale
from ocs_ray.testing.local_observatory import LocalObservatory

T = TypeVar("T")


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while nothing can be done, and then at once."""

    def __init__(self) -> None:
        self._virtual_s = 0.0
        super().__init__()

    def time(self) -> float:
        return self._virtual_s

    def _run_once(self) -> None:
        due: list[Any] = self._scheduled
        while due and due[0]._cancelled:
            heapq.heappop(due)._scheduled = False
            self._timer_cancelled_count -= 1
        if due and not self._ready:
            self._virtual_s = max(self._virtual_s, due[0]._when)
        super()._run_once()


class Stage:
    """A script's surroundings; ``errors`` is what reached ``on_global_error``."""

    def __init__(self) -> None:
        self.observatory = LocalObservatory()
        self.ctx = ScriptContext(
            Prefix("IRIS.IRIS_ImagerOnly"), ObsMode("IRIS_ImagerOnly"), self.observatory, TimeScale()
        )
        self.errors: list[str] = []
        self._running: RunningScript | None = None

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def start(self, body: Callable[[ScriptContext], Any] | Script) -> RunningScript:
        self._running = await (body if isinstance(body, Script) else script(body)).start(self.ctx)

        @self.ctx.on_global_error
        async def keep(failure: Exception) -> None:
            self.errors.append(str(failure))

        return self._running

    async def publish(self, name: str, *params: Any, source: str = "TCS.test") -> None:
        await self.observatory.events(source).publish_system_event(name, *params)

    @property
    def published(self) -> list[SystemEvent]:
        return [event for event in self.observatory.published if isinstance(event, SystemEvent)]

    async def close(self) -> None:
        await (self._running.close() if self._running is not None else self.ctx.life.close())
        await self.observatory.close()


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


@pytest.fixture
def play() -> Callable[[Callable[[Stage], Awaitable[Any]]], Any]:
    """Run a story on a stage, within an hour of its time; no task may be left when it has ended."""

    def run(story: Callable[[Stage], Awaitable[T]]) -> T:
        async def whole() -> T:
            stage = Stage()
            try:
                async with asyncio.timeout(3600):
                    return await story(stage)
            finally:
                await stage.close()
                left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
                assert not left, left

        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(whole())

    return run
