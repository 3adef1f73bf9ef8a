"""What the Sequence Manager refused, as an error that says what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

from ocs_ray.errors import BadInputError, OcsError, RefusedError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    SequenceComponentNotAvailable,
    SpawningSequenceComponentsFailed,
)
from ocs_ray.models.message import Message
from ocs_ray.models.sequencer_replies import Unhandled

SCRIPT_AT_FAULT = "script of "
"""How the text of a ScriptError starts; anything else that kept a sequencer from starting is no fault of a file."""


def unknown_mode(mode: str, known: Iterable[ObsMode]) -> BadInputError:
    """There is no such mode."""
    return BadInputError(where="", problem=f"unknown observing mode '{mode}'", remedy=f"known: {', '.join(known)}")


def refused(response: Message, asked: str) -> OcsError | None:
    """The error ``response`` stands for; None when it is a success.

    Args:
        asked: what was asked for, for example ``configure IRIS_IFSOnly``.
    """
    match response:
        case ConfigurationMissing():
            return unknown_mode(response.obs_mode, response.known)
        case CouldNotFindMachines():
            return BadInputError(
                where="",
                problem=f"no agent answers for the machine {', '.join(response.machines)}",
                remedy=f"the machines that are up: {', '.join(response.known)}",
            )
        case FailedToStartSequencers():
            return _scripts(response, asked)
        case ConflictingResourcesWithRunningObsMode():
            return _refused(response, asked, _conflict(response))
        case SequenceComponentNotAvailable():
            return _refused(response, asked, f"{response.msg} (start some: ocs provision MACHINE=COUNT ...)")
        case SpawningSequenceComponentsFailed():
            return _refused(response, asked, "; ".join(response.failure_responses))
        case FailedResponse():
            return _refused(response, asked, response.reason)
        case Unhandled():
            return _refused(response, asked, f"{response.msg} (another operation is going on: try again)")
        case _:
            return None


def _refused(response: Message, asked: str, text: str) -> RefusedError:
    kind = type(response).__name__
    return RefusedError(state="", message_type=asked, msg=f"{asked} was refused: {kind}: {text}")


def _scripts(response: FailedToStartSequencers, asked: str) -> OcsError:
    if not all(SCRIPT_AT_FAULT in reason for reason in response.reasons):
        return _refused(response, asked, "; ".join(response.reasons))
    return BadInputError(
        where="",
        problem=f"{asked} failed: {'; '.join(response.reasons)}",
        remedy="correct the script and try again; nothing was left running",
    )


def _conflict(response: ConflictingResourcesWithRunningObsMode) -> str:
    holders = sorted(set(response.conflicts.values())) or list(response.running_obs_modes)
    held = ", ".join(f"{resource} is held by {mode}" for resource, mode in response.conflicts.items())
    release = " && ".join(f"ocs shutdown {mode}" for mode in holders)
    return f"{held or 'the resources are taken'} (release with: {release})"
