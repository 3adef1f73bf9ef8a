"""Reading the response to a command or sequence. Source: esw SubmitResponseExtension.kt.

``match`` reads as well: ``case Started(run_id=run_id): ...``, ``case Completed(result=result): ...``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ocs_ray.models.responses import Completed, Result, Started, SubmitResponse
from ocs_ray.scripting.command_service import negative, raise_if_negative


async def on_response(
    response: SubmitResponse,
    *,
    started: Callable[[Started], Awaitable[None]] | None = None,
    completed: Callable[[Completed], Awaitable[None]] | None = None,
    failed: Callable[[SubmitResponse], Awaitable[None]] | None = None,
) -> SubmitResponse:
    """Call the function that fits; ``failed`` is for Error, Invalid, Cancelled and Locked. Gives the response back."""
    if isinstance(response, Started):
        if started is not None:
            await started(response)
    elif isinstance(response, Completed):
        if completed is not None:
            await completed(response)
    elif failed is not None:
        await failed(response)
    return response


def fail_if_negative(response: SubmitResponse) -> SubmitResponse:
    """End the step when the response is Error, Invalid, Cancelled or Locked. Source: esw onFailedTerminate.

    Raises:
        CommandError: it is negative.
    """
    raise_if_negative(response, target=f"the run {response.run_id}", command="submit")
    return response


def completed(response: SubmitResponse) -> Completed:
    """The response, known to be Completed.

    Raises:
        CommandError: it is negative, or the command still goes on.
    """
    if isinstance(response, Completed):
        return response
    raise negative(response, target=f"the run {response.run_id}", command="submit")


def result_of(response: SubmitResponse) -> Result:
    """What the completed command found out: ``result_of(response)[KEY].head()``.

    Raises:
        CommandError: it is negative, or the command still goes on.
    """
    return completed(response).result
