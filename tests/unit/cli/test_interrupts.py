"""Signals in an event loop, and the one question."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from ocs_ray.cli.ending_signals import raised_once
from ocs_ray.cli.failures import Interrupted
from ocs_ray.cli.interrupts import Interrupts


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The file descriptor one types into."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield writer
    os.close(writer)


def press(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


async def forever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_given_guarded_work_when_a_signal_comes_then_it_is_given_up(number: signal.Signals) -> None:
    async def story() -> None:
        with Interrupts() as signals:
            asyncio.get_running_loop().call_soon(press, number)
            await signals.guard(forever())

    with pytest.raises(Interrupted):
        asyncio.run(story())


def test_given_guarded_work_when_it_ends_or_fails_then_its_result_or_error_comes_out() -> None:
    async def good() -> int:
        return 7

    async def bad() -> int:
        raise ValueError("odd")

    async def story(work) -> int:
        with Interrupts() as signals:
            return await signals.guard(work())

    assert asyncio.run(story(good)) == 7
    with pytest.raises(ValueError, match="odd"):
        asyncio.run(story(bad))


@pytest.mark.parametrize(("text", "choice"), [("a\n", "abort"), ("L\n", "leave"), ("what?\nabort\n", "abort")])
def test_given_the_question_when_it_is_answered_then_the_choice_is_taken(typed: int, text: str, choice: str) -> None:
    async def story() -> str:
        with Interrupts() as signals:
            os.write(typed, text.encode())
            return await asyncio.wait_for(signals.abort_or_leave(), 5)

    assert asyncio.run(story()) == choice


@pytest.mark.parametrize(("number", "choice"), [(signal.SIGINT, "leave"), (signal.SIGTERM, "abort")])
def test_given_the_question_when_a_signal_comes_then_ctrl_c_leaves_and_sigterm_aborts(
    typed: int, number: signal.Signals, choice: str
) -> None:
    async def story() -> str:
        with Interrupts() as signals:
            asyncio.get_running_loop().call_soon(press, number)
            return await asyncio.wait_for(signals.abort_or_leave(), 5)

    assert asyncio.run(story()) == choice


def test_given_the_block_is_left_when_a_signal_comes_then_the_handlers_of_before_have_it() -> None:
    async def story() -> None:
        with Interrupts():
            pass

    with raised_once():
        asyncio.run(story())
        with pytest.raises(Interrupted):
            press(signal.SIGINT)
        press(signal.SIGINT)  # the second is ignored: what cleans up is not disturbed
