"""Asking a component by name. Source: esw SequencerImpl.scala, which also gives every question a time limit."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError, RayActorError, RayError, RayTaskError

from ocs_ray.core.waiting_messages import waits
from ocs_ray.errors import ClusterError, ComponentFailedError, LostReplyError, OcsError, UnreachableError
from ocs_ray.location.packing import packed, unpacked
from ocs_ray.models.actor_names import NAMESPACE, OF_EVERY_CLUSTER
from ocs_ray.scripting.port import Heard


def find(name: str) -> Any:
    """The handle of a component.

    Raises:
        UnreachableError: nothing is registered under this name.
    """
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        raise UnreachableError(name=name, reason="is not running", remedy=_remedy(name)) from None


@dataclass(eq=False, slots=True)
class _Kept:
    """A handle that is kept, and when its actor was last known to live, in seconds of the monotonic clock."""

    handle: Any
    lived_at: float = -math.inf


_KEPT: Final[dict[str, _Kept]] = {}
_ALIVE: Final = 2
"""Ray's number for an actor that lives. Source: ray ``common.proto``, ``ActorTableData.ActorState``."""
FRESH_S: Final = 0.05
"""How long who answered is taken for alive, in seconds: no longer than Ray itself takes to notice the contrary."""


def _kept(name: str) -> _Kept:
    """The handle of a component, kept for as long as this process takes its actor for alive.

    A fresh handle costs each call 0.05 ms; and to ask Ray for its state waits for what Ray is sending just now. Ray
    forgets the names it looked up when it learns of a death, so what is kept is never older than what ``find`` gives.

    Raises:
        UnreachableError: nothing is registered under this name.
    """
    kept = _KEPT.get(name)
    if kept is None or (time.monotonic() - kept.lived_at > FRESH_S and kept.handle._get_local_state() != _ALIVE):
        forget(name)
        kept = _KEPT[name] = _Kept(find(name))
    return kept


def forget(name: str) -> None:
    """Look a component up anew when it is asked next: its actor has been ended."""
    _KEPT.pop(name, None)


def forget_all() -> None:
    """Look everybody up anew: this process leaves its cluster, and what it kept is worth nothing to the next one."""
    _KEPT.clear()


def names() -> list[str]:
    """Names of all components, sorted; those that just died may still be among them.

    Raises:
        ClusterError: the cluster does not tell them.
    """
    try:
        found: Any = ray.util.list_named_actors(all_namespaces=True)  # its annotation misses this form
    except RayError as failure:
        problem = f"the cluster does not tell who is there: {str(failure).splitlines()[0]}"
        raise ClusterError(problem=problem, remedy="look whether it runs: ocs status") from None
    return sorted(actor["name"] for actor in found if actor["namespace"] == NAMESPACE)


async def ask(name: str, message: object, timeout_s: float, heard: Heard | None = None) -> Any:
    """Send one message to a named component and return its reply.

    Args:
        timeout_s: longest wait for the reply, in seconds.
        heard: is told the reply when it comes, on a thread of Ray's: also when nobody waits for it any more, or the
            loop of who does is blocked.

    Raises:
        UnreachableError: no such component, or it died.
        LostReplyError: it stayed silent for ``timeout_s``, or its reply was lost; a kind of UnreachableError.
        OcsError: what the component itself raised.
    """
    kept = _kept(name)
    reply: Any = kept.handle.ask.remote(packed(message))
    try:
        answer = await _answer(reply, timeout_s, heard)
    except asyncio.CancelledError:
        _give_up(message, reply)
        raise
    except TimeoutError:
        _give_up(message, reply)
        raise LostReplyError.silent(name, timeout_s) from None
    except RayError as failure:
        _judge(kept, name, failure)
        raise _ours(name, failure) from None
    kept.lived_at = time.monotonic()
    return answer


def _judge(kept: _Kept, name: str, failure: RayError) -> None:
    """Who raises something lives; whoever gave no answer is looked up anew."""
    if isinstance(failure, RayTaskError):
        kept.lived_at = time.monotonic()
    else:
        forget(name)


async def _answer(reply: Any, timeout_s: float, heard: Heard | None) -> Any:
    """What an actor answered, unpacked.

    ``ObjectRef.future`` gives a future with a lock of its own, and asyncio wraps it into another one, half of it on a
    thread of Ray's that holds the interpreter meanwhile. An answer that is there counts, although its time is over when
    the loop comes to look at it: a script may have blocked its strand.

    Raises:
        TimeoutError: there was none within ``timeout_s`` seconds.
        RayError: there is none; RayTaskError holds what the actor raised.
    """
    loop = asyncio.get_running_loop()
    is_here: asyncio.Future[None] = loop.create_future()
    answers: list[Any] = []
    read: list[Any] = []

    def look() -> None:
        if not is_here.done():  # else its asker is gone
            is_here.set_result(None)

    def tell(answer: Any, _: Any = reply) -> None:  # Ray wants the reference to be held until the answer is here
        if heard is not None and isinstance(answer, bytes):
            with suppress(Exception):  # what is wrong with it is for its asker
                read.append(unpacked(answer))
                heard(read[0])
        answers.append(answer)
        with suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            loop.call_soon_threadsafe(look)

    reply._on_completed(tell)
    try:
        async with asyncio.timeout(timeout_s):  # wait_for would have a task for it
            await is_here
    except TimeoutError:
        if not answers:
            raise
    try:
        if isinstance(answers[0], RayError):
            raise answers[0]
        return read[0] if read else unpacked(answers[0])
    finally:  # else a failure would hold its traceback, and that the failure
        answers.clear()


def _give_up(message: object, reply: Any) -> None:
    """Let a component stop waiting for what nobody wants any more; what changes something is carried out all the same.

    It would wait for hours, and a pull of events would take the next ones although nobody gets them.
    """
    if waits(message):
        ray.cancel(reply, recursive=False)


def ask_sync(name: str, message: object, timeout_s: float) -> Any:
    """The same for code without an event loop.

    Raises:
        UnreachableError: no such component, or it died.
        LostReplyError: it stayed silent for ``timeout_s``, or the connection broke; a kind of UnreachableError.
        OcsError: what the component itself raised.
    """
    kept = _kept(name)
    try:
        answer: Any = ray.get(kept.handle.ask.remote(packed(message)), timeout=timeout_s)
    except GetTimeoutError:
        raise LostReplyError.silent(name, timeout_s) from None
    except RayError as failure:
        _judge(kept, name, failure)
        raise _ours(name, failure) from None
    kept.lived_at = time.monotonic()
    return unpacked(answer)


def _remedy(name: str) -> str:
    """What to do about somebody who is gone. The manager is who tells what runs, so it is no help to ask it."""
    return "start it again: ocs up" if name in OF_EVERY_CLUSTER else "see what runs: ocs status"


def _ours(name: str, failure: Exception) -> Exception:
    if isinstance(failure, RayTaskError):
        cause = failure.cause
        if isinstance(cause, OcsError):
            return cause
        return ComponentFailedError(name=name, reason=f"{type(cause).__name__}: {cause}")
    remedy = "see what runs: ocs status"
    if isinstance(failure, ActorUnavailableError):  # it may live; Ray does not know whether the message arrived
        return LostReplyError(name=name, reason="could not be reached for a moment", remedy=remedy)
    if isinstance(failure, RayActorError):
        return UnreachableError(name=name, reason="died", remedy=_remedy(name))
    # Ray's memory monitor ended it, its node died, the reply was lost: one that cannot answer must hold up nobody else.
    cause = next(iter(str(failure).splitlines()), "")
    return LostReplyError(name=name, reason=f"gave no answer: {type(failure).__name__}: {cause}", remedy=remedy)


class RayPort:
    """The door a script or a client goes through when Ray is behind it."""

    serves_any_loop: Literal[True] = True

    def names(self) -> list[str]:
        """Names of all components; see ``names``."""
        return names()

    async def ask(self, name: str, message: object, timeout_s: float, heard: Heard | None = None) -> Any:
        """Send one message to a named component; see ``ask``."""
        return await ask(name, message, timeout_s, heard)
