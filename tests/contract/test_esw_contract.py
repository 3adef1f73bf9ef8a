"""ESW's wire contract, word for word: every request is read, and every answer is what comes of a reply of ours.

The frozen lines in ``esw/`` are ours, in the form of esw-contract's data class; source: reference esw_sm 7.4 to 7.7,
esw_sequencer 5.4.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from ocs_ray.core.component_locations import connection_of
from ocs_ray.errors import BadInputError
from ocs_ray.gateway.esw import agent_service, manager, sequencer
from ocs_ray.gateway.esw.answers import answered
from ocs_ray.models import agent_messages, esw_agent, esw_manager, esw_requests, esw_sequencer, locations, steps, wire
from ocs_ray.models import manager_replies as replies
from ocs_ray.models import sequencer_replies as seq
from ocs_ray.models.commands import Wait
from ocs_ray.models.identifiers import Id, ObsMode, VariationInfo
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_messages import SequencerSnapshot, SequencerState

FILES = {file.stem: json.loads(file.read_text()) for file in sorted((Path(__file__).parent / "esw").glob("*.json"))}
DARK, TOP = ObsMode("DarkNight"), ComponentId("ESW.DarkNight", "Sequencer")
STEP = "e1eaea0d-0781-40f2-b6eb-f52fd05e04b0"
NO_COMPONENTS = "No sequence components found for sequencers : ESW.red"
TIMED_OUT = "Sequence Manager Operation(Configure) failed due to: Ask timed out after [10000] ms"
IN_STATE = "Sequence Manager can not accept 'messageType' message in 'state'"


def lines(what: str) -> list[Any]:
    found = [(service, line) for service, file in FILES.items() for line in file.get(what, [])]
    return [pytest.param(line, id=f"{service}-{n}-{line['_type']}") for n, (service, line) in enumerate(found)]


@pytest.mark.parametrize("line", lines("requests"))
def test_given_a_posted_request_when_it_is_read_then_nothing_of_it_is_lost(line: Any) -> None:
    assert wire.encode(wire.decode_text(esw_requests.PostRequest, json.dumps(line))) == line


@pytest.mark.parametrize("line", lines("streamRequests"))
def test_given_a_request_of_a_websocket_when_it_is_read_then_nothing_of_it_is_lost(line: Any) -> None:
    assert wire.encode(wire.decode_text(esw_requests.StreamRequest, json.dumps(line))) == line


def kinds(union: Any) -> list[str]:
    return [kind for each in get_args(get_args(union)[0]) for kind in _kinds_of(each)]


def _kinds_of(each: Any) -> list[str]:
    return kinds(each) if not hasattr(each, "model_fields") else [each.model_fields["kind"].default]


def test_given_all_services_behind_one_port_then_no_two_requests_share_a_type() -> None:
    for union in (esw_requests.PostRequest, esw_requests.StreamRequest, esw_sequencer.SequencerRequest):
        assert len(set(kinds(union))) == len(kinds(union))


def test_given_the_frozen_lines_then_every_request_we_take_is_among_them() -> None:
    posted = [line for file in FILES.values() for line in file["requests"]]
    assert {line["_type"] for line in posted} == set(kinds(esw_requests.PostRequest))
    commands = {line["command"]["_type"] for line in posted if line["_type"] == "SequencerCommand"}
    assert commands == set(kinds(esw_sequencer.SequencerRequest))
    streams = [line for file in FILES.values() for line in file.get("streamRequests", [])]
    assert {line["_type"] for line in streams} == set(kinds(esw_requests.StreamRequest))


def test_given_the_sequence_manager_s_requests_then_they_are_esw_s_twelve() -> None:
    assert len(kinds(esw_manager.ManagerRequest)) == 12


def test_given_two_variations_when_a_sequencer_is_to_be_started_then_it_is_refused() -> None:
    """What may be absent is a list of at most one."""
    line = {"_type": "StartSequencer", "subsystem": "ESW", "obsMode": "Dark", "variation": ["red", "blue"]}
    with pytest.raises(BadInputError, match="variation"):
        wire.decode(esw_requests.PostRequest, line)


# -- answers ---------------------------------------------------------------------------------------------------------


def details(name: str, status: Any, missing: str, *resources: Subsystem) -> replies.ObsModeDetails:
    lacking = (VariationInfo(missing),) if status == "NonConfigurable" else ()
    sequencers = (VariationInfo("ESW"),) if name == "DarkNight_1" else (VariationInfo("ESW"), VariationInfo(missing))
    return replies.ObsModeDetails(
        obs_mode=ObsMode(name), status=status, resources=resources, sequencers=sequencers, missing=lacking
    )


def of_the_manager() -> list[Any]:
    esw, iris, tcs, wfos = Subsystem.ESW, Subsystem.IRIS, Subsystem.TCS, Subsystem.WFOS
    one = details("DarkNight_2", "Configured", "TCS.red", esw, tcs)
    two = details("DarkNight_3", "NonConfigurable", "IRIS.red", esw, iris, wfos)
    three = details("DarkNight_1", "Configurable", "ESW", esw)
    free = replies.ResourceStatus(resource=iris, status="Available")
    held = replies.ResourceStatus(resource=tcs, status="InUse", obs_mode=DARK)
    known = (Prefix("ESW.primary"),)
    red = (VariationInfo("ESW.red"),)
    plain = [
        replies.Success(master_sequencer=TOP),
        replies.ConfigurationMissing(obs_mode=DARK, known=()),
        replies.ConflictingResourcesWithRunningObsMode(running_obs_modes=(DARK,), conflicts={tcs: DARK}),
        replies.FailedToStartSequencers(reasons=("reason",)),
        replies.SequenceComponentNotAvailable(variation_infos=red, msg=NO_COMPONENTS),
        replies.LocationServiceError(reason="location service error"),
        seq.Unhandled(state="state", message_type="messageType", msg=IN_STATE),
        replies.FailedResponse(reason=TIMED_OUT),
        replies.CouldNotFindMachines(machines=(Prefix("ESW.agent"),), known=known),
        replies.SpawningSequenceComponentsFailed(failure_responses=("failed sequence component",)),
        replies.SequencerStarted(component_id=TOP),
        replies.AlreadyRunning(component_id=TOP),
        replies.LoadScriptError(reason="error"),
        replies.Success(component_id=TOP),
        replies.Success(),
    ]
    return [
        *map(manager.as_esw, plain),
        manager.details_as_esw(replies.ObsModesDetails(obs_modes=(one, two))),
        manager.details_as_esw(replies.ObsModesDetails(obs_modes=(three,))),
        manager.resources_as_esw(replies.ResourcesStatus(resources=(free, held))),
        manager.resources_as_esw(replies.LocationServiceError(reason="error")),
    ]


def of_agents() -> list[Any]:
    sequence_component = ComponentId("ESW.comp", "SequenceComponent")
    connection = connection_of(sequence_component.prefix, sequence_component.component_type)
    found = locations.PekkoLocation(connection=connection, uri="uri", metadata={"key1": "value"})
    status = esw_agent.SequenceComponentStatus(seq_comp_id=sequence_component, sequencer_location=(found,))
    machine = esw_agent.AgentStatus(agent_id=ComponentId("ESW.agent1", "Machine"), seq_comps_status=(status,))
    completed = agent_messages.Completed(
        responses={"Container.c1": agent_messages.Spawned(), "ESW.h": agent_messages.Failed(msg="Error")}
    )
    return [
        agent_service.as_esw(agent_messages.Spawned(prefix=Prefix("ESW.comp"))),
        agent_service.as_esw(agent_messages.Killed()),
        agent_service.as_esw(agent_messages.Failed(msg="Spawn failed")),
        agent_service.as_esw(completed),
        esw_agent.AgentStatusSuccess(agent_status=(machine,), seq_comps_without_agent=()),
        manager.as_esw(replies.LocationServiceError(reason="location service error")),
    ]


def of_sequencers() -> list[Any]:
    command = Wait("CSW.ncc.trombone", "move", "2020A-001-123")

    def step(status: steps.StepStatus, **more: Any) -> steps.Step:
        return steps.Step(id=STEP, command=command, status=status, **more)

    listed = (
        step(steps.StepStatus.SUCCESS),
        step(steps.StepStatus.FAILURE, message="boom"),
        step(steps.StepStatus.IN_FLIGHT),
        step(steps.StepStatus.SKIPPED),  # ESW knows neither, and drops what does not run
        step(steps.StepStatus.CANCELLED),
        step(steps.StepStatus.PENDING, has_breakpoint=True),
    )

    def snapshot(state: SequencerState, *found: steps.Step) -> Any:
        seen = SequencerSnapshot(version=1, list_version=1, state=state, run_id=None, steps=found)
        return sequencer.state_response(seen)

    plain = [
        seq.Ok(note="the abort hook failed"),
        seq.Unhandled(
            state="Idle", message_type="Pause", msg="Sequencer can not accept 'Pause' message in 'Idle' state"
        ),
        seq.IdDoesNotExist(id=STEP),
        seq.CannotOperateOnAnInFlightOrFinishedStep(),
        seq.GoOnlineHookFailed(reason="x"),
        seq.GoOfflineHookFailed(reason="x"),
        seq.DiagnosticHookFailed(reason="x"),
        seq.OperationsHookFailed(reason="x"),
    ]
    return [
        *map(sequencer.as_esw, plain),
        *(esw_sequencer.SequencerState(kind=state.value) for state in SequencerState),
        snapshot(SequencerState.RUNNING, *listed),
        snapshot(SequencerState.IDLE),
        esw_sequencer.InvalidComponent(
            msg="Could not find location matching connection: ESW.DarkNight-Sequencer-pekko"
        ),
    ]


def of_locations() -> list[Any]:
    connection = locations.Connection("ESW.sequence_manager", "Service", "http")
    wheel = connection_of(Prefix("TCS.filter.wheel"), ComponentType.HCD)
    found = locations.HttpLocation(connection=connection, uri="http://127.0.0.1:8090/", metadata={})
    return [
        found,
        locations.PekkoLocation(connection=wheel, uri="path", metadata={"PID": "4242"}),
        locations.LocationUpdated(location=found),
        locations.LocationRemoved(connection=connection),
        locations.OtherLocationIsRegistered(msg="failure message"),
        locations.RegistrationFailed(msg="failure message"),
        locations.UnregistrationFailed(connection=connection),
    ]


@pytest.mark.parametrize(
    ("service", "ours"),
    [
        ("manager", of_the_manager()),
        ("agent", of_agents()),
        ("sequencer", of_sequencers()),
        ("location", of_locations()),
    ],
    ids=["manager", "agent", "sequencer", "location"],
)
def test_given_a_reply_of_ours_when_it_is_told_to_esw_then_it_is_the_frozen_line(service: str, ours: list[Any]) -> None:
    told = [json.dumps(wire.encode(each), sort_keys=True) for each in ours]
    frozen = [json.dumps(line, sort_keys=True) for line in FILES[service]["answers"]]
    assert sorted(told) == sorted(frozen)


def test_given_a_failure_esw_has_a_type_for_when_answered_then_status_header_and_body_are_esw_s() -> None:
    reply = answered(esw_sequencer.InvalidComponent(msg="nobody"))
    assert (reply.status_code, reply.headers["Error-Type"]) == (500, "DomainError")
    assert json.loads(bytes(reply.body)) == {"_type": "InvalidComponent", "msg": "nobody", "error_message": "nobody"}


def test_given_a_step_that_was_cancelled_while_it_ran_then_esw_sees_that_it_failed() -> None:
    command = Wait("CSW.ncc.trombone", "move", None)
    cancelled = steps.Step(id=Id(STEP), command=command, status=steps.StepStatus.CANCELLED, started_at=1.0)
    (shown,) = sequencer.step_list((cancelled,))
    assert wire.encode(shown)["status"] == {"_type": "Failure", "message": "cancelled"}
