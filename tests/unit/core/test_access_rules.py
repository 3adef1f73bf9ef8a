"""Who may do what. Expected values: reference esw_sm 7.3, case 53."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ocs_ray.models
from ocs_ray.core.access_rules import INSIDE, NEEDS, Need, Verdict, is_read, judge, required_role
from ocs_ray.models.access import ROLES, Caller, Role, known_role
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem

NOBODY = Caller()
ANSWERS_IN_REQUEST_ROOMS = {  # replies that live beside the requests they answer
    *("Completed", "Failed", "Killed", "Spawned", "LoadingScriptFailed", "ScriptLoaded", "CommandResult"),
    *("ProcedureStatus", "AcquiringLockFailed", "LockAcquired", "LockAlreadyReleased", "LockExpired"),
    *("LockExpiringShortly", "LockReleased", "ReleasingLockFailed", "StillLocked", "archive_piece", "package_info"),
    *("package_list", "package_sent", "packages_deleted", "resolved_script", "sending_stage", "tag_history"),
    *("channel_piece", "instance_health", "instance_list", "start_failure", "task_started"),
}
# ESW's contract, reference esw_sm 7.4 to 7.7
ESW_CHANGES = """
    Configure Provision StartSequencer RestartSequencer ShutdownSequencer ShutdownSubsystemSequencers
    ShutdownObsModeSequencers ShutdownAllSequencers ShutdownSequenceComponent ShutdownAllSequenceComponents
    SpawnSequenceComponent SpawnSequenceManager SpawnContainers KillComponent
"""
SEQUENCER_CHANGES = """
    LoadSequence StartSequence Add Prepend Replace InsertAfter Delete AddBreakpoint RemoveBreakpoint Reset Pause
    Resume GoOnline GoOffline AbortSequence Stop DiagnosticMode OperationsMode Submit
"""
ESW_READS = """
    GetObsModesDetails GetResources GetAgentStatus ListEntries ListByComponentType ListByHostname
    ListByConnectionType ListByPrefix Find Resolve Track GetSequence GetSequencerState GetSequenceComponent
    IsAvailable IsOnline Query QueryFinal SubscribeSequencerState
"""


def _somebody(*roles: str) -> Caller:
    return Caller(name="somebody", roles=frozenset(Role(role) for role in roles), is_known=True)


def _messages(cls: type[Message]) -> Iterator[type[Message]]:
    for each in cls.__subclasses__():
        yield each
        yield from _messages(each)


def _request_kinds() -> set[str]:
    for module in pkgutil.iter_modules(ocs_ray.models.__path__):
        importlib.import_module(f"ocs_ray.models.{module.name}")
    return {
        each.model_fields["kind"].default
        for each in _messages(Message)
        if "kind" in each.model_fields
        and each.__module__.startswith("ocs_ray.models.")
        and each.__module__.rpartition(".")[2].endswith(("_messages", "component_modes"))
    }


def test_given_every_message_a_component_understands_when_looked_up_then_it_is_in_exactly_one_place() -> None:
    kinds = _request_kinds()
    assert len(kinds) > 100
    assert kinds - set(NEEDS) - INSIDE - ANSWERS_IN_REQUEST_ROOMS == set()
    assert not set(NEEDS) & INSIDE
    assert not set(NEEDS) & ANSWERS_IN_REQUEST_ROOMS


@pytest.mark.parametrize("kind", ESW_READS.split())
def test_given_a_read_of_esw_when_nobody_asks_then_it_is_open_unless_reads_are_closed(kind: str) -> None:
    assert judge(NOBODY, kind, Prefix("IRIS.a")) is Verdict.ALLOWED
    assert judge(NOBODY, kind, Prefix("IRIS.a"), reads_open=False) is Verdict.UNAUTHENTICATED
    assert judge(_somebody("wfos-user"), kind, Prefix("IRIS.a"), reads_open=False) is Verdict.ALLOWED


@pytest.mark.parametrize("kind", [*ESW_CHANGES.split(), "ReloadObsModes", "SpawnDevice"])
def test_case_53_given_a_change_of_the_manager_or_an_agent_then_esw_user_alone_opens_it(kind: str) -> None:
    assert judge(NOBODY, kind) is Verdict.UNAUTHENTICATED
    assert judge(_somebody("iris-user", "script-admin"), kind) is Verdict.FORBIDDEN
    assert judge(_somebody("ESW-user"), kind) is Verdict.ALLOWED


@pytest.mark.parametrize("kind", SEQUENCER_CHANGES.split())
def test_given_a_change_of_a_sequencer_then_its_subsystem_s_role_opens_it_and_esw_user_does_not(kind: str) -> None:
    iris = Prefix("IRIS.IRIS_ImagerOnly")
    assert judge(NOBODY, kind, iris) is Verdict.UNAUTHENTICATED
    assert judge(_somebody("esw-user", "tcs-user"), kind, iris) is Verdict.FORBIDDEN
    assert judge(_somebody("IRIS-user"), kind, iris) is Verdict.ALLOWED
    assert judge(_somebody("esw-user"), kind, Prefix("ESW.IRIS_ImagerOnly")) is Verdict.ALLOWED


def test_given_a_subscription_when_reads_are_open_then_any_token_does_and_nobody_is_not_enough() -> None:
    for reads_open in (True, False):
        assert judge(NOBODY, "Subscribe", reads_open=reads_open) is Verdict.UNAUTHENTICATED
        assert judge(_somebody("wfos-user"), "Subscribe", reads_open=reads_open) is Verdict.ALLOWED
        assert judge(Caller(is_trusted=True), "Subscribe", reads_open=reads_open) is Verdict.ALLOWED


@given(
    st.sampled_from([kind for kind in sorted(NEEDS) if NEEDS[kind] not in (Need.READ, Need.TOKEN)]),
    st.sampled_from(list(Subsystem)),
)
def test_given_any_change_and_any_target_then_every_role_but_one_is_refused(kind: str, subsystem: Subsystem) -> None:
    target = Prefix.of(subsystem, "x")
    needed = required_role(kind, target)
    assert needed is not None
    assert judge(_somebody(*(set(ROLES) - {needed})), kind, target) is Verdict.FORBIDDEN
    assert judge(_somebody(needed), kind, target) is Verdict.ALLOWED
    assert judge(Caller(problem="expired"), kind, target) is Verdict.UNAUTHENTICATED
    assert judge(Caller(is_trusted=True), kind, target) is Verdict.ALLOWED


@given(st.text(), st.sets(st.sampled_from(ROLES)), st.booleans())
def test_given_a_kind_nobody_knows_then_nobody_may_send_it(kind: str, roles: set[Role], trusted: bool) -> None:
    if kind in NEEDS:
        return
    caller = Caller(name="all", roles=frozenset(roles), is_known=True, is_trusted=trusted)
    assert judge(caller, kind, Prefix("IRIS.a"), reads_open=True) is Verdict.FORBIDDEN
    assert not is_read(kind)


@pytest.mark.parametrize("kind", sorted(INSIDE))
def test_given_what_components_say_to_each_other_then_nobody_may_send_it_from_outside(kind: str) -> None:
    assert judge(_somebody(*ROLES), kind, Prefix("IRIS.a")) is Verdict.FORBIDDEN


def test_given_a_change_for_somebody_when_nobody_is_named_then_it_is_a_fault_and_not_open() -> None:
    with pytest.raises(ValueError, match="nobody was named"):
        judge(_somebody("esw-user"), "Pause")


def test_given_a_role_when_written_in_any_case_then_it_is_the_same_and_a_slip_names_the_nearest() -> None:
    assert Role(" ESW-User ") == Role("esw-user")
    assert known_role("Iris-User") == Role.of_subsystem(Subsystem.IRIS)
    with pytest.raises(Exception, match="did you mean 'iris-user'"):
        known_role("irsi-user")
    assert {NEEDS[kind] for kind in NEEDS} == set(Need)
