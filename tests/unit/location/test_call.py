"""Whatever Ray says when a component cannot be asked becomes one of our errors; real ones are in tests/cluster."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
)

from ocs_ray.errors import BadInputError, LostReplyError, UnreachableError
from ocs_ray.location import call, link
from ocs_ray.location.packing import packed

NAME = "IRIS.IRIS_1-SequenceComponent"


@pytest.fixture(autouse=True)
def nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_KEPT", {})


def actor(on_completed: Callable[[Callable[[object], None]], None]) -> Any:
    """A handle whose every reply is this one."""
    return SimpleNamespace(ask=SimpleNamespace(remote=lambda _: SimpleNamespace(_on_completed=on_completed)))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ActorDiedError(), UnreachableError),
        (ActorUnavailableError("gone for now", b"0" * 16), LostReplyError),
        (OutOfMemoryError("the memory monitor ended it"), LostReplyError),
        (NodeDiedError("its node is gone"), LostReplyError),
    ],
)
def test_given_any_error_of_ray_s_when_a_component_is_asked_then_it_is_unreachable_by_name(
    failure: RayError, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "find", lambda _: actor(lambda tell: tell(failure)))
    with pytest.raises(UnreachableError, match=NAME) as told:
        asyncio.run(call.ask(NAME, "message", 1))
    assert type(told.value) is kind
    assert NAME not in call._KEPT, "it is looked up anew"


def test_given_an_asker_who_is_gone_or_whose_loop_is_closed_when_the_answer_comes_then_nobody_is_disturbed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tells: list[Callable[[object], None]] = []
    monkeypatch.setattr(call, "find", lambda _: actor(tells.append))

    async def story() -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        with pytest.raises(LostReplyError, match=r"did not answer within 0\.01 s"):
            await call.ask(NAME, "message", 0.01)
        tells[0](packed("late"))
        await asyncio.sleep(0)
        assert failures == []

    asyncio.run(story())
    tells[0](packed("later still"))


def test_given_an_answer_that_comes_while_the_script_blocks_the_loop_when_the_time_is_over_then_it_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()

    def later(tell: Callable[[object], None]) -> None:
        def come() -> None:
            tell(packed("here"))
            told.set()

        threading.Timer(0.01, come).start()

    monkeypatch.setattr(call, "find", lambda _: actor(later))

    async def story() -> None:
        asked = asyncio.ensure_future(call.ask(NAME, "message", 0.05))
        await asyncio.sleep(0)
        assert told.wait(10)
        time.sleep(0.1)  # noqa: ASYNC251 - blocks the loop until the limit has passed, as a script may
        assert await asked == "here"

    asyncio.run(story())


def test_given_a_reply_when_it_comes_then_it_is_heard_before_its_asker_has_it_and_also_when_he_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tells: list[Callable[[object], None]] = []
    heard: list[object] = []
    monkeypatch.setattr(call, "find", lambda _: actor(tells.append))

    async def story() -> None:
        asked = asyncio.ensure_future(call.ask(NAME, "message", 5, heard.append))
        await asyncio.sleep(0)
        tells[0](packed("first"))
        assert heard == ["first"]
        assert await asked == "first"
        leaving = asyncio.ensure_future(call.ask(NAME, "message", 5, heard.append))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(story())
    tells[1](packed("second"))
    assert heard == ["first", "second"]


def test_given_a_component_that_raises_when_asked_then_it_is_known_to_live(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = RayTaskError("ask", "", BadInputError("", "not so", "do it differently"))
    monkeypatch.setattr(call, "find", lambda _: actor(lambda tell: tell(failure)))
    with pytest.raises(BadInputError, match="not so"):
        asyncio.run(call.ask(NAME, "message", 1))
    assert call._KEPT[NAME].lived_at > 0


def test_given_a_component_that_just_answered_when_the_cluster_is_left_then_its_handle_goes_before_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call, "find", lambda _: actor(lambda tell: tell(packed("here"))))
    kept_then: list[int] = []
    monkeypatch.setattr(link.ray, "shutdown", lambda: kept_then.append(len(call._KEPT)))
    asyncio.run(call.ask(NAME, "message", 1))
    assert NAME in call._KEPT
    link.leave()
    assert kept_then == [0]
