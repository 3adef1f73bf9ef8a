"""Every answer of the Sequence Manager that is not a success. Names: esw SequenceManagerResponse.scala."""

from __future__ import annotations

import pytest

from ocs_ray.cli.failures import exit_code
from ocs_ray.cli.refusals import expected, refused
from ocs_ray.core.component_locations import not_found_text
from ocs_ray.errors import RefusedError
from ocs_ray.models.agent_messages import Completed, Failed, Killed, Spawned
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import (
    AlreadyRunning,
    ConfigurationMissing,
    ConflictingResourcesWithRunningObsMode,
    CouldNotFindMachines,
    FailedResponse,
    FailedToStartSequencers,
    LoadScriptError,
    LocationServiceError,
    SequenceComponentNotAvailable,
    SequencerStarted,
    SpawningSequenceComponentsFailed,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Unhandled

A, B = ObsMode("A"), ObsMode("B")
IRIS_9 = ComponentId(prefix=Prefix("IRIS.IRIS_9"), component_type=ComponentType.SequenceComponent)
LOADING = "Failed to load sequencer script: "

ANSWERS = [
    (ConfigurationMissing(obs_mode=A, known=(B,)), 2, "unknown observing mode 'A' (known: B)"),
    (
        ConflictingResourcesWithRunningObsMode(running_obs_modes=(B,), conflicts={Subsystem.IRIS: B}),
        1,
        "ConflictingResourcesWithRunningObsMode: IRIS is held by B (release with: ocs shutdown B)",
    ),
    (
        SequenceComponentNotAvailable(variation_infos=(VariationInfo("ESW"),), msg="none for ESW"),
        1,
        "ocs provision",
    ),
    (
        FailedToStartSequencers(reasons=(f"{LOADING}script of ESW.A: /a/esw.py:3: invalid syntax",)),
        2,
        "/a/esw.py:3: invalid syntax",
    ),
    (FailedToStartSequencers(reasons=(f"{LOADING}ESW.ESW_1-SequenceComponent died",)), 1, "died"),
    (
        CouldNotFindMachines(machines=(Prefix("IRIS.machine9"),), known=(Prefix("IRIS.machine1"),)),
        2,
        "IRIS.machine9 (the machines that are up: IRIS.machine1)",
    ),
    (SpawningSequenceComponentsFailed(failure_responses=("no memory",)), 1, "no memory"),
    (FailedResponse(reason="it broke"), 1, "it broke"),
    (
        LocationServiceError(reason=not_found_text(IRIS_9)),
        1,
        "Failed with location service error: Could not find location matching connection: "
        "PekkoConnection(ComponentId(IRIS.IRIS_9,SequenceComponent)) (see what runs: ocs status)",
    ),
    (LoadScriptError(reason="script of ESW.A: /a/esw.py:3: invalid syntax"), 2, "Failed to load sequencer script: "),
    (LoadScriptError(reason="Script configuration missing for [ESW] with [nope]"), 2, "ocs modes"),
    (LoadScriptError(reason="ESW.ESW_1-SequenceComponent died"), 1, "died"),
    (Failed(msg="IRIS.IRIS_1-SequenceComponent is running already"), 1, "is running already"),
    (
        Completed(responses={"Container.a": Spawned(), "IRIS.filter": Failed(msg="no such factory")}),
        1,
        "IRIS.filter: no such factory",
    ),
    (Unhandled(state="Processing", message_type="Configure", msg="busy"), 1, "busy"),
]


@pytest.mark.parametrize(("response", "code", "text"), ANSWERS, ids=lambda value: type(value).__name__)
def test_given_a_refusal_when_it_is_told_then_it_names_cause_and_remedy_and_has_its_exit_code(
    response: Message, code: int, text: str
) -> None:
    failure = refused(response, "configure A")
    assert failure is not None
    assert text in str(failure)
    assert exit_code(failure) == code


SEQUENCER = ComponentId(Prefix("ESW.A"), ComponentType.Sequencer)
SUCCESSES = [
    Success(),
    SequencerStarted(component_id=SEQUENCER),
    AlreadyRunning(component_id=SEQUENCER),
    Spawned(),
    Killed(),
    Completed(responses={"Container.a": Spawned()}),
]


@pytest.mark.parametrize("response", SUCCESSES, ids=lambda value: type(value).__name__)
def test_given_a_success_when_asked_for_the_refusal_then_there_is_none(response: Message) -> None:
    assert refused(response, "configure A") is None


def test_given_an_answer_of_the_kind_expected_when_taken_then_it_is_that_and_else_the_refusal_is_raised() -> None:
    assert expected(Success, Success(), "resources") == Success()
    with pytest.raises(RefusedError, match="resources was refused: FailedResponse: it broke"):
        expected(Success, FailedResponse(reason="it broke"), "resources")
    with pytest.raises(RefusedError, match="an answer nobody foresaw"):
        expected(Success, Killed(), "resources")
