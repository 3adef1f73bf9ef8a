"""What the Sequence Manager or an agent refused, as an error that says what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from ocs_ray.errors import BadInputError, OcsError, RefusedError
from ocs_ray.models.agent_messages import Completed, Failed
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import (
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    LoadScriptError,
    LocationServiceError,
    SequenceComponentNotAvailable,
    SpawningSequenceComponentsFailed,
)
from ocs_ray.models.message import Message
from ocs_ray.models.sequencer_replies import Unhandled

SCRIPT_AT_FAULT: Final = "script of "
"""How the text of a ScriptError starts; anything else that kept a sequencer from starting is no fault of a file."""
NO_SCRIPT: Final = "Script configuration missing"
"""How ESW's text starts when the catalogue names no such sequencer."""
T = TypeVar("T", bound=Message)


def unknown_mode(mode: str, known: Iterable[ObsMode]) -> BadInputError:
    """There is no such mode."""
    return BadInputError(where="", problem=f"unknown observing mode '{mode}'", remedy=f"known: {', '.join(known)}")


def expected(kind: type[T], response: Message, asked: str) -> T:
    """``response``, which is of this kind unless it is a refusal.

    Raises:
        OcsError: the refusal.
    """
    if isinstance(response, kind):
        return response
    raise refused(response, asked) or _refused(response, asked, "an answer nobody foresaw")


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
            return _scripts(response, asked, response.reasons)
        case LoadScriptError():
            return _scripts(response, asked, (f"Failed to load sequencer script: {response.reason}",))
        case ConflictingResourcesWithRunningObsMode():
            return _refused(response, asked, _conflict(response))
        case SequenceComponentNotAvailable():
            return _refused(response, asked, f"{response.msg} (start some: ocs provision MACHINE=COUNT ...)")
        case SpawningSequenceComponentsFailed():
            return _refused(response, asked, "; ".join(response.failure_responses))
        case FailedResponse():
            return _refused(response, asked, response.reason)
        case LocationServiceError():
            text = f"Failed with location service error: {response.reason} (see what runs: ocs status)"
            return _refused(response, asked, text)
        case Failed():
            return _refused(response, asked, response.msg)
        case Completed():
            failed = [f"{name}: {how.msg}" for name, how in response.responses.items() if isinstance(how, Failed)]
            return _refused(response, asked, "; ".join(failed)) if failed else None
        case Unhandled():
            return _refused(response, asked, f"{response.msg} (another operation is going on: try again)")
        case _:
            return None


def _refused(response: Message, asked: str, text: str) -> RefusedError:
    kind = type(response).__name__
    return RefusedError(state="", message_type=asked, msg=f"{asked} was refused: {kind}: {text}")


def _scripts(response: Message, asked: str, reasons: tuple[str, ...]) -> OcsError:
    problem = f"{asked} failed: {'; '.join(reasons)}"
    if all(NO_SCRIPT in reason for reason in reasons):
        return BadInputError(where="", problem=problem, remedy="see the modes and their sequencers: ocs modes")
    if all(SCRIPT_AT_FAULT in reason for reason in reasons):
        remedy = "correct the script and try again; nothing was left running"
        return BadInputError(where="", problem=problem, remedy=remedy)
    return _refused(response, asked, "; ".join(reasons))


def _conflict(response: ConflictingResourcesWithRunningObsMode) -> str:
    holders = sorted(set(response.conflicts.values())) or list(response.running_obs_modes)
    held = ", ".join(f"{resource} is held by {mode}" for resource, mode in response.conflicts.items())
    release = " && ".join(f"ocs shutdown {mode}" for mode in holders)
    return f"{held or 'the resources are taken'} (release with: {release})"
