"""Every call of the Sequence Manager's client becomes its message. Names: esw SequenceManagerApi.scala."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ocs_ray.actors.manager_ending import HOME_S, UNLOAD_S
from ocs_ray.actors.manager_reading import RESOLVE_S, STATUS_S
from ocs_ray.actors.manager_restart import RESTART_S
from ocs_ray.client import SequenceManager
from ocs_ray.client.sequence_manager import OPERATION_S
from ocs_ray.core.manager_states import OPERATIONS_S, RELEASE_S, UNDO_S
from ocs_ray.models import manager_messages
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.identifiers import ObsMode, Variation
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
    GetSequenceManagerState,
    Provision,
    ReloadObsModes,
    RestartSequencer,
    ShutdownAllSequenceComponents,
    ShutdownAllSequencers,
    ShutdownObsModeSequencers,
    ShutdownSequenceComponent,
    ShutdownSequencer,
    ShutdownSubsystemSequencers,
    StartSequencer,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Prefix, Subsystem

MODE, RED, IRIS = ObsMode("IRIS_Cal"), Variation("red"), Subsystem.IRIS
ONE = {"subsystem": IRIS, "obs_mode": MODE, "variation": RED}
MACHINE = Prefix("ESW.machine1")

CALLS: list[tuple[Callable[[SequenceManager], Awaitable[Any]], Message]] = [
    (lambda m: m.provision({MACHINE: 2}), Provision(components={MACHINE: 2})),
    (lambda m: m.configure(MODE, 0.5), Configure(obs_mode=MODE, time_factor=0.5)),
    (lambda m: m.start_sequencer(IRIS, MODE, RED), StartSequencer(**ONE)),
    (lambda m: m.restart_sequencer(IRIS, MODE, RED), RestartSequencer(**ONE)),
    (lambda m: m.shutdown_sequencer(IRIS, MODE, RED), ShutdownSequencer(**ONE)),
    (lambda m: m.shutdown_subsystem_sequencers(IRIS), ShutdownSubsystemSequencers(subsystem=IRIS)),
    (lambda m: m.shutdown_obs_mode(MODE), ShutdownObsModeSequencers(obs_mode=MODE)),
    (lambda m: m.shutdown_all_sequencers(), ShutdownAllSequencers()),
    (lambda m: m.shutdown_sequence_component(MACHINE), ShutdownSequenceComponent(prefix=MACHINE)),
    (lambda m: m.shutdown_all_sequence_components(), ShutdownAllSequenceComponents()),
    (lambda m: m.reload_obs_modes(), ReloadObsModes()),
    (lambda m: m.obs_modes_details(), GetObsModesDetails()),
    (lambda m: m.resources(), GetResources()),
    (lambda m: m.plan([MODE]), GetPlan(obs_modes=(MODE,))),
    (lambda m: m.plan(), GetPlan()),
    (lambda m: m.state(), GetSequenceManagerState()),
    (lambda m: m.status(), GetManagerStatus()),
]


class RecordingPort:
    """Takes whatever is asked, and answers with a mark."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        assert timeout_s > 0
        self.asked.append((name, message))
        return "the answer"


@pytest.mark.parametrize(("call", "message"), CALLS, ids=lambda value: type(value).__name__)
def test_given_a_call_when_made_then_the_manager_gets_its_message_and_the_answer_is_handed_on(
    call: Callable[[SequenceManager], Awaitable[Any]], message: Message
) -> None:
    port = RecordingPort()

    async def made() -> Any:
        return await call(SequenceManager(port))

    assert asyncio.run(made()) == "the answer"
    assert port.asked == [(SEQUENCE_MANAGER, message)]


def test_given_the_manager_s_messages_when_counted_then_the_client_has_a_call_for_each() -> None:
    messages = {
        kind
        for kind in vars(manager_messages).values()
        if isinstance(kind, type) and issubclass(kind, Message) and "kind" in kind.model_fields
    }
    assert messages == {type(message) for _, message in CALLS}


@pytest.mark.parametrize("operation", OPERATIONS_S, ids=lambda operation: operation.__name__)
def test_given_an_operation_that_takes_its_longest_when_all_is_undone_and_released_then_the_client_still_waits(
    operation: type[Message],
) -> None:
    undo_s = UNDO_S if operation in (Configure, StartSequencer) else 0.0  # both take down what they started
    releases_s = 2 * RELEASE_S  # of the modes that ended, and of those the operation was about
    assert OPERATIONS_S[operation] + undo_s + releases_s < OPERATION_S


def test_given_everything_the_undoing_of_one_sequencer_may_wait_for_then_a_patient_undo_has_time_for_it() -> None:
    assert STATUS_S + HOME_S + STATUS_S + UNLOAD_S < UNDO_S
    assert STATUS_S < RELEASE_S


def test_given_a_restart_whose_package_is_long_looked_for_then_its_limit_leaves_the_script_all_its_time_to_load() -> (
    None
):
    looks_s = HOME_S + STATUS_S + RESOLVE_S + STATUS_S  # where it is, what to load, and what runs in the end
    assert looks_s + RESTART_S < OPERATIONS_S[RestartSequencer]
