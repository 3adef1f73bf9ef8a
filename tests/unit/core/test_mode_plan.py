"""Which modes can run together and what each lacks. Rules: reference esw_sm 3.1 to 3.5; example: ESW's 3.5."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core.mode_plan import plan_modes
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.manager_replies import ModePlan, Plan
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Prefix, Subsystem

S = Subsystem
EVERYTHING = tuple(S)


def mode(name: str, resources: str, sequencers: str) -> ObsModeConfig:
    return ObsModeConfig(
        name=ObsMode(name),
        resources=tuple(S(word) for word in resources.split()),
        sequencers={VariationInfo(word): None for word in sequencers.split()},
        root="/modes",
    )


CATALOGUE = {
    m.name: m
    for m in (
        mode("IRIS_Darknight", "IRIS TCS NFIRAOS", "IRIS ESW TCS"),
        mode("IRIS_Cal", "IRIS APS NFIRAOS", "IRIS ESW AOESW"),
        mode("WFOS_Cal", "WFOS", "WFOS ESW"),
    )
}


def planned(
    *wanted: str,
    idle: str = "",
    loaded: Mapping[str, str] | None = None,
    agents: str = "ESW.m",
    held: Mapping[str, str] | None = None,
    running: Collection[str] = (),
    offered: Collection[Subsystem] = EVERYTHING,
    catalogue: Mapping[ObsMode, ObsModeConfig] = CATALOGUE,
) -> Plan:
    return plan_modes(
        [ObsMode(name) for name in wanted],
        catalogue,
        [Prefix(word) for word in idle.split()],
        {Prefix(component): Prefix(sequencer) for component, sequencer in (loaded or {}).items()},
        [Prefix(word) for word in agents.split()],
        {ObsMode(name): tuple(S(word) for word in words.split()) for name, words in (held or {}).items()},
        [ObsMode(name) for name in running],
        offered,
    )


def of(plan: Plan, name: str) -> ModePlan:
    return next(each for each in plan.modes if each.obs_mode == name)


def test_given_no_mode_named_when_planned_then_the_whole_catalogue_is_by_name() -> None:
    assert [each.obs_mode for each in planned().modes] == ["IRIS_Cal", "IRIS_Darknight", "WFOS_Cal"]


def test_given_modes_named_when_planned_then_they_come_in_that_order_once_each() -> None:
    assert [each.obs_mode for each in planned("WFOS_Cal", "IRIS_Cal", "WFOS_Cal").modes] == ["WFOS_Cal", "IRIS_Cal"]


def test_given_modes_that_share_resources_when_planned_then_each_names_what_both_need() -> None:
    plan = planned()
    assert of(plan, "IRIS_Cal").excludes == {"IRIS_Darknight": (S.IRIS, S.NFIRAOS)}
    assert of(plan, "IRIS_Darknight").excludes == {"IRIS_Cal": (S.IRIS, S.NFIRAOS)}
    assert of(plan, "WFOS_Cal").excludes == {}
    assert not plan.together


def test_given_a_mode_of_the_catalogue_that_is_not_asked_for_when_planned_then_it_excludes_nobody() -> None:
    assert of(planned("IRIS_Cal", "WFOS_Cal"), "IRIS_Cal").excludes == {}


def test_given_esw_s_example_when_planned_then_components_and_resources_are_missed_as_there() -> None:
    idle = "ESW.secondary WFOS.primary"
    plan = planned(idle=idle, held={"IRIS_Cal": "IRIS APS NFIRAOS"}, running=["IRIS_Cal"])
    assert of(plan, "IRIS_Cal").status == "Configured"
    dark = of(plan, "IRIS_Darknight")
    assert (dark.status, dark.missing) == ("NonConfigurable", ("IRIS", "TCS"))  # case 41
    assert dark.held == {S.IRIS: "IRIS_Cal", S.NFIRAOS: "IRIS_Cal"}
    assert of(plan, "WFOS_Cal").status == "Configurable"
    later = planned(idle=f"{idle} TCS.primary", held={"IRIS_Cal": "IRIS APS NFIRAOS"}, running=["IRIS_Cal"])
    assert of(later, "IRIS_Darknight").missing == ("IRIS",)  # case 42


def test_given_one_esw_component_when_two_modes_need_it_then_each_alone_could_run_but_not_both() -> None:
    plan = planned("IRIS_Cal", "WFOS_Cal", idle="ESW.a IRIS.a AOESW.a WFOS.a")
    assert [each.status for each in plan.modes] == ["Configurable", "Configurable"]
    assert not plan.together
    assert plan.missing_together == ("WFOS_Cal: ESW",)


def test_given_components_for_both_when_they_share_nothing_then_they_can_run_together() -> None:
    plan = planned("IRIS_Cal", "WFOS_Cal", idle="ESW.a ESW.b IRIS.a AOESW.a WFOS.a")
    assert (plan.together, plan.missing_together) == (True, ())


def test_given_one_runs_when_planned_then_its_sequencers_need_no_components_any_more() -> None:
    plan = planned("IRIS_Cal", "WFOS_Cal", idle="ESW.b WFOS.a", held={"IRIS_Cal": "IRIS APS"}, running=["IRIS_Cal"])
    assert plan.together


def test_given_a_mode_outside_the_question_holds_a_resource_when_planned_then_it_is_named_and_in_the_way() -> None:
    plan = planned("WFOS_Cal", idle="ESW.a WFOS.a", held={"Unlisted": "WFOS"})
    assert of(plan, "WFOS_Cal").held == {S.WFOS: "Unlisted"}
    assert not plan.together


def test_given_a_running_mode_whose_reservation_is_lost_when_planned_then_it_still_holds_what_its_file_says() -> None:
    plan = planned("IRIS_Darknight", idle="ESW.a TCS.a IRIS.a", running=["IRIS_Cal"])
    assert of(plan, "IRIS_Darknight").held == {S.IRIS: "IRIS_Cal", S.NFIRAOS: "IRIS_Cal"}


def test_given_a_mode_s_own_leftover_hold_when_planned_then_it_is_in_its_way_as_in_configure() -> None:
    plan = planned("WFOS_Cal", idle="ESW.a WFOS.a", held={"WFOS_Cal": "WFOS"})
    assert of(plan, "WFOS_Cal").held == {S.WFOS: "WFOS_Cal"}
    assert not plan.together


def test_given_no_agent_of_a_missing_subsystem_when_planned_then_the_machine_is_missed_unless_esw_has_one() -> None:
    assert of(planned("IRIS_Cal", agents="AOESW.m"), "IRIS_Cal").machines == (S.ESW, S.IRIS)
    assert of(planned("IRIS_Cal", agents="ESW.m"), "IRIS_Cal").machines == ()


def test_given_a_resource_no_node_offers_when_planned_then_the_mode_cannot_be_configured() -> None:
    plan = planned("WFOS_Cal", idle="ESW.a WFOS.a", offered=[S.IRIS])
    assert of(plan, "WFOS_Cal").not_offered == (S.WFOS,)
    assert (of(plan, "WFOS_Cal").status, plan.together) == ("NonConfigurable", False)


SUBSYSTEMS = st.sampled_from([S.ESW, S.IRIS, S.TCS, S.WFOS])
NAMES = ["A", "B", "C"]


@st.composite
def nights(draw: st.DrawFn) -> dict[str, Any]:
    """A catalogue of up to three modes, components, machines, holders."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    catalogue = {
        ObsMode(name): mode(
            name,
            " ".join(draw(st.lists(SUBSYSTEMS, max_size=2))),
            " ".join(["ESW", *draw(st.lists(st.sampled_from(["IRIS", "IRIS.ifs", "TCS"]), unique=True))]),
        )
        for name in names
    }
    running = draw(st.lists(st.sampled_from([*names, "Unlisted"]), unique=True))
    held = draw(st.dictionaries(st.sampled_from([*names, "Unlisted"]), st.lists(SUBSYSTEMS, max_size=2), max_size=2))
    return {
        "catalogue": catalogue,
        "idle": [Prefix(f"{s}.c{n}") for n, s in enumerate(draw(st.lists(SUBSYSTEMS, max_size=8)))],
        "loaded": {
            Prefix(f"{s}.l{n}"): Prefix(f"{s}.{name}")
            for n, (s, name) in enumerate(draw(st.lists(st.tuples(SUBSYSTEMS, st.sampled_from(names)), max_size=3)))
        },
        "agents": [Prefix(f"{s}.m{n}") for n, s in enumerate(draw(st.lists(SUBSYSTEMS, max_size=2)))],
        "held": {ObsMode(name): resources for name, resources in held.items()},
        "running": [ObsMode(name) for name in running],
        "offered": draw(st.sets(SUBSYSTEMS)) if draw(st.booleans()) else set(S),
    }


def test_given_what_is_left_of_a_mode_when_planned_then_it_can_have_their_components_and_no_other_mode_can() -> None:
    left = {"WFOS.WFOS_1": "WFOS.WFOS_Cal", "ESW.ESW_1": "ESW.IRIS_Cal", "IRIS.IRIS_1": "IRIS.IRIS_Cal.red"}
    plan = planned("WFOS_Cal", "IRIS_Cal", idle="ESW.ESW_2", loaded=left)
    assert (of(plan, "WFOS_Cal").status, of(plan, "WFOS_Cal").missing) == ("Configurable", ())
    assert (of(plan, "IRIS_Cal").status, of(plan, "IRIS_Cal").missing) == ("Configurable", ())
    dark = of(planned(idle="ESW.ESW_2", loaded=left), "IRIS_Darknight")
    assert dark.missing == ("IRIS", "TCS")
    assert plan.missing_together == ("IRIS_Cal: AOESW",)


def test_given_a_mode_that_has_only_what_another_left_when_planned_then_they_are_no_pair() -> None:
    catalogue = {m.name: m for m in (mode("Day", "", "ESW"), mode("Dusk", "", "ESW"))}
    plan = planned(loaded={"ESW.ESW_1": "ESW.Dusk", "ESW.ESW_2": "TCS.Dusk"}, catalogue=catalogue)
    assert (of(plan, "Day").status, of(plan, "Day").missing) == ("NonConfigurable", ("ESW",))
    assert of(plan, "Dusk").status == "Configurable"
    assert not plan.together


@given(night=nights())
def test_given_any_night_when_planned_then_exclusion_is_mutual(night: dict[str, Any]) -> None:
    excludes = {each.obs_mode: each.excludes for each in plan_modes([], **night).modes}
    for name, others in excludes.items():
        assert name not in others
        for other, resources in others.items():
            assert excludes[other][name] == resources


@given(night=nights())
def test_given_modes_that_can_run_together_then_each_can_alone(night: dict[str, Any]) -> None:
    plan = plan_modes([], **night)
    if plan.together:
        assert all(each.status != "NonConfigurable" for each in plan.modes)
        for each in plan.modes:
            assert plan_modes([each.obs_mode], **night).together


@given(night=nights(), more=st.lists(SUBSYSTEMS, max_size=3))
def test_given_modes_that_can_run_together_when_components_are_added_then_they_still_can(
    night: dict[str, Any], more: Sequence[Subsystem]
) -> None:
    before = plan_modes([], **night).together
    idle = [*night["idle"], *(Prefix(f"{s}.d{n}") for n, s in enumerate(more))]
    assert not before or plan_modes([], **{**night, "idle": idle}).together
