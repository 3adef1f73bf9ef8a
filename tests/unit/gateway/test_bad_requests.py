"""What nobody should send: every kind of it is answered with 400 or its like, and the gateway goes on."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs_ray.errors import BadInputError
from ocs_ray.gateway.app import create_app
from ocs_ray.gateway.esw.routes import LARGEST
from ocs_ray.models import wire
from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.esw_requests import PostRequest
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.testing.local_observatory import LocalObservatory

from .asgi_client import Reply, Socket, post, request

SETTINGS = GatewaySettings(access=AccessSettings(open_on_loopback=True))  # who may do what: test_every_route.py
FROZEN = Path(__file__).parents[2] / "contract" / "esw"
CONFIGURE = '{"_type":"Configure","obsMode":"Dark"}'
SETUP = '{"_type":"Setup","source":"ESW.a","commandName":"b","paramSet":[%s]}'
TO = '{"_type":"SequencerCommand","componentId":{"prefix":"ESW.Dark","componentType":"Sequencer"},"command":%s}'
SUBMIT = TO % ('{"_type":"Submit","sequence":[' + SETUP + "]}")
RESOLVE = (
    '{"_type":"Resolve","connection":{"prefix":"ESW.a","componentType":"Service","connectionType":"http"},"within":%s}'
)
CORPUS = {
    "nothing": "",
    "blanks": "   ",
    "no object": "[]",
    "null": "null",
    "a number": "7",
    "a text": '"Configure"',
    "no _type": "{}",
    "wrong _type": '{"_type":"Configur","obsMode":"Dark"}',
    "_type in another case": '{"_type":"configure","obsMode":"Dark"}',
    "_type is no text": '{"_type":7}',
    "_type is an object": '{"_type":{"_type":"Configure"}}',
    "_type is null": '{"_type":null}',
    "an answer": '{"_type":"Success"}',
    "a websocket's request": '{"_type":"Track","connection":{}}',
    "missing field": '{"_type":"Configure"}',
    "null field": '{"_type":"Configure","obsMode":null}',
    "unknown field": '{"_type":"Configure","obsMode":"Dark","force":true}',
    "duplicate key": '{"_type":"Configure","obsMode":"Dark","obsMode":"Light"}',
    "duplicate _type": '{"_type":"GetResources","_type":"ShutdownAllSequencers"}',
    "truncated": CONFIGURE[:-2],
    "two documents": CONFIGURE * 2,
    "trailing comma": '{"_type":"Configure","obsMode":"Dark",}',
    "single quotes": CONFIGURE.replace('"', "'"),
    "deep list": "[" * 100_000,
    "deep object": '{"a":' * 100_000,
    "deep and closed": "[" * 50_000 + "]" * 50_000,
    "deep value": SUBMIT % ('{"IntKey":{"keyName":"k","units":"NoUnits","values":' + "[" * 5000 + "]" * 5000 + "}}"),
    "NaN": RESOLVE % "NaN",
    "NaN in a parameter": SUBMIT % '{"DoubleKey":{"keyName":"k","values":[NaN],"units":"NoUnits"}}',
    "infinity": RESOLVE % "Infinity",
    "a float without end": SUBMIT % '{"DoubleKey":{"keyName":"k","values":[1e999],"units":"NoUnits"}}',
    "huge integer": SUBMIT % ('{"IntKey":{"keyName":"k","values":[' + "9" * 5000 + '],"units":"NoUnits"}}'),
    "large integer": SUBMIT % ('{"IntKey":{"keyName":"k","values":[' + "9" * 400 + '],"units":"NoUnits"}}'),
    "huge count": '{"_type":"Provision","config":{"config":[{"agentPrefix":"ESW.a","countOfSeqComps":1e400}]}}',
    "negative count": '{"_type":"Provision","config":{"config":[{"agentPrefix":"ESW.a","countOfSeqComps":-1}]}}',
    "half a count": '{"_type":"Provision","config":{"config":[{"agentPrefix":"ESW.a","countOfSeqComps":1.5}]}}',
    "a machine twice": '{"_type":"Provision","config":{"config":['
    '{"agentPrefix":"ESW.a","countOfSeqComps":1},{"agentPrefix":"esw.a","countOfSeqComps":1}]}}',
    "bad prefix": '{"_type":"ShutdownSequenceComponent","prefix":"nowhere"}',
    "bad subsystem": '{"_type":"ShutdownSubsystemSequencers","subsystem":"NASA"}',
    "bad component name": '{"_type":"SpawnSequenceComponent","agentPrefix":"ESW.a","componentName":"a-b","version":[]}',
    "two variations": '{"_type":"StartSequencer","subsystem":"ESW","obsMode":"Dark","variation":["a","b"]}',
    "variation is no list": '{"_type":"StartSequencer","subsystem":"ESW","obsMode":"Dark","variation":"a"}',
    "no duration": RESOLVE % '"soon"',
    "negative duration": RESOLVE % '"-1 seconds"',
    "duration without unit": RESOLVE % '"10"',
    "duration is a number": RESOLVE % "10",
    "unknown command": TO % '{"_type":"Explode"}',
    "a command that is a stream": TO % '{"_type":"SubscribeSequencerState"}',
    "command is no object": TO % '"Pause"',
    "parameter of no type": SUBMIT % '{"FooKey":{"keyName":"k","values":[1],"units":"NoUnits"}}',
    "half a character": '{"_type":"Configure","obsMode":"\\ud800"}',
    "a zero byte": '{"_type":"Configure","obsMode":"a\\u0000-b"}',
}
BYTES = {
    "no UTF-8": b'{"_type":"Configure","obsMode":"\xff\xfe"}',
    "UTF-16": CONFIGURE.encode("utf-16"),
    "cut in a character": '{"_type":"Configure","obsMode":"ä'.encode()[:-1],
    "zeros": bytes(1000),
    "CBOR": b"\xa1\x65_type\x69Configure",
}


def sent(body: bytes) -> Reply:
    async def whole() -> Reply:
        async with LocalObservatory() as observatory:
            return await post(create_app(SETTINGS, observatory), body)

    return asyncio.run(whole())


@pytest.mark.parametrize("body", [*(text.encode() for text in CORPUS.values()), *BYTES.values()], ids=[*CORPUS, *BYTES])
def test_given_a_malformed_request_when_posted_then_400_says_what_is_wrong(body: bytes) -> None:
    reply = sent(body)
    assert reply.status == 400
    assert reply.text.startswith("The request content was malformed:\n")
    assert len(reply.text) > len("The request content was malformed:\n")


@pytest.mark.parametrize("name", [name for name in CORPUS if name != "a command that is a stream"])
def test_given_a_malformed_request_when_sent_by_websocket_then_it_is_told_and_the_socket_closed(name: str) -> None:
    async def whole() -> None:
        async with LocalObservatory() as observatory, Socket(create_app(SETTINGS, observatory)) as socket:
            socket.send(CORPUS[name])
            frame = await socket.frame()
            assert set(frame) == {"error_name", "error_message"}
            assert frame["error_name"] == "BadRequest"
            assert await socket.closed() == 1007

    asyncio.run(whole())


def test_given_a_binary_message_when_sent_by_websocket_then_it_is_told_and_the_socket_closed() -> None:
    async def whole() -> None:
        async with LocalObservatory() as observatory, Socket(create_app(SETTINGS, observatory)) as socket:
            socket.send(b"\xa1\x65_type")
            assert (await socket.frame())["error_name"] == "BadRequest"
            assert await socket.closed() == 1007

    asyncio.run(whole())


@pytest.mark.parametrize("body", [b"x" * (20 << 20), b"[" * (20 << 20), b'"' + b"a" * (20 << 20) + b'"'])
def test_given_a_body_of_20_mb_when_posted_then_it_is_refused_before_it_is_read(body: bytes) -> None:
    assert len(body) > LARGEST
    assert sent(body).status == 413


def test_given_a_body_that_says_it_is_no_json_when_posted_then_it_is_refused_although_it_is() -> None:
    """A web page may post text/plain to anybody without asking first; JSON it may not."""

    async def whole() -> None:
        async with LocalObservatory() as observatory:
            app = create_app(SETTINGS, observatory)
            for content_type in ("text/plain", "application/cbor", "application/x-www-form-urlencoded", ""):
                headers = {"content_type": content_type} if content_type else {}
                reply = await request(app, "POST", "/post-endpoint", CONFIGURE.encode(), **headers)
                assert reply.status == 415
            charset = await request(
                app, "POST", "/post-endpoint", b"{}", content_type="application/json; charset=utf-8"
            )
            assert charset.status == 400
            assert not observatory.sent

    asyncio.run(whole())


def test_given_a_flood_of_requests_on_one_socket_when_the_first_is_a_stream_then_it_is_closed() -> None:
    async def whole() -> None:
        async with LocalObservatory() as observatory, Socket(create_app(SETTINGS, observatory)) as socket:
            connection = {"prefix": "ESW.nobody", "componentType": "Service", "connectionType": "http"}
            for _ in range(40):
                socket.send({"_type": "Track", "connection": connection})
            assert await socket.closed() == 1008

    asyncio.run(whole())


GOOD = [line for file in sorted(FROZEN.glob("*.json")) for line in json.loads(file.read_text())["requests"]]
WEIRD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A good request in which one value, anywhere, is something else."""
    line = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    node: Any = line
    while True:
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], (dict, list)) or not node[key] or draw(st.booleans()):
            node[key] = draw(WEIRD)
            return line
        node = node[key]


@settings(max_examples=300, deadline=None)
@given(spoilt())
def test_given_a_good_request_with_one_value_spoilt_when_read_then_it_is_read_or_refused_and_nothing_breaks(
    line: Any,
) -> None:
    with suppress(BadInputError):
        assert json.dumps(wire.encode(wire.decode_text(PostRequest, json.dumps(line))))
