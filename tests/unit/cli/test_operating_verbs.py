"""The verbs of the Sequence Manager and of agents, from the command line to the message and back, without a cluster."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ocs_ray.cli import cluster_session
from ocs_ray.cli.agent_verbs import agent_of, component_id
from ocs_ray.cli.main import run
from ocs_ray.client import Agent
from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Failed,
    GetAgentStatus,
    Spawned,
    SpawnSequenceComponent,
)
from ocs_ray.models.component_messages import DeviceStatus, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode, Variation, VariationInfo
from ocs_ray.models.manager_messages import (
    Configure,
    GetManagerStatus,
    GetObsModesDetails,
    GetPlan,
    GetResources,
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
from ocs_ray.models.manager_replies import (
    AlreadyRunning,
    ConfigurationMissing,
    FailedResponse,
    LocationServiceError,
    ManagerStatus,
    ObsModeDetails,
    ObsModesDetails,
    ObsModesReloaded,
    Plan,
    ResourcesStatus,
    SequencerStarted,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_replies import Unhandled
from ocs_ray.scripting.port import use_default_port

MODE, IRIS = ObsMode("IRIS_Cal"), Subsystem.IRIS
SEQUENCER = {"subsystem": IRIS, "obs_mode": MODE}
RED = {**SEQUENCER, "variation": Variation("red.two")}
ID = ComponentId(Prefix("IRIS.IRIS_Cal"), ComponentType.Sequencer)
DETAILS = ObsModesDetails(
    obs_modes=(
        ObsModeDetails(obs_mode=MODE, status="Configured", resources=(IRIS,), sequencers=(VariationInfo("ESW"),)),
    )
)
STATUS = ManagerStatus(state="Idle", agents=(), silent_agents=(), running_obs_modes=(), pid=1)
BUSY = Unhandled(state="Processing", message_type="Configure", msg="Sequence Manager can not accept 'Configure'")


class Cluster:
    """What is asked of whom, and what is answered."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.answers: dict[type, object] = {GetObsModesDetails: DETAILS, GetManagerStatus: STATUS}

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        self.asked.append((name, message))
        answer = self.answers.get(type(message), Success())
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Joining succeeds, and this is what is behind it."""
    made = Cluster()
    monkeypatch.setattr(cluster_session, "join", lambda: use_default_port(made))
    monkeypatch.setattr(cluster_session, "leave", lambda: None)
    return made


CALLS: list[tuple[str, Message]] = [
    ("provision ESW.machine1=2", Provision(components={Prefix("ESW.machine1"): 2})),
    ("unprovision", ShutdownAllSequenceComponents()),
    ("configure IRIS_Cal", Configure(obs_mode=MODE)),
    ("start-sequencer IRIS.IRIS_Cal", StartSequencer(**SEQUENCER)),
    ("start-sequencer IRIS.IRIS_Cal.red.two", StartSequencer(**RED)),  # case 19
    ("restart-sequencer IRIS.IRIS_Cal.red.two", RestartSequencer(**RED)),
    ("shutdown IRIS_Cal", ShutdownObsModeSequencers(obs_mode=MODE)),
    ("shutdown --sequencer IRIS.IRIS_Cal", ShutdownSequencer(**SEQUENCER)),
    ("shutdown --subsystem iris", ShutdownSubsystemSequencers(subsystem=IRIS)),
    ("shutdown --all-sequencers", ShutdownAllSequencers()),
    ("shutdown --component IRIS.IRIS_1", ShutdownSequenceComponent(prefix=Prefix("IRIS.IRIS_1"))),
    ("shutdown --all-components", ShutdownAllSequenceComponents()),
]


@pytest.mark.parametrize(("line", "message"), CALLS)
def test_given_a_changing_verb_when_it_succeeds_then_the_manager_got_its_message_and_one_line_is_told(
    line: str, message: Message, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 0
    assert cluster.asked[-1] == (SEQUENCE_MANAGER, message)
    told = capsys.readouterr()
    assert told.out.count("\n") == 1
    assert told.err.endswith(" ...\n")  # what takes long says what it does


@pytest.mark.parametrize(("line", "message"), CALLS)
@pytest.mark.parametrize(
    ("answer", "code"), [(Success(), 0), (FailedResponse(reason="it broke"), 1), (BUSY, 1)], ids=["good", "bad", "busy"]
)
def test_given_a_changing_verb_for_programs_when_answered_then_the_answer_is_the_document_and_the_code_tells(
    line: str, message: Message, answer: Message, code: int, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[type(message)] = answer
    assert run([*line.split(), "--json"]) == code
    told = capsys.readouterr()
    assert json.loads(told.out)["kind"] == type(answer).__name__
    assert told.err.count("ocs: ") == bool(code)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(SequencerStarted(component_id=ID), "runs"), (AlreadyRunning(component_id=ID), "runs already")],
)
def test_given_a_sequencer_that_runs_or_already_ran_when_started_then_all_is_well(
    answer: Message, words: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[StartSequencer] = answer  # case 17
    assert run(["start-sequencer", "IRIS.IRIS_Cal"]) == 0
    assert capsys.readouterr().out == f"IRIS.IRIS_Cal {words}\n"


def test_given_a_manager_whose_catalogue_is_at_fault_then_a_mode_can_be_shut_down_and_the_reads_name_the_fault(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = FailedResponse(reason="the catalogue of observing modes cannot be read: one.yaml:7: ...")
    cluster.answers[GetObsModesDetails] = cluster.answers[GetPlan] = fault
    assert run(["shutdown", "IRIS_Cal"]) == 0
    assert cluster.asked[-1] == (SEQUENCE_MANAGER, ShutdownObsModeSequencers(obs_mode=MODE))
    for verb in ("modes", "plan"):
        assert run([verb]) == 1
        assert "one.yaml:7" in capsys.readouterr().err


def test_given_a_component_that_is_none_when_shut_down_then_the_reason_is_told(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[ShutdownSequenceComponent] = LocationServiceError(reason="Could not find it")  # case 24
    assert run(["shutdown", "--component", "IRIS.IRIS_9"]) == 1
    assert "Failed with location service error: Could not find it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("shutdown", "one thing at a time"),
        ("shutdown IRIS_Cal --all-sequencers", "one thing at a time"),
        ("shutdown --subsystem MARS", "unknown subsystem"),
        ("shutdown --component nope", "is not a prefix"),
        ("shutdown Nope", "unknown observing mode 'Nope' (known: IRIS_Cal)"),
        ("start-sequencer IRIS_Cal", "is not a prefix"),
        ("restart-sequencer MARS.IRIS_Cal", "unknown subsystem"),
        ("spawn component machine1", "is not a prefix"),
        ("spawn component IRIS.machine1 --name a-b", "'-'"),
        ("kill IRIS.IRIS_1", "write PREFIX-TYPE"),
        ("kill IRIS.IRIS_1-Nothing", "write PREFIX-TYPE"),
    ],
)
def test_given_words_that_make_no_sense_when_run_then_they_are_refused_and_nothing_is_changed(
    line: str, words: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 2
    assert words in capsys.readouterr().err
    assert all(isinstance(message, GetObsModesDetails | GetManagerStatus) for _, message in cluster.asked)


READS: list[tuple[str, Message, Message]] = [
    ("modes", GetObsModesDetails(), DETAILS),
    ("resources", GetResources(), ResourcesStatus(resources=())),
    ("plan", GetPlan(), Plan(modes=(), together=True)),
    ("plan IRIS_Cal", GetPlan(obs_modes=(MODE,)), Plan(modes=(), together=True)),
    ("agents", GetManagerStatus(), STATUS),
]


@pytest.mark.parametrize(("line", "message", "answer"), READS)
@pytest.mark.parametrize("as_json", [True, False])
def test_given_a_reading_verb_when_answered_then_it_is_told(
    line: str,
    message: Message,
    answer: Message,
    as_json: bool,
    cluster: Cluster,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster.answers[type(message)] = answer
    assert run([*line.split(), *(["--json"] if as_json else [])]) == 0
    assert cluster.asked == [(SEQUENCE_MANAGER, message)]
    told = capsys.readouterr()
    assert told.err == ""
    assert not as_json or isinstance(json.loads(told.out), dict)


def test_given_a_reading_verb_when_it_is_refused_then_that_is_told(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[GetPlan] = ConfigurationMissing(obs_mode=ObsMode("Nope"), known=(MODE,))
    assert run(["plan", "Nope"]) == 2
    assert "unknown observing mode 'Nope' (known: IRIS_Cal)" in capsys.readouterr().err
    cluster.answers[GetResources] = LocationServiceError(reason="listing failed")  # case 39
    assert run(["resources"]) == 1
    assert "listing failed" in capsys.readouterr().err


def test_given_a_catalogue_that_changed_when_reloaded_then_the_changes_are_told(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[ReloadObsModes] = ObsModesReloaded(added=(ObsMode("New"),), changed=(MODE,), running=(MODE,))
    assert run(["obsmodes", "reload"]) == 0
    assert capsys.readouterr().out == "added: New\nchanged: IRIS_Cal\nrunning on as they were: IRIS_Cal\n"
    cluster.answers[ReloadObsModes] = ObsModesReloaded()
    assert run(["obsmodes", "reload"]) == 0
    assert capsys.readouterr().out == "nothing has changed\n"


@pytest.mark.parametrize(
    ("options", "sent", "told"),
    [
        ([], None, "IRIS.IRIS_7 runs on IRIS.machine1\n"),
        (["--name", "IRIS_5"], "IRIS.IRIS_5", "IRIS.IRIS_5 runs on IRIS.machine1\n"),
        (["--name", "IRIS.IRIS_5"], "IRIS.IRIS_5", "IRIS.IRIS_5 runs on IRIS.machine1\n"),
    ],
)
def test_given_a_machine_when_a_component_is_spawned_then_its_agent_is_asked_and_the_name_is_told(
    options: list[str], sent: str | None, told: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[SpawnSequenceComponent] = Spawned(prefix=Prefix(sent or "IRIS.IRIS_7"))
    assert run(["spawn", "component", "IRIS.machine1", *options]) == 0
    prefix = None if sent is None else Prefix(sent)
    assert cluster.asked == [("IRIS.machine1-Machine", SpawnSequenceComponent(prefix=prefix))]
    assert capsys.readouterr().out == told


def test_given_an_agent_that_fails_or_is_silent_when_a_component_is_spawned_then_the_reason_is_told(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[SpawnSequenceComponent] = Failed(msg="IRIS.IRIS_1 is running already")  # case 43
    assert run(["spawn", "component", "IRIS.machine1"]) == 1
    assert "IRIS.IRIS_1 is running already" in capsys.readouterr().err
    cluster.answers[SpawnSequenceComponent] = UnreachableError("IRIS.machine9-Machine", "is not running", "")
    assert run(["spawn", "component", "IRIS.machine9"]) == 1
    assert "IRIS.machine9-Machine is not running" in capsys.readouterr().err


COMPONENT = SequenceComponentStatus(
    prefix=Prefix("IRIS.IRIS_1"),
    machine=Prefix("IRIS.machine1"),
    state="Running",
    loaded=Prefix("IRIS.A"),
    sequencer=None,
    pid=1,
)
FILTER = DeviceStatus(
    prefix=Prefix("IRIS.filter"),
    component_type=ComponentType.Assembly,
    machine=Prefix("IRIS.machine1"),
    pid=1,
    container=Prefix("Container.imager"),
)


class Agents:
    """Three agents of which the first does not answer and the second has nothing."""

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        assert message == GetAgentStatus()
        if name == "ESW.machine1-Machine":
            raise UnreachableError(name, "did not answer", "")
        mine = name == "IRIS.machine1-Machine"
        return AgentStatus(
            agent=Prefix(name.removesuffix("-Machine")),
            pid=1,
            sequence_components=(COMPONENT,) if mine else (),
            devices=(FILTER,) if mine else (),
            children=("IRIS.IRIS_1-SequenceComponent", "IRIS.filter-Assembly") if mine else (),
        )


def killer_of(name: str, *registered: str) -> str:
    agents = [Agent(machine, Agents()) for machine in ("ESW.machine1", "AOESW.machine1", "IRIS.machine1")]
    return asyncio.run(agent_of(name, agents, registered)).prefix


@pytest.mark.parametrize(
    "name",
    ["IRIS.IRIS_1-SequenceComponent", "IRIS.A-Sequencer", "IRIS.filter-Assembly", "Container.imager-Container"],
)
def test_given_a_silent_agent_when_the_one_of_a_component_s_machine_is_looked_for_then_it_is_found(name: str) -> None:
    assert killer_of(name, name) == "IRIS.machine1"


@pytest.mark.parametrize("name", ["ESW.ESW_1-SequenceComponent", "ESW.A-Sequencer"])
def test_given_something_of_a_machine_whose_agent_is_silent_when_killed_then_another_agent_ends_it(name: str) -> None:
    assert killer_of(name, name) == "AOESW.machine1"


def test_given_nothing_an_agent_could_end_when_killed_then_the_reason_is_told() -> None:
    with pytest.raises(BadInputError, match="is not running"):
        killer_of("IRIS.IRIS_2-SequenceComponent")  # case 51
    with pytest.raises(BadInputError, match="no agent that answers has started it"):
        killer_of(SEQUENCE_MANAGER, SEQUENCE_MANAGER)  # nobody would start it again


def test_given_the_name_of_a_component_when_split_then_prefix_and_type_are_there() -> None:
    assert component_id("IRIS.imager.filter-Assembly") == ("IRIS.imager.filter", ComponentType.Assembly)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Success(component_id=ID, script="sha256:1f"), "IRIS.IRIS_Cal runs anew, with sha256:1f\n"),
        (Success(component_id=ID, script="/a/iris.py"), "IRIS.IRIS_Cal runs anew, with /a/iris.py\n"),
        (
            Success(component_id=ID, script="sha256:1f", remark="there is no package night"),
            "IRIS.IRIS_Cal runs anew, with sha256:1f as before: there is no package night\n",
        ),
        (Success(component_id=ID), "IRIS.IRIS_Cal runs anew\n"),
    ],
)
def test_given_a_sequencer_that_was_restarted_when_told_then_the_script_that_runs_is_named(
    answer: Message, words: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.answers[RestartSequencer] = answer
    assert run(["restart-sequencer", "IRIS.IRIS_Cal"]) == 0
    assert capsys.readouterr().out == words
