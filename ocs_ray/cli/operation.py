"""A changing operation from question to answer: progress while it lasts, then one line or document, or the refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ocs_ray.cli import cluster_session, terminal
from ocs_ray.cli.failures import OK
from ocs_ray.cli.refusals import refused
from ocs_ray.models import wire
from ocs_ray.models.message import Message


def carry_out(
    asked: str,
    work: Callable[[], Awaitable[Message]],
    as_json: bool,
    *,
    doing: str,
    done: Callable[[Message], str],
) -> int:
    """Connect, ask, tell; the exit code.

    Args:
        asked: what a refusal calls it, for example ``configure IRIS_IFSOnly``.
        work: asks; its answer is told as it is with ``as_json``.
        doing: shown while it lasts.
        done: the line for people, from an answer that is no refusal.

    Raises:
        OcsError: no cluster, no answer, or a refusal.
    """

    async def shown() -> Message:
        with terminal.working(doing):
            return await work()

    response = cluster_session.ask(shown)
    if as_json:
        terminal.put_document(wire.encode(response))
    if (refusal := refused(response, asked)) is not None:
        raise refusal
    if not as_json:
        terminal.say(done(response))
    return OK
