"""Modes, resources, plan and agents, for people and for programs."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console, Group, RenderableType

from ocs_ray.cli import agents_report, modes_report, plan_report
from ocs_ray.models.agent_messages import AgentStatus
from ocs_ray.models.component_messages import SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import (
    ManagerStatus,
    ModePlan,
    ObsModeDetails,
    ObsModesDetails,
    Plan,
    ResourcesStatus,
    ResourceStatus,
)
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.sequencer_messages import SequencerState, SequencerStatus

S = Subsystem
CAL, SCIENCE, IRIS = ObsMode("WFOS_Cal"), ObsMode("WFOS_Science"), ObsMode("IRIS_Dark")
MODES = ObsModesDetails(
    obs_modes=(
        ObsModeDetails(obs_mode=CAL, status="Configured", resources=(S.WFOS,), sequencers=(VariationInfo("ESW"),)),
        ObsModeDetails(
            obs_mode=SCIENCE,
            status="NonConfigurable",
            resources=(S.WFOS, S.TCS),
            sequencers=(VariationInfo("ESW"), VariationInfo("WFOS")),
            missing=(VariationInfo("ESW"),),
            blocked_by=(CAL,),
        ),
    )
)
PLAN = Plan(
    modes=(
        ModePlan(obs_mode=CAL, status="Configured", excludes={SCIENCE: (S.WFOS,)}),
        ModePlan(
            obs_mode=SCIENCE,
            status="NonConfigurable",
            excludes={CAL: (S.WFOS,)},
            missing=(VariationInfo("WFOS"),),
            machines=(S.WFOS,),
            held={S.WFOS: CAL},
            not_offered=(S.TCS,),
        ),
        ModePlan(obs_mode=IRIS, status="Configurable", excludes={}),
    ),
    together=False,
    missing_together=("IRIS_Dark: ESW",),
)


def squeezed(line: str) -> str:
    return " ".join(line.split())


def printed(*parts: RenderableType) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=200).print(Group(*parts))
    return [squeezed(line) for line in stream.getvalue().splitlines()]


def test_given_modes_when_they_are_told_then_it_is_said_why_one_cannot_be_configured() -> None:
    assert printed(modes_report.table(MODES))[1:] == [
        "WFOS_Cal Configured WFOS ESW",
        "WFOS_Science NonConfigurable WFOS TCS ESW WFOS "
        "its resources are held by WFOS_Cal; no sequence component for ESW",
    ]
    assert [mode["status"] for mode in modes_report.document(MODES)["obs_modes"]] == ["Configured", "NonConfigurable"]


def test_given_resources_when_they_are_told_then_the_holder_is_named() -> None:
    seen = ResourcesStatus(
        resources=(
            ResourceStatus(resource=S.TCS, status="Available"),
            ResourceStatus(resource=S.WFOS, status="InUse", obs_mode=CAL),
        )
    )
    assert printed(modes_report.resources_table(seen))[1:] == ["TCS Available", "WFOS InUse WFOS_Cal"]
    assert modes_report.resources_document(seen)["resources"] == [
        {"resource": "TCS", "status": "Available", "obs_mode": None},
        {"resource": "WFOS", "status": "InUse", "obs_mode": "WFOS_Cal"},
    ]


def test_given_a_plan_when_it_is_told_then_the_matrix_names_what_both_need_and_each_what_it_lacks() -> None:
    assert [line for line in printed(*plan_report.tables(PLAN)) if line] == [
        "who excludes whom",
        "mode WFOS_Cal WFOS_Science IRIS_Dark",
        "WFOS_Cal - WFOS",
        "WFOS_Science WFOS -",
        "IRIS_Dark -",
        "what each still lacks",
        "mode status lacks",
        "WFOS_Cal Configured",
        "WFOS_Science NonConfigurable WFOS is held by WFOS_Cal; a sequence component for WFOS; "
        "a machine of WFOS or ESW; no node offers TCS",
        "IRIS_Dark Configurable",
        "cannot run together now: WFOS_Cal, WFOS_Science, IRIS_Dark; "
        "placed at once, no sequence component is left for IRIS_Dark: ESW",
    ]


def test_given_a_plan_when_it_becomes_a_document_then_it_is_json() -> None:
    found = json.loads(json.dumps(plan_report.document(PLAN)))
    assert found["together"] is False
    assert found["missing_together"] == ["IRIS_Dark: ESW"]
    assert found["modes"][1]["excludes"] == {"WFOS_Cal": ["WFOS"]}
    assert found["modes"][1]["held"] == {"WFOS": "WFOS_Cal"}


def test_given_modes_that_can_run_together_when_told_then_that_is_said() -> None:
    plan = Plan(modes=PLAN.modes[2:], together=True)
    assert printed(*plan_report.tables(plan))[-1] == "can run together: IRIS_Dark"


@pytest.fixture
def seen() -> ManagerStatus:
    """ESW's agent with two components, one of them loaded; TCS's without; one component without an agent."""
    esw = Prefix("ESW.machine1")

    def component(name: str, loaded: bool = False) -> SequenceComponentStatus:
        top = Prefix("ESW.WFOS_Cal")
        told = SequencerStatus(
            prefix=top,
            obs_mode=CAL,
            state=SequencerState.IDLE,
            script="/modes/esw.py",
            sequence_component=Prefix(name),
            run_id=None,
            step=None,
            steps_done=0,
            steps_total=0,
            pid=3,
        )
        return SequenceComponentStatus(
            prefix=Prefix(name),
            machine=esw,
            state="Running" if loaded else "Idle",
            loaded=top if loaded else None,
            sequencer=told if loaded else None,
            pid=2,
        )

    return ManagerStatus(
        state="Idle",
        agents=(
            AgentStatus(
                agent=esw,
                pid=1,
                sequence_components=(component("ESW.ESW_1", loaded=True), component("ESW.ESW_2")),
                devices=(),
                children=(),
            ),
            AgentStatus(
                agent=Prefix("TCS.machine1"), pid=1, sequence_components=(), devices=(), children=(), restarted=True
            ),
        ),
        silent_agents=(Prefix("IRIS.machine1"),),
        running_obs_modes=(CAL,),
        pid=1,
        without_agent=(component("ESW.ESW_9"),),
        silent_components=(Prefix("TCS.TCS_1"),),
    )


def test_given_agents_with_and_without_components_when_told_then_they_are_grouped_as_in_esw(
    seen: ManagerStatus,
) -> None:
    assert printed(*agents_report.tables(seen))[1:] == [  # case 50
        "ESW.machine1 yes ESW.ESW_1 Running ESW.WFOS_Cal /modes/esw.py",
        "ESW.machine1 yes ESW.ESW_2 Idle",
        "TCS.machine1 restarted",
        "IRIS.machine1 does not answer",
        "(no agent) ESW.ESW_9 Idle",
        "TCS.TCS_1 does not answer",
    ]
    found = json.loads(json.dumps(agents_report.document(seen)))
    assert [agent["agent"] for agent in found["agents"]] == ["ESW.machine1", "TCS.machine1"]
    assert [component["prefix"] for component in found["without_agent"]] == ["ESW.ESW_9"]
    assert found["silent_agents"] == ["IRIS.machine1"]  # weakness 10
    assert found["silent_components"] == ["TCS.TCS_1"]
