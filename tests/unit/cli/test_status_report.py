"""The status and the modes, for people and for programs."""

from __future__ import annotations

import io
import json

from rich.console import Console, Group

from ocs_ray.cli.status_report import document, modes_document, modes_table, tables
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import DeviceStatus, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import (
    ManagerStatus,
    ObsModeDetails,
    ObsModesDetails,
)
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_messages import SequencerState, SequencerStatus

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
MODES = ObsModesDetails(
    obs_modes=(
        ObsModeDetails(
            obs_mode=MODE, status="Configured", resources=(Subsystem.WFOS,), sequencers=(VariationInfo("ESW"),)
        ),
        ObsModeDetails(
            obs_mode=ObsMode("WFOS_Science"),
            status="NonConfigurable",
            resources=(Subsystem.WFOS, Subsystem.TCS),
            sequencers=(VariationInfo("ESW"), VariationInfo("WFOS")),
            missing=(VariationInfo("ESW"),),
            blocked_by=(MODE,),
        ),
    )
)


def squeezed(line: str) -> str:
    return " ".join(line.split())


def printed(part: object) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(part)
    return [squeezed(line) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_given_a_status_when_it_becomes_a_document_then_everything_is_there_with_its_machine() -> None:
    found = json.loads(json.dumps(document(STATUS)))
    assert found["manager"] == {"state": "Idle", "pid": 10}
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
        {"prefix": "WFOS.red.filter", "type": "Assembly", "machine": MACHINE, "running": ["SELECT"], "pid": 14}
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
    assert "ESW.ESW_1 ESW.machine1 Running ESW.WFOS_Cal Running observe 3/8 /modes/esw.py" in lines
    assert "ESW.ESW_2 ESW.machine1 Idle" in lines
    assert "WFOS.red.filter Assembly ESW.machine1 SELECT" in lines


def test_given_nothing_provisioned_when_the_status_is_printed_then_the_next_step_is_told() -> None:
    agent = STATUS.agents[0].model_copy(update={"sequence_components": (), "devices": ()})
    bare = STATUS.model_copy(update={"agents": (agent,)})
    assert "no sequence components (start some: ocs provision)" in printed(Group(*tables({}, bare)))


def test_given_modes_when_they_are_told_then_it_is_said_why_one_cannot_be_configured() -> None:
    assert printed(modes_table(MODES))[1:] == [
        "WFOS_Cal Configured WFOS ESW",
        "WFOS_Science NonConfigurable WFOS TCS ESW WFOS "
        "its resources are held by WFOS_Cal; no sequence component for ESW",
    ]
    assert [mode["status"] for mode in modes_document(MODES)["obs_modes"]] == ["Configured", "NonConfigurable"]
