"""Whatever Ray says when a component cannot be asked becomes one of our errors; real ones are in tests/cluster."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
)

from ocs_ray.errors import LostReplyError, UnreachableError
from ocs_ray.location import call

NAME = "IRIS.IRIS_1-SequenceComponent"


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
    reply: Future[Any] = Future()
    reply.set_exception(failure)
    ask = SimpleNamespace(remote=lambda _: SimpleNamespace(future=lambda: reply))
    monkeypatch.setattr(call, "find", lambda _: SimpleNamespace(ask=ask))
    with pytest.raises(UnreachableError, match=NAME) as told:
        asyncio.run(call.ask(NAME, "message", 1))
    assert type(told.value) is kind
