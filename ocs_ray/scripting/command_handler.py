"""What a script does on one command, and what when that fails. Source: esw CommandHandlerKt.kt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, Self, TypeVar

from ocs_ray.errors import BadInputError
from ocs_ray.models.responses import Result
from ocs_ray.scripting.async_functions import must_be_async

C = TypeVar("C")
ErrorHandler = Callable[[Exception], Awaitable[None]]


class CommandHandler(Generic[C]):
    """A handler as ``@ctx.on_setup("name")`` leaves it; calling it runs the body once, without retries.

    ::

        @ctx.on_setup("move")
        async def move(command: Setup) -> None: ...

        move.on_error(tell).retry(2, timedelta(seconds=1))
    """

    def __init__(
        self, body: Callable[[C], Awaitable[Result | None]], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._body, self._sleep = body, sleep
        self._on_error: ErrorHandler | None = None
        self._retries, self._interval = 0, timedelta()
        self.__doc__ = body.__doc__

    def on_error(self, handler: ErrorHandler) -> Self:
        """Call ``handler`` with the failure of every attempt; the last one given wins. One that fails ends the step."""
        self._on_error = must_be_async(handler, "on_error")
        return self

    def retry(self, count: int, interval: timedelta = timedelta()) -> Self:
        """Run the whole handler again when it fails, up to ``count`` times for each command.

        Args:
            interval: wait before the next attempt, in observatory time.

        Raises:
            BadInputError: ``count`` is negative.
        """
        if count < 0:
            raise BadInputError(where="retry", problem=f"{count} is no number of retries", remedy="use 0 or more")
        self._retries, self._interval = count, interval
        return self

    async def __call__(self, command: C) -> Result | None:
        """Run the body once."""
        return await self._body(command)

    async def run(self, command: C, began: Callable[[], None]) -> Result | None:
        """Run the body with its retries; a cancellation is none of its failures, and is not retried.

        Args:
            began: is called at the begin of every attempt.
        """
        left = self._retries
        while True:
            began()
            try:
                return await self._body(command)
            except Exception as failure:
                if self._on_error is not None:
                    await self._on_error(failure)
                if left == 0:
                    raise
            left -= 1
            await self._sleep(self._interval.total_seconds())
