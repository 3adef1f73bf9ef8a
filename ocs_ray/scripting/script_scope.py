"""What is common to a script, and to the top level and the states of an FSM script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final, ParamSpec, TypeVar

from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.scripting.background import Background, Cancellable
from ocs_ray.scripting.control import loop
from ocs_ray.scripting.handlers import Handlers
from ocs_ray.scripting.script_life import ScriptLife
from ocs_ray.scripting.time_service import seconds_until
from ocs_ray.scripting.timers import Task, call_once, call_periodically

P = ParamSpec("P")
T = TypeVar("T")
Timer = Callable[[Task], Cancellable]

AT_ONCE: Final = timedelta()


class ScriptScope:
    """Who the script is, its clock, and its work in the background.

    Everything of one script runs on one thread and one loop, so plain Python variables need no lock.

    Args:
        life: what all parts of the script share.
        background: keeps the work that is started here.
    """

    def __init__(self, life: ScriptLife, background: Background) -> None:
        self.life = life
        self.handlers = Handlers()
        self.log = life.log
        self._background = background

    @property
    def prefix(self) -> Prefix:
        """The sequencer's own prefix, ``IRIS.IRIS_ImagerOnly``."""
        return self.life.prefix

    @property
    def obs_mode(self) -> ObsMode:
        """Its observing mode."""
        return self.life.obs_mode

    @property
    def subsystem(self) -> Subsystem:
        """Its subsystem."""
        return self.life.prefix.subsystem

    @property
    def is_online(self) -> bool:
        """Whether the sequencer is online."""
        return self.life.is_online

    @property
    def cancelled(self) -> bool:
        """Whether an abort wants the present step to end; a new sequence begins with False."""
        return self.life.cancel.is_set()

    async def wait_cancelled(self) -> None:
        """Wait until an abort wants the present step to end."""
        await self.life.cancel.wait()

    # -- work in the background ----------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` in the background on the script's own thread; its failure reaches ``on_global_error``."""
        return self._background.start(work)

    def loop_async(self, body: Task, min_interval: timedelta = AT_ONCE) -> Cancellable:
        """Run ``loop`` in the background; ``await`` its ``join()``, or ``cancel()`` it."""
        return self._background.launch(lambda _: loop(body, min_interval))

    async def blocking_io(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that waits (files, sockets) on a thread of its own: ``await ctx.blocking_io(path.read_text)``.

        Up to 64 at the same time. What it touches must not be touched by the script meanwhile.
        """
        return await self.life.blocking.io(work, *args, **kwargs)

    async def blocking_cpu(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that computes on one of the script's four threads for that."""
        return await self.life.blocking.cpu(work, *args, **kwargs)

    # -- time ----------------------------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of observatory time; a rehearsal's time factor shortens it.

        In a step this is a checkpoint all the while: it is held and ended at once, and the rest follows after a hold.
        """
        await self.life.procedure.sleep(seconds * self.life.time_scale.factor)

    def schedule_once(self, moment: UTCTime | TAITime) -> Timer:
        """Call the decorated function at a point in time, at once when it has passed."""
        return lambda task: call_once(self._background, seconds_until(moment), task)

    def schedule_once_from_now(self, delay: timedelta) -> Timer:
        """Call the decorated function after ``delay``."""
        return lambda task: call_once(self._background, delay.total_seconds(), task)

    def schedule_periodically(self, first: UTCTime | TAITime, interval: timedelta) -> Timer:
        """Call the decorated function from a point in time on, at a fixed rate.

        Runs of one timer never overlap: times that pass while a run goes on are left out, and the rhythm is kept.
        """
        return lambda task: call_periodically(self._background, self.life.report, seconds_until(first), interval, task)

    def schedule_periodically_from_now(self, delay: timedelta, interval: timedelta) -> Timer:
        """Call the decorated function after ``delay``, and then every ``interval``; runs never overlap."""
        return lambda task: call_periodically(self._background, self.life.report, delay.total_seconds(), interval, task)

    async def report(self, failure: BaseException) -> None:
        """Hand a failure to the script's ``on_global_error`` handlers."""
        await self.life.report(failure)
