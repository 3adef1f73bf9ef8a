"""Who may do what: one table from the kind of a message to what it needs; what is not in it is refused.

A message has the same kind whether it comes as ESW's JSON or through ``/api/v1``, so both ask the same table.
Source: esw SequenceManagerRequest, AgentServiceRequest and GatewayRequest handlers; reference esw_sm 7.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ocs_ray.models.access import ESW_USER, LOCATION_ADMIN, SCRIPT_ADMIN, Caller, Role
from ocs_ray.models.prefix import Prefix


class Need(StrEnum):
    """What a message asks of its sender."""

    READ = "read"
    """Nothing is changed: open, unless the settings close reads."""
    TOKEN = "token"
    """Nothing is changed, but something is kept for the sender: any valid token does."""
    ESW_USER = "esw-user"
    SUBSYSTEM_USER = "subsystem-user"
    """``<subsystem>-user`` of what it is for: ``iris-user`` for ``IRIS.x``; ``esw-user`` alone does not do."""
    SCRIPT_ADMIN = "script-admin"
    LOCATION_ADMIN = "location-admin"


class Verdict(StrEnum):
    """What becomes of a request."""

    ALLOWED = "allowed"
    UNAUTHENTICATED = "unauthenticated"
    """401: nobody knows who this is."""
    FORBIDDEN = "forbidden"
    """403: he is known, and may not."""


_KINDS: Final[Mapping[Need, str]] = {
    Need.READ: """
        GetObsModesDetails GetResources GetPlan GetSequenceManagerState GetManagerStatus GetAgentStatus
        GetComponentStatus GetSequence GetSequencerState GetSequenceComponent IsAvailable IsOnline Query QueryFinal
        SubscribeSequencerState GetRuns GetStatus GetMetrics Watch AwaitEnd GetProcedure WatchProcedure
        GetCurrentStates NextLockNotice ListEntries ListByComponentType ListByHostname ListByConnectionType ListByPrefix
        Find Resolve Track
        GetEvent NextEvents Unsubscribe GetAlarm GetAlarms ConfigExists GetConfig ListConfigs GetConfigHistory
        get_sending get_package list_packages get_tag_history fetch_archive
        get_instance list_instances get_runs wait_instance read_channel get_health
    """,
    Need.TOKEN: "Subscribe",  # every publish pays for it, until its owner was silent for an hour
    Need.ESW_USER: """
        Configure Provision StartSequencer RestartSequencer ShutdownSequencer ShutdownSubsystemSequencers
        ShutdownObsModeSequencers ShutdownAllSequencers ShutdownSequenceComponent ShutdownAllSequenceComponents
        ReloadObsModes SpawnSequenceComponent SpawnSequenceManager SpawnContainers SpawnDevice KillComponent
    """,
    Need.SUBSYSTEM_USER: """
        SubmitSequence Submit Oneway Validate LoadSequence StartSequence RetryFailed AbortSequence Stop GoOnline
        GoOffline DiagnosticMode OperationsMode Shutdown SetTimeFactor SendCommand
        Add Prepend Replace InsertAfter Delete AddBreakpoint RemoveBreakpoint Reset Pause Resume StepOnce Skip Move
        LockComponent UnlockComponent DeviceDiagnosticMode DeviceOperationsMode DeviceGoOnline DeviceGoOffline
        Publish SetSeverity AcknowledgeAlarm ResetAlarm
    """,
    Need.SCRIPT_ADMIN: """
        send_chunk finish_sending tag_package roll_back_package delete_package prune_packages PutConfig SetActiveConfig
        start_instance stop_instance kill_instance restart_instance end_instances collect_instances send_input
        send_event
    """,
    Need.LOCATION_ADMIN: "Register Unregister UnregisterAll",
}
NEEDS: Final[Mapping[str, Need]] = {kind: need for need, kinds in _KINDS.items() for kind in kinds.split()}
"""The table: kind of a message -> what it needs."""

INSIDE: Final = frozenset(
    (
        *("LoadScript", "UnloadScript", "RestartScript", "ShutdownComponent", "resolve_script"),
        *("instance_task", "get_runs_here", "forget_runs", "instance_changed"),
    )
)
"""What components say to each other; nobody may send it from outside."""


def required_role(kind: str, target: Prefix | None = None) -> Role | None:
    """The role a message needs.

    Args:
        kind: of the message: ``Configure``; ESW's ``_type`` is the same.
        target: who it is for: the sequencer, the device, the source of an event.

    Returns:
        The role; None when it needs none.

    Raises:
        KeyError: no such message may come from outside.
        ValueError: the message needs a target and has none.
    """
    match NEEDS[kind]:
        case Need.READ | Need.TOKEN:
            return None
        case Need.ESW_USER:
            return ESW_USER
        case Need.SCRIPT_ADMIN:
            return SCRIPT_ADMIN
        case Need.LOCATION_ADMIN:
            return LOCATION_ADMIN
        case Need.SUBSYSTEM_USER if target is not None:
            return Role.of_subsystem(target.subsystem)
        case _:
            raise ValueError(f"{kind} is for somebody, and nobody was named")


def judge(caller: Caller, kind: str, target: Prefix | None = None, *, reads_open: bool = True) -> Verdict:
    """Whether a caller may send a message. What is not in the table is forbidden to everybody.

    Args:
        caller: who sends it.
        kind: of the message.
        target: who it is for.
        reads_open: whether reads need no token.
    """
    if kind not in NEEDS:
        return Verdict.FORBIDDEN
    needed = required_role(kind, target)
    if caller.is_trusted or (is_read(kind) and reads_open):
        return Verdict.ALLOWED
    if not caller.is_known:
        return Verdict.UNAUTHENTICATED
    return Verdict.ALLOWED if needed is None or needed in caller.roles else Verdict.FORBIDDEN


def is_read(kind: str) -> bool:
    """Whether a message changes nothing; False for one nobody knows."""
    return NEEDS.get(kind) is Need.READ
