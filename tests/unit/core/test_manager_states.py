"""Idle and Processing. Source: esw SequenceManagerBehavior.scala, reference esw_sm section 2."""

from __future__ import annotations

from typing import get_args

import pytest

from ocs_ray.core.manager_states import OPERATIONS_S, READS, Refused, State, Trigger, decide, trigger_of
from ocs_ray.models import manager_messages
from ocs_ray.models.message import Message

CHANGES = (  # source: reference esw_sm section 1, column "idle-only"; ReloadObsModes is ours
    "Configure Provision StartSequencer RestartSequencer ShutdownSequencer ShutdownSubsystemSequencers "
    "ShutdownObsModeSequencers ShutdownAllSequencers ShutdownSequenceComponent ShutdownAllSequenceComponents "
    "ReloadObsModes"
)


def test_given_the_table_when_every_pair_is_asked_then_only_esw_s_are_accepted() -> None:
    accepted = {(state, trigger): decide(state, trigger) for state in State for trigger in Trigger}
    assert accepted == {
        (State.IDLE, Trigger.OPERATION): State.PROCESSING,
        (State.IDLE, Trigger.READ): State.IDLE,
        (State.IDLE, Trigger.COMPLETE): Refused(State.IDLE, Trigger.COMPLETE),  # ESW would crash
        (State.PROCESSING, Trigger.OPERATION): Refused(State.PROCESSING, Trigger.OPERATION),
        (State.PROCESSING, Trigger.READ): State.PROCESSING,
        (State.PROCESSING, Trigger.COMPLETE): State.IDLE,
    }


def test_given_every_message_when_sorted_then_those_of_the_reference_change_and_the_others_read() -> None:
    assert {kind.__name__ for kind in OPERATIONS_S} == set(CHANGES.split())
    kinds = {
        kind
        for kind in vars(manager_messages).values()
        if isinstance(kind, type) and issubclass(kind, Message) and "kind" in kind.model_fields
    }
    assert kinds == set(OPERATIONS_S) | set(READS)
    assert all(get_args(kind.model_fields["kind"].annotation) == (kind.__name__,) for kind in kinds)


@pytest.mark.parametrize("operation", CHANGES.split())
def test_given_processing_when_a_changing_operation_comes_then_it_is_refused_in_esw_s_words(operation: str) -> None:
    refused = decide(State.PROCESSING, Trigger.OPERATION)  # case 15
    assert isinstance(refused, Refused)
    assert refused.text(operation) == f"Sequence Manager can not accept '{operation}' message in 'Processing'"


def test_given_something_else_when_sorted_then_it_is_neither() -> None:
    assert trigger_of("hello") is None
    assert trigger_of(Message()) is None
