"""Repeats of a request: the same ``Idempotency-Key`` takes effect once, and gets the first answer.

Key, caller and request together become the request id of the messages, so a sequencer knows a repeat even when the
gateway was restarted meanwhile, and never takes another request, or another caller's, for one. What is kept here is the
answer to what carries no request id, and what the key came with: another request is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request, Response

from ocs_ray.gateway.access import caller_of
from ocs_ray.gateway.api.problems import BAD_INPUT, KEY_REUSED, Refusal
from ocs_ray.gateway.waits import GONE
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import RestartInstance, StartInstance
from ocs_ray.models.sequencer_messages import Request as SequencerRequest
from ocs_ray.scripting.port import Port

HEADER: Final = "Idempotency-Key"
LONGEST_KEY: Final = 255
MOST_ANSWERS: Final = 1000
"""How many answers are kept; the oldest goes first."""
NOT_DONE: Final = (401, 403, 429, GONE)
"""Answers of what was not carried out; 5xx beside them."""
MOST_BYTES: Final = 64 << 10
"""A bigger answer is not kept: its repeat is carried out again, and the sequencer still knows it."""


class Answers:
    """The answers of the last keyed requests, and the requests that go on."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[str, asyncio.Future[Response | None]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def once(self, request: Request, key: str, work: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of ``work``, or the first answer to this key.

        Raises:
            Refusal: the key came with another request before.
        """
        mark = (caller_of(request).mark, key)
        digest = await request_id(request, key)
        while (found := self._kept.get(mark)) is not None:
            known, first = found
            if known != digest:
                raise Refusal(KEY_REUSED, f"the key '{key}' came with another request before; use a new one")
            if (answer := await asyncio.shield(first)) is not None:
                return _copy(answer)
        answers: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self._kept[mark] = (digest, answers)
        keep: Response | None = None
        try:
            response = await work()
            # what did not get through may be tried again
            if response.status_code < 500 and response.status_code not in NOT_DONE and _is_small(response):
                keep = response
            return response
        finally:
            answers.set_result(keep)
            if keep is None:
                del self._kept[mark]
            while len(self._kept) > MOST_ANSWERS and next(iter(self._kept.values()))[1].done():
                self._kept.popitem(last=False)


def key_of(request: Request) -> str:
    """The key of a request; empty when it has none.

    Raises:
        Refusal: it is no key.
    """
    key = request.headers.get(HEADER, "").strip().strip('"')
    if len(key) > LONGEST_KEY or not key.isprintable() or not key.isascii():
        raise Refusal(BAD_INPUT, f"{HEADER} has to be printable ASCII, at most {LONGEST_KEY} characters")
    return key


async def request_id(request: Request, key: str) -> str:
    """What a keyed request is known by, here and in sequencers: the same for a repeat, and for nothing else.

    Keys are chosen by people, who like ``1``: alone they would let one request get another one's answer.
    """
    url, version = request.url, request.headers.get("if-match", "")
    body = hashlib.sha256(await request.body()).hexdigest()
    said = (caller_of(request).mark, request.method, url.path, url.query, version, body, key)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


class KeyedPort:
    """A door that gives what goes through it the id of the client's request.

    Args:
        port: where it goes.
        request: the client's.
        key: that came with it.
    """

    def __init__(self, port: Port, request: Request, key: str) -> None:
        self._port, self._request, self._key = port, request, key

    def names(self) -> list[str]:
        """See ``Port``."""
        return self._port.names()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """See ``Port``."""
        if isinstance(message, SequencerRequest):
            message = message.model_copy(update={"request_id": await self._id()})
        elif isinstance(message, StartInstance | RestartInstance):
            message = message.model_copy(update={"request": Id(await self._id())})
        return await self._port.ask(name, message, timeout_s)

    async def _id(self) -> str:
        return await request_id(self._request, self._key)


def keyed(port: Port, request: Request) -> Port:
    """The door for what a request asks."""
    key = key_of(request)
    return KeyedPort(port, request, key) if key else port


def _is_small(response: Response) -> bool:
    return len(getattr(response, "body", b" " * (MOST_BYTES + 1))) <= MOST_BYTES


def _copy(response: Response) -> Response:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(response.body, response.status_code, headers | {"Idempotency-Replayed": "true"})
