"""An Idempotency-Key stands for one request of one caller, before and after the gateway was restarted; no Ray."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocs_ray.core import token_book
from ocs_ray.gateway.app import create_app
from ocs_ray.location.token_file import TokenFile, new_token
from ocs_ray.models.access import ESW_USER, Caller
from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.models.sequencer_messages import AbortSequence, SequencerState, SubmitSequence

from .test_api import BASE, is_problem, setup
from .web_floor import SEQUENCER, URL, Web, web

QUICK = Sequence.of(Setup("ESW.night", "quick"))
KEY = {"Idempotency-Key": "1"}


class House:
    """An observatory with a gateway that can be restarted, and callers with tokens."""

    def __init__(self, here: Web, tokens: TokenFile, settings: GatewaySettings) -> None:
        self.observatory, self._tokens, self._settings, self._app = here.observatory, tokens, settings, here.app

    def restart(self) -> None:
        self._app = create_app(self._settings, self.observatory)

    def caller(self, name: str) -> Callable[..., Awaitable[httpx.Response]]:
        """What posts as somebody of this name, with the key ``1``."""
        token = new_token()
        record = token_book.new_record(name, [ESW_USER], token, 0.0, None)
        self._tokens.change(lambda book: token_book.with_token(book, record))

        async def post(path: str, body: Any = None, **headers: str) -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            given = {"Authorization": f"Bearer {token}", **KEY, **headers}
            async with httpx.AsyncClient(transport=transport, base_url=URL, headers=given) as http:
                return await http.post(f"{BASE}{path}", json=body)

        return post

    async def state(self) -> SequencerState:
        return await self.observatory.sequencer(SEQUENCER).state()

    async def runs(self) -> int:
        return len(await self.observatory.sequencer(SEQUENCER).runs())


def play(tmp_path: Path, story: Callable[[House], Awaitable[None]]) -> None:
    async def whole() -> None:
        tokens = TokenFile(tmp_path / "data" / "tokens.json")
        settings = GatewaySettings(access=AccessSettings(token_file=str(tokens.path)))
        async with web(tmp_path, settings) as here:
            await story(House(here, tokens, settings))

    asyncio.run(whole())


def test_given_two_callers_with_one_key_when_they_ask_for_different_things_then_each_gets_his_own(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        alice, bob = house.caller("alice"), house.caller("bob")
        first = (await alice("/runs", [setup("quick")])).json()
        assert first["_type"] == "Started"
        await house.observatory.sequencer(SEQUENCER).query_final(first["runId"])
        offline = await bob("/actions/go-offline")
        assert offline.json()["kind"] == "Ok", offline.text
        assert await house.state() is SequencerState.OFFLINE

    play(tmp_path, story)


def test_given_two_callers_with_one_key_when_they_submit_the_same_then_there_are_two_runs(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        alice, bob = house.caller("alice"), house.caller("bob")
        first = (await alice("/runs", [setup("quick")])).json()
        await house.observatory.sequencer(SEQUENCER).query_final(first["runId"])
        second = (await bob("/runs", [setup("quick")])).json()
        assert second["runId"] != first["runId"]
        assert await house.runs() == 2

    play(tmp_path, story)


@pytest.mark.parametrize(("action", "status"), [("go-offline", 200), ("abort", 409), ("stop", 409)])
def test_given_a_restarted_gateway_when_a_key_comes_with_another_request_then_that_is_what_is_done(
    tmp_path: Path, action: str, status: int
) -> None:
    async def story(house: House) -> None:
        alice = house.caller("alice")
        first = (await alice("/runs", [setup("quick")])).json()
        await house.observatory.sequencer(SEQUENCER).query_final(first["runId"])
        is_problem(await alice(f"/actions/{action}"), 422, "idempotency-key-reused")
        house.restart()
        answer = await alice(f"/actions/{action}")
        assert (answer.status_code, "runId" in answer.text) == (status, False), answer.text

    play(tmp_path, story)


def test_given_a_restarted_gateway_when_the_same_request_comes_again_then_it_gets_its_first_run(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        alice = house.caller("alice")
        first = await alice("/runs", [setup("quick")])
        house.restart()
        again = await alice("/runs", [setup("quick")])
        assert (again.status_code, again.json()) == (201, first.json())
        assert await house.runs() == 1

    play(tmp_path, story)


def test_given_an_edit_that_was_refused_when_it_comes_for_the_newer_list_then_it_is_no_repeat(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        alice, edit = house.caller("alice"), {"kind": "Reset"}
        await house.observatory.sequencer(SEQUENCER).load(QUICK)
        is_problem(await alice("/steps/edits", edit, **{"If-Match": '"0.0"'}), 412, "step-list-moved")
        is_problem(await alice("/steps/edits", edit, **{"If-Match": '"1.1"'}), 422, "idempotency-key-reused")

    play(tmp_path, story)


def test_given_a_token_that_is_called_like_a_person_when_told_apart_then_they_are_two(tmp_path: Path) -> None:
    token = new_token()
    record = token_book.new_record("ann", [ESW_USER], token, 0.0, None)
    book = token_book.with_token(TokenFile(tmp_path / "tokens.json").read(), record)
    of_token = token_book.recognise(book, token, 1.0)
    marks = {of_token.mark, Caller(name="ann", is_known=True).mark, Caller().mark, Caller(name="bob").mark}
    assert len(marks) == 3  # those nobody knows are one: only their tokens' names could tell them apart


def test_given_one_request_id_when_it_comes_with_another_kind_of_message_then_it_is_no_repeat(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        sequencer = house.observatory.sequencer(SEQUENCER)
        name = f"{SEQUENCER}-Sequencer"
        started = await house.observatory.ask(name, SubmitSequence(request_id="1", sequence=QUICK), 5)
        await sequencer.query_final(started.run_id)
        aborted = await house.observatory.ask(name, AbortSequence(request_id="1"), 5)
        assert type(aborted).__name__ == "Unhandled"

    play(tmp_path, story)
