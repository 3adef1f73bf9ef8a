"""From one thread to another one's loop: everything arrives, once, in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal

import pytest

from ocs_ray.actors.child_runs import ChildRuns
from ocs_ray.actors.crossing import Crossing
from ocs_ray.actors.home_port import HomePort
from ocs_ray.models.identifiers import Id
from ocs_ray.models.sequencer_messages import QueryFinal
from ocs_ray.scripting.procedure import Procedure
from ocs_ray.testing.waiting import until

MARK: ContextVar[str] = ContextVar("mark", default="")
THREADS, CALLS = 4, 2_000


@pytest.fixture
def other() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_given_many_threads_when_they_call_then_each_call_arrives_once_and_in_its_thread_s_order(
    other: asyncio.AbstractEventLoop,
) -> None:
    crossing, seen = Crossing(other), []

    def call_all(thread: int) -> None:
        for n in range(CALLS):
            crossing.call(seen.append, (thread, n))

    threads = [threading.Thread(target=call_all, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    asyncio.run(until(lambda: len(seen) >= THREADS * CALLS))
    for thread in range(THREADS):
        assert [n for who, n in seen if who == thread] == list(range(CALLS))


def test_given_a_call_that_fails_when_more_follow_then_they_are_made_in_the_caller_s_context(
    other: asyncio.AbstractEventLoop,
) -> None:
    crossing, seen = Crossing(other), []
    other.set_exception_handler(lambda _, context: seen.append(str(context["exception"])))

    def fail() -> None:
        raise ValueError("no")

    MARK.set("here")
    crossing.call(fail)
    crossing.call(lambda: seen.append(MARK.get()))
    asyncio.run(until(lambda: len(seen) == 2))
    assert seen == ["no", "here"]


def test_given_a_call_that_may_wait_when_the_next_one_comes_then_both_arrive_in_order_and_not_before() -> None:
    async def on_the_loop() -> None:
        crossing, seen = Crossing(asyncio.get_running_loop()), list[str]()
        crossing.call_with_next(seen.append, "first")
        for _ in range(5):
            await asyncio.sleep(0)
        assert seen == []
        crossing.call(seen.append, "second")
        await until(lambda: len(seen) == 2)
        assert seen == ["first", "second"]

    asyncio.run(on_the_loop())


def test_given_a_call_that_hands_over_another_one_when_it_ends_the_loop_then_what_is_left_arrives_later() -> None:
    loop = asyncio.new_event_loop()
    crossing, seen = Crossing(loop), list[str]()

    def leave() -> None:
        crossing.call(seen.append, "handed over")
        raise SystemExit

    crossing.call(leave)
    crossing.call(seen.append, "next")
    with pytest.raises(SystemExit):
        loop.run_forever()
    loop.run_until_complete(until(lambda: len(seen) == 2))
    loop.close()
    assert seen == ["next", "handed over"]


def test_given_a_loop_that_is_closed_when_called_then_every_call_says_so() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    crossing = Crossing(loop)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="closed"):
            crossing.call(print)


class Sleeper(asyncio.AbstractEventLoop):
    """A loop that only notes when it is woken."""

    def __init__(self, is_closed: bool = False) -> None:
        self.woken, self._is_closed = 0, is_closed

    def call_soon_threadsafe(self, *_: object, **__: object) -> asyncio.Handle:
        if self._is_closed:
            raise RuntimeError("closed")
        self.woken += 1
        return asyncio.Handle(print, (), self)

    def get_debug(self) -> bool:
        return False


def test_given_a_caller_that_has_more_to_do_when_it_calls_then_the_other_is_woken_once_it_has_done_that() -> None:
    async def on_the_loop() -> None:
        sleeper, seen = Sleeper(), list[int]()
        crossing = Crossing(sleeper, asyncio.get_running_loop())
        asyncio.get_running_loop().call_soon(lambda: seen.append(sleeper.woken))  # it had that to do before
        crossing.call(print)
        crossing.call(print)
        assert sleeper.woken == 0
        await asyncio.sleep(0)
        assert (seen, sleeper.woken) == ([0], 1)

    asyncio.run(on_the_loop())


def test_given_a_caller_in_another_thread_or_in_haste_when_it_calls_then_the_other_is_woken_at_once() -> None:
    async def on_the_loop() -> None:
        sleeper = Sleeper()
        crossing = Crossing(sleeper, asyncio.get_running_loop())
        await asyncio.to_thread(crossing.call, print)
        assert sleeper.woken == 1
        crossing = Crossing(sleeper, asyncio.get_running_loop())
        crossing.call(print)
        crossing.wake()
        assert sleeper.woken == 2

    asyncio.run(on_the_loop())


def test_given_a_loop_that_is_closed_when_its_main_caller_calls_then_that_goes_on_and_nothing_is_said() -> None:
    async def on_the_loop() -> None:
        failures = list[object]()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        crossing = Crossing(Sleeper(is_closed=True), asyncio.get_running_loop())
        crossing.call(print)
        await asyncio.sleep(0)
        assert failures == []
        with pytest.raises(RuntimeError, match="closed"):
            crossing.wake()

    asyncio.run(on_the_loop())


class Door:
    """Answers, fails, or waits until it is cancelled, on the loop it is asked on."""

    def __init__(self) -> None:
        self.cancelled = False

    def names(self) -> list[str]:
        return []

    async def ask(self, name: str, message: object, timeout_s: float) -> object:
        if name == "fail":
            raise ValueError("no")
        if name == "wait":
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled = True
        return asyncio.get_running_loop(), message, MARK.get()


class AnyDoor(Door):
    """The same for every loop."""

    serves_any_loop: Literal[True] = True


def test_given_the_script_s_port_when_asked_then_it_asks_at_home_and_brings_back_the_outcome(
    other: asyncio.AbstractEventLoop,
) -> None:
    async def on_strand() -> None:
        here = asyncio.get_running_loop()
        door = Door()
        port = HomePort(ChildRuns(door), other, Crossing(other), here, Crossing(here))
        MARK.set("script")
        assert await port.ask("answer", 7, 1) == (other, 7, "script")
        with pytest.raises(ValueError, match="no"):
            await port.ask("fail", 7, 1)
        waiting = asyncio.ensure_future(port.ask("wait", 7, 1))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: door.cancelled)

    asyncio.run(on_strand())


def test_given_a_port_for_any_loop_when_the_script_asks_then_it_asks_from_its_own_but_for_the_end_of_a_run_in_a_step(
    other: asyncio.AbstractEventLoop,
) -> None:
    async def on_strand() -> None:
        here = asyncio.get_running_loop()
        port = HomePort(ChildRuns(AnyDoor()), other, Crossing(other), here, Crossing(here))
        assert (await port.ask("IRIS.filter-Assembly", 7, 1))[0] is here
        end = QueryFinal(run_id=Id("run"), timeout_s=1)
        assert (await port.ask("IRIS.filter-Assembly", end, 1))[0] is here
        assert (await port.ask("IRIS.mode-Sequencer", end, 1))[0] is here, "outside of a step nothing is held"
        with Procedure.step():
            assert (await port.ask("IRIS.filter-Assembly", end, 1))[0] is here
            assert (await port.ask("IRIS.mode-Sequencer", end, 1))[0] is other

    asyncio.run(on_strand())
