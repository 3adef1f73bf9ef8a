"""Messages that many get: pickled once, and equal on the other side."""

from __future__ import annotations

import copy
import pickle

import pytest

from ocs_ray.models.commands import Setup
from ocs_ray.models.message import Message
from ocs_ray.models.sequencer_messages import SequencerDelta, SequencerSnapshot, SequencerState
from ocs_ray.models.steps import Step, StepStatus


def snapshot(version: int = 7) -> SequencerSnapshot:
    step = Step(id="s1", command=Setup("ESW.test", "go"), status=StepStatus.PENDING)
    return SequencerSnapshot(version=version, list_version=1, state=SequencerState.LOADED, run_id=None, steps=(step,))


def test_given_a_shared_message_when_sent_then_its_receiver_has_an_equal_one() -> None:
    delta = SequencerDelta(
        since=1, version=2, list_version=1, state=SequencerState.IDLE, run_id="r", changed=snapshot().steps, order=None
    )
    for sent in (snapshot(), delta, SequencerSnapshot.model_construct(**dict(snapshot()))):
        received = pickle.loads(pickle.dumps(sent))
        assert received == sent
        assert type(received) is type(sent)
        assert received.model_dump_json() == sent.model_dump_json()
        assert pickle.loads(pickle.dumps(received)) == sent, "who received it may hand it on"


def test_given_a_shared_message_when_sent_to_many_then_its_insides_are_pickled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str] = []
    getstate = Message.__getstate__

    def counted(self: Message) -> dict[object, object]:
        looked_at.append(type(self).__name__)
        return getstate(self)

    monkeypatch.setattr(Message, "__getstate__", counted)
    sent = snapshot()
    pickled = {pickle.dumps(sent) for _ in range(200)}
    assert len(pickled) == 1
    assert looked_at.count("SequencerSnapshot") == looked_at.count("Step") == 1


def test_given_a_copy_of_one_that_was_sent_when_it_is_another_then_that_is_what_arrives() -> None:
    sent = snapshot(7)
    pickle.dumps(sent)
    for other in (sent.model_copy(update={"version": 8}), copy.copy(sent), copy.deepcopy(sent)):
        assert pickle.loads(pickle.dumps(other)) == other
    assert pickle.loads(pickle.dumps(sent)).version == 7
