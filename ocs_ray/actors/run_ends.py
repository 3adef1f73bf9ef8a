"""Waiting for the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ocs_ray.actors.questions import Questions
from ocs_ray.core import sequencer_events as ev
from ocs_ray.errors import UnreachableError
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Started


class RunEnds:
    """Those who wait for the final responses of one sequencer.

    Args:
        prefix: of the sequencer, for messages.
        questions: gives them their numbers.
        handle: takes an event of the life cycle.
    """

    def __init__(self, prefix: Prefix, questions: Questions, handle: Callable[[ev.Event], None]) -> None:
        self._prefix, self._questions, self._handle = prefix, questions, handle

    async def of(self, run_id: str, timeout_s: float) -> Any:
        """The final response of a run.

        Raises:
            UnreachableError: there is none after ``timeout_s`` seconds.
        """
        ask = self._questions.new()
        try:
            self._handle(ev.AskFinal(ask, run_id))
            return await self._questions.wait(ask, timeout_s, self._prefix)
        except BaseException:  # it waited too long, or is not interested any more
            self._handle(ev.Forget(ask))
            raise

    async def soon(self, started: Started, within_s: float) -> Any:
        """The final response of a run that began, if it is over within so many seconds; else what it began with."""
        if within_s:
            with suppress(UnreachableError):
                return await self.of(started.run_id, within_s)
        return started
