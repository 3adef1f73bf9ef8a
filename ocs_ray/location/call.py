"""Asking a component by name. Source: esw SequencerImpl.scala, which also gives every question a time limit."""

from __future__ import annotations

import asyncio
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError, RayActorError, RayError, RayTaskError

from ocs_ray.core.waiting_messages import waits
from ocs_ray.errors import ClusterError, ComponentFailedError, LostReplyError, OcsError, UnreachableError
from ocs_ray.location.packing import packed, unpacked
from ocs_ray.models.actor_names import NAMESPACE, OF_EVERY_CLUSTER


def find(name: str) -> Any:
    """The handle of a component.

    Raises:
        UnreachableError: nothing is registered under this name.
    """
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        raise UnreachableError(name=name, reason="is not running", remedy=_remedy(name)) from None


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


async def ask(name: str, message: object, timeout_s: float) -> Any:
    """Send one message to a named component and return its reply.

    Args:
        timeout_s: longest wait for the reply, in seconds.

    Raises:
        UnreachableError: no such component, or it died.
        LostReplyError: it stayed silent for ``timeout_s``, or its reply was lost; a kind of UnreachableError.
        OcsError: what the component itself raised.
    """
    reply: Any = find(name).ask.remote(packed(message))
    try:
        async with asyncio.timeout(timeout_s):  # wait_for would have a task for it
            return unpacked(await asyncio.wrap_future(reply.future()))
    except asyncio.CancelledError:
        _give_up(message, reply)
        raise
    except TimeoutError:
        _give_up(message, reply)
        raise LostReplyError.silent(name, timeout_s) from None
    except RayError as failure:
        raise _ours(name, failure) from None


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
    try:
        return unpacked(ray.get(find(name).ask.remote(packed(message)), timeout=timeout_s))
    except GetTimeoutError:
        raise LostReplyError.silent(name, timeout_s) from None
    except RayError as failure:
        raise _ours(name, failure) from None


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

    def names(self) -> list[str]:
        """Names of all components; see ``names``."""
        return names()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        """Send one message to a named component; see ``ask``."""
        return await ask(name, message, timeout_s)
