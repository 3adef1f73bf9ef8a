"""The status, for people and for programs."""

from __future__ import annotations

import io
import json

from rich.console import Console, Group

from ocs_ray.cli import agents_report
from ocs_ray.cli.status_report import document, tables
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import DeviceStatus, LostSequencer, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import ManagerStatus, StraySequencer
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.sequencer_messages import SequencerState, SequencerStatus
from ocs_ray.models.times import UTCTime

MACHINE, GONE = Prefix("ESW.machine1"), Prefix("TCS.machine1")
MODE = ObsMode("WFOS_Cal")
TOP = Prefix("ESW.WFOS_Cal")


def component(name: str, state: str, sequencer: SequencerStatus | None, loaded: Prefix | None):
    return SequenceComponentStatus(
        prefix=Prefix(name), machine=MACHINE, state=state, loaded=loaded, sequencer=sequencer, pid=12
    )


STATUS = ManagerStatus(
    state="Idle",
    agents=(
        AgentStatus(
            agent=MACHINE,
            pid=11,
            sequence_components=(
                component(
                    "ESW.ESW_1",
                    "Running",
                    SequencerStatus(
                        prefix=TOP,
                        obs_mode=MODE,
                        state=SequencerState.RUNNING,
                        script="/modes/esw.py",
                        sequence_component=Prefix("ESW.ESW_1"),
                        run_id="r1",
                        step="observe",
                        steps_done=3,
                        steps_total=8,
                        pid=13,
                        procedure=ProcedureState.HELD,
                        late="guider",
                    ),
                    TOP,
                ),
                component("ESW.ESW_2", "Idle", None, None),
                component("ESW.ESW_3", "Running", None, Prefix("ESW.Silent")),
            ),
            devices=(
                DeviceStatus(
                    prefix=Prefix("WFOS.red.filter"),
                    component_type=ComponentType.Assembly,
                    machine=MACHINE,
                    running=("SELECT",),
                    pid=14,
                ),
            ),
            children=(),
            silent=("ESW.ESW_4-SequenceComponent",),
        ),
    ),
    silent_agents=(GONE,),
    running_obs_modes=(MODE,),
    pid=10,
)


def squeezed(line: str) -> str:
    return " ".join(line.split())


def printed(part: object) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(part)
    return [squeezed(line) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_given_a_status_when_it_becomes_a_document_then_everything_is_there_with_its_machine() -> None:
    found = json.loads(json.dumps(document(STATUS)))
    assert found["manager"] == {"state": "Idle", "pid": 10, "since": None, "restarted": False}
    assert found["running_obs_modes"] == ["WFOS_Cal"]
    assert [(machine["prefix"], machine["alive"]) for machine in found["machines"]] == [(MACHINE, True), (GONE, False)]
    assert found["machines"][0]["silent"] == ["ESW.ESW_4-SequenceComponent"]
    assert [(c["prefix"], c["state"], c["sequencer"]) for c in found["sequence_components"]] == [
        ("ESW.ESW_1", "Running", "ESW.WFOS_Cal"),
        ("ESW.ESW_2", "Idle", None),
        ("ESW.ESW_3", "Running", "ESW.Silent"),
    ]
    first, silent = found["sequencers"]
    assert (first["prefix"], first["state"], first["script"]) == ("ESW.WFOS_Cal", "Running", "/modes/esw.py")
    assert (first["steps_done"], first["steps_total"], first["step"]) == (3, 8, "observe")
    assert (silent["prefix"], silent["state"]) == ("ESW.Silent", None)
    assert first.keys() == silent.keys()
    assert found["devices"] == [
        {
            "prefix": "WFOS.red.filter",
            "type": "Assembly",
            "machine": MACHINE,
            "container": None,
            "running": ["SELECT"],
            "pid": 14,
            "since": None,
            "restarted": False,
        }
    ]


def test_given_a_status_when_it_is_printed_then_each_thing_has_its_line() -> None:
    lines = printed(Group(*tables({"project": "/p"}, STATUS)))
    assert lines[:3] == [
        "project: /p",
        "Sequence Manager: Idle",
        "running observing modes: WFOS_Cal",
    ]
    assert "ESW.machine1 alive 3 1 ESW.ESW_4-SequenceComponent" in lines
    assert "TCS.machine1 does not answer" in lines
    assert "ESW.ESW_1 ESW.machine1 Running ESW.WFOS_Cal Running HELD, late: guider observe 3/8 /modes/esw.py" in lines
    assert "ESW.ESW_2 ESW.machine1 Idle" in lines
    assert "WFOS.red.filter Assembly ESW.machine1 SELECT" in lines


def test_given_nothing_provisioned_when_the_status_is_printed_then_the_next_step_is_told() -> None:
    agent = STATUS.agents[0].model_copy(update={"sequence_components": (), "devices": ()})
    bare = STATUS.model_copy(update={"agents": (agent,)})
    assert "no sequence components (start some: ocs provision)" in printed(Group(*tables({}, bare)))


SINCE = UTCTime("2026-11-21T23:57:29.692Z")
LOST = LostSequencer(prefix=TOP, sequence_component=Prefix("ESW.ESW_1"), at=SINCE, reason="its process died")


def unlucky() -> ManagerStatus:
    """The same after some deaths: the manager, an agent and a component are new, a sequencer is gone."""
    again = {"since": SINCE, "restarted": True}
    agent = STATUS.agents[0]
    first = agent.sequence_components[1].model_copy(update={**again, "lost": LOST})
    device = agent.devices[0].model_copy(update=again)
    changed = agent.model_copy(update={**again, "sequence_components": (first,), "devices": (device,)})
    orphan = component("ESW.ESW_9", "Idle", None, None)
    return STATUS.model_copy(
        update={
            **again,
            "agents": (changed,),
            "without_agent": (orphan,),
            "silent_components": (Prefix("TCS.TCS_1"),),
            "lost": (LOST, LOST.model_copy(update={"prefix": Prefix("TCS.WFOS_Cal"), "sequence_component": None})),
        }
    )


def test_given_what_died_when_the_status_is_printed_then_lost_silent_orphaned_and_restarted_are_told() -> None:
    lines = printed(Group(*tables({"simulation": True}, unlucky())))
    restarted = f"(restarted at {SINCE})"
    assert lines[:2] == ["simulation: yes", f"Sequence Manager: Idle {restarted}"]
    assert f"ESW.machine1 alive {restarted} 1 1 ESW.ESW_4-SequenceComponent" in lines
    assert f"ESW.ESW_2 ESW.machine1 Idle {restarted}" in lines
    assert "ESW.ESW_9 ESW.machine1 (no agent) Idle" in lines
    assert "TCS.TCS_1 does not answer" in lines
    assert f"WFOS.red.filter {restarted} Assembly ESW.machine1 SELECT" in lines
    assert f"ESW.WFOS_Cal ESW.ESW_1 {SINCE} its process died" in lines
    assert f"TCS.WFOS_Cal {SINCE} its process died" in lines


def test_given_a_loss_dealt_with_when_the_status_is_told_then_a_component_s_record_does_not_bring_it_back() -> None:
    seen = unlucky().model_copy(update={"lost": ()})  # the manager was told to miss it no more, its component was not
    assert document(seen)["lost_sequencers"] == []
    assert not any("its process died" in line for line in printed(Group(*tables({}, seen))))


def test_given_what_died_when_the_status_becomes_a_document_then_each_is_there_once() -> None:
    found = json.loads(json.dumps(document(unlucky())))
    assert [(lost["prefix"], lost["sequence_component"]) for lost in found["lost_sequencers"]] == [
        (TOP, "ESW.ESW_1"),
        ("TCS.WFOS_Cal", None),
    ]
    assert found["without_agent"] == ["ESW.ESW_9"]
    assert found["silent_components"] == ["TCS.TCS_1"]
    assert [c["restarted"] for c in found["sequence_components"]] == [True, False]
    assert found["manager"]["restarted"]


def test_given_sequencers_in_no_component_when_shown_then_they_are_told_with_the_command_that_ends_them() -> None:
    account = STATUS.agents[0].sequence_components[0].sequencer
    stray = StraySequencer(prefix=TOP, sequencer=account), StraySequencer(prefix=Prefix("IRIS.WFOS_Cal"))
    seen = STATUS.model_copy(update={"agents": (), "stray": stray})
    lines = [line for part in tables({}, seen) for line in printed(part)]
    assert any("ocs shutdown --sequencer PREFIX" in line for line in lines)
    assert any(line.startswith("ESW.WFOS_Cal ESW.ESW_1 ") and "observe 3/8" in line for line in lines), lines
    assert any(line == "IRIS.WFOS_Cal does not answer" for line in lines), lines
    told = document(seen)
    assert told["stray_sequencers"] == ["ESW.WFOS_Cal", "IRIS.WFOS_Cal"]
    states = [(s["prefix"], s["sequence_component"], s["state"]) for s in told["sequencers"]]
    assert states == [("ESW.WFOS_Cal", "ESW.ESW_1", "Running"), ("IRIS.WFOS_Cal", None, None)]
    agents = [line for part in agents_report.tables(seen) for line in printed(part)]
    assert any("(no component) does not answer IRIS.WFOS_Cal" in line for line in agents), agents
    json.dumps(agents_report.document(seen))
