"""Calls that block, away from the script's thread. Source: reference esw_sequencer.md 2.4; row 31 of section 8."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from ocs_ray.scripting.blocking_work import CPU_THREADS, BlockingWork

WAIT_S = 5.0
WHO: ContextVar[str] = ContextVar("who", default="nobody")


def test_given_a_call_that_blocks_when_run_on_a_thread_then_the_loop_goes_on_and_its_result_comes_back() -> None:
    async def story() -> None:
        work, go = BlockingWork("test"), threading.Event()
        WHO.set("me")

        def blocked(name: str, *, twice: bool) -> tuple[str, str, bool]:
            assert go.wait(WAIT_S)
            return threading.current_thread().name, f"{name} {WHO.get()}", twice

        calls = [asyncio.ensure_future(pool(blocked, "ask", twice=True)) for pool in (work.io, work.cpu)]
        await asyncio.sleep(0.01)  # the loop runs while they block
        go.set()
        names = {name.split("_")[0] for name, *rest in await asyncio.gather(*calls) if rest == ["ask me", True]}
        assert names == {"io-test", "cpu-test"}
        work.close()

    asyncio.run(story())


def test_given_a_call_that_fails_then_the_failure_comes_back() -> None:
    async def story() -> None:
        work = BlockingWork("test")
        with pytest.raises(ZeroDivisionError):
            await work.cpu(divmod, 1, 0)
        work.close()

    asyncio.run(story())


def test_31_given_two_scripts_when_one_ends_then_the_other_s_threads_go_on_and_what_waited_is_dropped() -> None:
    async def story() -> None:
        one, other, go = BlockingWork("one"), BlockingWork("other"), threading.Event()
        running = [asyncio.ensure_future(one.cpu(go.wait, WAIT_S)) for _ in range(CPU_THREADS + 1)]
        await asyncio.sleep(0.05)
        one.close()
        assert await other.cpu(lambda: 1) == 1
        go.set()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [bool] * CPU_THREADS + [asyncio.CancelledError]
        other.close()

    asyncio.run(story())
