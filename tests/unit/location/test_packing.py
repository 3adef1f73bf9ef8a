"""What crosses between processes as bytes is on the other side what it was."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from ocs_ray.location import call
from ocs_ray.location.packing import packed, unpacked
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import LoadScript
from ocs_ray.models.identifiers import Id, ObsMode
from ocs_ray.models.keys import int_key
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed, Result, Started
from ocs_ray.models.sequencer_messages import GetStatus, SubmitSequence

MOVE = Setup("ESW.test", "move").add(int_key("steps").set(3, 5))
MESSAGES = [
    GetStatus(),
    SubmitSequence(sequence=Sequence.of(MOVE), final_within_s=0.05),
    LoadScript(prefix=Prefix("IRIS.dark"), obs_mode=ObsMode("dark"), script=None, time_factor=0.5),
    Started(run_id=Id("1")),
    Completed(run_id=Id("1"), result=Result().add(int_key("counts").set(7))),
    (Completed(run_id=Id("1")), None, "text", b"\x00bytes"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_given_a_message_when_packed_and_unpacked_then_it_is_the_same_to_the_last_type(message: object) -> None:
    content = packed(message)
    assert type(content) is bytes
    assert unpacked(content) == message
    assert repr(unpacked(content)) == repr(message)


def test_given_what_belongs_to_this_process_alone_when_packed_then_it_is_refused() -> None:
    with pytest.raises(TypeError, match="lock"):
        packed(threading.Lock())


def test_given_a_component_when_asked_then_the_question_goes_packed_and_the_reply_comes_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    def remote(content: bytes) -> Any:
        asked.append(content)
        return SimpleNamespace(_on_completed=lambda tell: tell(packed(Started(run_id=Id("1")))))

    monkeypatch.setattr(call, "_KEPT", {})
    monkeypatch.setattr(call, "find", lambda _: SimpleNamespace(ask=SimpleNamespace(remote=remote)))
    assert asyncio.run(call.ask("IRIS.dark-Sequencer", GetStatus(), 1)) == Started(run_id=Id("1"))
    assert [unpacked(content) for content in asked] == [GetStatus()]
