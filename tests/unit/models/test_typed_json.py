"""Messages by their kind, and values that say their type: what goes over HTTP between our own programs."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.access_rules import INSIDE, NEEDS
from ocs_ray.core.message_recipients import understands
from ocs_ray.errors import BadInputError
from ocs_ray.models import message_kinds, typed_json, wire
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import ReadChannel
from ocs_ray.models.instance_records import Channel
from ocs_ray.models.message_kinds import MESSAGES, message_from
from ocs_ray.models.package_messages import ArchivePiece, SendChunk
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed, Started
from ocs_ray.models.sequencer_messages import RunRecord, SequencerState, SubmitSequence, Watch
from ocs_ray.models.steps import Step

ESW_ONLY = {  # requests of ESW's contract that are no messages between components
    *("IsAvailable", "IsOnline", "SubscribeSequencerState", "ListEntries", "ListByComponentType", "ListByHostname"),
    *("ListByConnectionType", "ListByPrefix", "Find", "Resolve", "Track", "Register", "Unregister", "UnregisterAll"),
}


def test_given_all_messages_when_their_kinds_are_counted_then_each_is_there_once() -> None:
    counted = Counter(kind for kind, _ in message_kinds._kinds())
    assert [kind for kind, number in counted.items() if number > 1] == []


def test_given_what_may_come_from_outside_when_it_is_looked_up_then_it_is_a_message_somebody_understands() -> None:
    assert set(NEEDS) - set(MESSAGES) <= ESW_ONLY
    names = (
        *("ESW.a-Sequencer", "IRIS.a-Assembly", "IRIS.a-HCD", "ESW.m-Machine", "ESW.c-SequenceComponent"),
        *("CSW.alarm_service-Service", "CSW.config_service-Service", "CSW.event_service-Service"),
        *("CSW.package_service-Service", "ESW.sequence_manager-Service", "CSW.instances_here-Service"),
    )
    for kind in set(NEEDS) & set(MESSAGES):
        assert any(understands(name, kind) for name in names), kind


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("ESW.a-Sequencer", "Stop", True),
        ("ESW.a-Sequencer", "Configure", False),
        ("ESW.a-Machine", "SetTimeFactor", True),
        ("CSW.event_service-Service", "GetStatus", True),
        ("ESW.sequence_manager-Service", "GetStatus", False),
        ("CSW.package_service-Service", "read_channel", False),
        ("CSW.instances_a-Service", "read_channel", True),
        ("CSW.instances_a-Service", "kill_instance", False),
        ("nonsense", "Stop", False),
        ("ESW.a-Sequencer", "Nonsense", False),
    ],
)
def test_given_a_message_when_it_is_for_somebody_then_only_who_understands_it_gets_it(
    name: str, kind: str, wanted: bool
) -> None:
    assert understands(name, kind) is wanted


def test_given_what_components_say_to_each_other_when_it_is_looked_for_outside_then_it_is_not_there() -> None:
    assert not set(NEEDS) & INSIDE


STEP = Step(id="1", command=Setup("ESW.night", "preset"))
VALUES = (
    *(None, True, 5, 2.5, "text", [1, "a"], {"a": 1}, b"\xff\x00"),
    *(SequencerState.IDLE, Prefix("IRIS.a"), Channel.OUTPUT, (STEP, STEP), (), Completed("r"), STEP),
    *(
        ArchivePiece(data=b"\xff\x00"),
        RunRecord(run_id="a", started_at=1, ended_at=None, response=Started("a"), steps=()),
    ),
    *({"a": (STEP,)}, {"$type": "sequencer_replies.Ok"}),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_given_a_reply_when_it_goes_through_json_then_it_is_the_same_object(value: Any) -> None:
    back = typed_json.decode(json.loads(json.dumps(typed_json.encode(value), allow_nan=False)))
    assert (type(back), back) == (type(value), value)


@given(st.binary(max_size=2000), st.integers(0, 2**40))
def test_given_any_bytes_when_a_message_carries_them_then_they_arrive(data: bytes, offset: int) -> None:
    message = SendChunk(sending=Id("s"), offset=offset, data=data)
    assert message_from(json.loads(wire.encode_text(message))) == message


@pytest.mark.parametrize(
    "message",
    [
        SubmitSequence(sequence=Sequence.of(Setup("ESW.night", "preset"))),
        Watch(after=3, timeout_s=0),
        ReadChannel(id=Id("i"), channel=Channel.LOG),
    ],
    ids=lambda message: message.kind,
)
def test_given_a_message_when_it_goes_through_json_then_it_is_the_same(message: Any) -> None:
    assert message_from(json.loads(wire.encode_text(message))) == message


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ([], r"\$"),
        ({}, r"\$\.kind"),
        ({"kind": "Sotp"}, "Stop"),
        ({"kind": ["Stop"]}, r"\$\.kind"),
        ({"kind": "Watch", "after": "x"}, r"\$\.after"),
        ({"kind": "SetTimeFactor", "factor": float("inf")}, "too big"),
        ({"kind": "Stop", "extra": 1}, "extra"),
        ({"kind": "send_chunk", "sending": "s", "offset": 0, "data": "***"}, r"\$\.data"),
    ],
)
def test_given_a_faulty_message_when_it_is_read_then_the_error_names_the_place(said: Any, place: str) -> None:
    with pytest.raises(BadInputError, match=place):
        message_from(said)


@pytest.mark.parametrize(
    "said", [{"$type": "os.system", "value": "ls"}, {"$type": 5}, {}, {"$type": "prefix.Prefix", "value": "nonsense"}]
)
def test_given_a_type_nobody_knows_when_it_is_decoded_then_it_is_refused(said: Any) -> None:
    with pytest.raises(BadInputError):
        typed_json.decode(said)


@pytest.mark.parametrize(
    "said", [None, {}, {"class": "SystemExit", "fields": {}}, {"class": "RefusedError", "fields": {}}]
)
def test_given_no_error_of_ours_when_it_is_decoded_then_there_is_none(said: Any) -> None:
    assert typed_json.decode_error(said) is None
