"""Requests are remembered for a repeat, and a short run costs its client one of them."""

from __future__ import annotations

import asyncio
from typing import Any

from ocs_ray.actors.questions import REQUESTS_KEPT, Questions
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.identifiers import Id
from ocs_ray.models.responses import Completed
from ocs_ray.testing.local_observatory import LocalObservatory


def test_given_many_requests_when_one_still_waits_for_its_answer_then_it_is_not_forgotten() -> None:
    async def story() -> None:
        questions = Questions()
        waiting, _ = questions.request("slow")
        for n in range(REQUESTS_KEPT + 10):
            ask, _ = questions.request(f"r{n}")
            questions.answer(ask, n)
        assert questions.request("slow") == (waiting, False)
        assert questions.request("r0")[1], "an answered one was forgotten"
        questions.answer(waiting, "done")
        assert await questions.reply(waiting) == "done"

    asyncio.run(story())


def test_given_a_client_that_waits_for_a_short_run_then_it_asks_once() -> None:
    asked: list[Any] = []

    async def answer(message: object) -> Completed:
        asked.append(message)
        return Completed(run_id=Id("1"))

    async def story() -> None:
        async with LocalObservatory() as observatory:
            observatory.put("ESW.Dark-Sequencer", answer)
            assert (
                await observatory.sequencer("ESW.Dark").submit_and_wait(Sequence.of(Setup("ESW.test", "note")))
            ).is_completed

    asyncio.run(story())
    (message,) = asked
    assert message.final_within_s > 0
