"""Every refusal and error as problem details (RFC 9457), with a ``type`` that stays and can be looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel, Field

from ocs_ray import errors
from ocs_ray.errors import OcsError, UnreachableError
from ocs_ray.gateway.problem_types import BAD_INPUT, BASE, BEFORE_ROUTES, MEDIA, NOT_AVAILABLE, Kind
from ocs_ray.models import (
    agent_messages,
    manager_replies,
    responses,
    sequencer_replies,
    typed_json,
    wire,
)
from ocs_ray.models.actor_names import component_of
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.procedure_messages import CommandResult


class Problem(BaseModel):
    """Problem details, RFC 9457.

    Args:
        type: stays the same for the same kind of problem; a GET of it says what it means.
        reply: what the component answered, when it is a refusal.
        error: class and fields of the error, when it is one.
    """

    type: str = Field(examples=["/api/v1/problems/unhandled"])
    title: str = Field(examples=["Not in this state"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["Stop can not be handled in state Idle"])
    reply: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


NO_SUCH_PATH: Final = Kind("no-such-path", 404, "There is nothing at this path")
NO_SUCH_RUN: Final = Kind("no-such-run", 404, "The sequencer knows no such run")
WRONG_METHOD: Final = Kind("wrong-method", 405, "This path does not take this method")
KEY_REUSED: Final = Kind("idempotency-key-reused", 422, "This Idempotency-Key came with another request")
UNFORESEEN: Final = Kind("unforeseen", 500, "The gateway failed")
MOVED: Final = Kind("step-list-moved", 412, "The step list has moved since")

_ERRORS: Final[Mapping[type[OcsError], Kind]] = {
    errors.BadInputError: BAD_INPUT,
    errors.MissingKeyError: BAD_INPUT,
    errors.RefusedError: Kind("refused", 409, "Not in this state"),
    errors.UnreachableError: Kind("no-such-component", 404, "No such component runs"),
    errors.LostReplyError: Kind("lost-reply", 504, "The component did not answer in time"),
    errors.LocationError: NOT_AVAILABLE,
    errors.OperationFailedError: Kind("operation-failed", 409, "The operation failed"),
    errors.ComponentFailedError: Kind("component-failed", 502, "The component failed"),
    errors.ScriptError: Kind("script", 422, "The script cannot be loaded"),
    errors.CommandError: Kind("command", 409, "The command was answered negatively"),
    errors.StepFailedError: Kind("step-failed", 409, "The step failed"),
    errors.ClusterError: NOT_AVAILABLE,
    errors.PackageRefusedError: Kind("package-refused", 422, "The package is broken or too big"),
    errors.UnknownPackageError: Kind("no-such-package", 404, "There is no such package"),
    errors.PackageTakenError: Kind("package-taken", 409, "Other bytes have this name and version"),
    errors.ExpiredError: Kind("expired", 410, "It was kept for its time, and is gone"),
    errors.NameTakenError: Kind("name-taken", 409, "A component of this name runs already"),
}
UNHANDLED: Final = Kind("unhandled", 409, "Not in this state")
_HOOK: Final = Kind("hook-failed", 409, "The script's handler failed")
_FAILED: Final = Kind("operation-failed", 409, "The operation failed")
_SCRIPT: Final = Kind("script", 422, "The script cannot be loaded")
_REPLIES: Final[Mapping[type[Any], Kind]] = {
    sequencer_replies.Unhandled: UNHANDLED,
    sequencer_replies.IdDoesNotExist: Kind("no-such-step", 404, "The list has no such step"),
    sequencer_replies.CannotOperateOnAnInFlightOrFinishedStep: Kind("step-begun", 409, "The step has begun already"),
    sequencer_replies.StepListMoved: MOVED,
    sequencer_replies.GoOnlineHookFailed: _HOOK,
    sequencer_replies.GoOfflineHookFailed: _HOOK,
    sequencer_replies.DiagnosticHookFailed: _HOOK,
    sequencer_replies.OperationsHookFailed: _HOOK,
    responses.Invalid: Kind("invalid", 422, "The sequence was not accepted"),
    responses.Locked: Kind("locked", 409, "The component is locked by somebody else"),
    manager_replies.ConfigurationMissing: Kind("no-such-mode", 404, "The catalogue has no such observing mode"),
    manager_replies.ConflictingResourcesWithRunningObsMode: Kind("conflict", 409, "Another mode holds the resources"),
    manager_replies.SequenceComponentNotAvailable: Kind("no-component", 409, "No idle sequence component"),
    manager_replies.FailedToStartSequencers: _SCRIPT,
    manager_replies.LoadScriptError: _SCRIPT,
    manager_replies.CouldNotFindMachines: Kind("no-such-machine", 422, "No agent answers for the machine"),
    manager_replies.SpawningSequenceComponentsFailed: _FAILED,
    manager_replies.FailedResponse: _FAILED,
    manager_replies.LocationServiceError: Kind("not-registered", 404, "It is not registered"),
    agent_messages.Failed: _FAILED,
}


class Refusal(Exception):
    """A refusal on its way to the response; ``Kind`` and detail, and what the component said."""

    def __init__(self, kind: Kind, detail: str, reply: object = None) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.reply = kind, detail, reply

    def response(self) -> Response:
        """As problem details."""
        more = {} if self.reply is None else {"reply": wire.encode(self.reply)}
        return _response(self.kind, self.detail, more)


def kinds() -> Mapping[str, Kind]:
    """Every type of problem there is, by its slug."""

    def all_of_them() -> Iterator[Kind]:
        yield from (BAD_INPUT, NO_SUCH_PATH, NO_SUCH_RUN, WRONG_METHOD, KEY_REUSED, UNFORESEEN, MOVED)
        yield from BEFORE_ROUTES.values()
        yield from _ERRORS.values()
        yield from _REPLIES.values()

    return {kind.slug: kind for kind in all_of_them()}


def accepted(reply: Any) -> Any:
    """The reply, unless it is a refusal.

    Raises:
        Refusal: it is one; the reply goes along.
    """
    if isinstance(reply, CommandResult) and not reply.accepted:
        raise Refusal(UNHANDLED, reply.reason or f"the command was {reply.disposition}", reply)
    if isinstance(reply, agent_messages.Completed):
        failed = [f"{who}: {how.msg}" for who, how in reply.responses.items() if isinstance(how, agent_messages.Failed)]
        if failed:
            raise Refusal(_FAILED, "; ".join(failed), reply)
    kind = _REPLIES.get(type(reply))
    if kind is not None:
        raise Refusal(kind, _detail(reply, kind), reply)
    return reply


def of_error(failure: OcsError) -> Response:
    """Problem details of an error; class and fields go along."""
    kind = next(_ERRORS[each] for each in (*type(failure).__mro__, errors.ClusterError) if each in _ERRORS)
    if type(failure) is UnreachableError and _is_service(failure.name):
        kind = NOT_AVAILABLE
    return _response(kind, str(failure), {"error": typed_json.encode_error(failure)})


def _is_service(name: str) -> bool:
    component = component_of(name)
    return component is not None and component[1] is ComponentType.Service


def _detail(reply: Any, kind: Kind) -> str:
    match reply:
        case responses.Invalid() | responses.Locked():
            return reply.reason
        case manager_replies.ConfigurationMissing():
            return f"unknown observing mode '{reply.obs_mode}' (known: {', '.join(reply.known)})"
        case manager_replies.ConflictingResourcesWithRunningObsMode():
            held = (f"{resource} is held by {mode}" for resource, mode in reply.conflicts.items())
            return ", ".join(held) or f"running: {', '.join(reply.running_obs_modes)}"
        case manager_replies.CouldNotFindMachines():
            known = ", ".join(reply.known)
            return f"no agent answers for {', '.join(reply.machines)} (the machines that are up: {known})"
        case manager_replies.FailedToStartSequencers():
            return "; ".join(reply.reasons)
        case manager_replies.SpawningSequenceComponentsFailed():
            return "; ".join(reply.failure_responses)
        case sequencer_replies.StepListMoved():
            return f"the list is at version {reply.list_version} now; read it anew"
        case sequencer_replies.IdDoesNotExist():
            return f"there is no step {reply.id}"
        case _:
            return getattr(reply, "msg", "") or getattr(reply, "reason", "") or kind.title


def _response(kind: Kind, detail: str, more: Mapping[str, Any]) -> Response:
    said = {"type": BASE + kind.slug, "title": kind.title, "status": kind.status, "detail": detail, **more}
    # what people sent may come back in the text, also half a character
    return Response(json.dumps(said).encode(), kind.status, {}, MEDIA)
