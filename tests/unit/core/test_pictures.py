"""The state pictures in the documentation are what the tables print. Source: docs/pictures.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from ocs_ray.core.procedure_states import TRANSITIONS
from ocs_ray.core.sequencer_states import State
from ocs_ray.models.procedure import ProcedureState

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_given_the_tables_when_the_page_is_printed_anew_then_it_is_the_page_that_is_kept(pictures: ModuleType) -> None:
    page = pictures.PAGE.read_text()
    assert page.count("```mermaid") == len(pictures.PICTURES)
    assert pictures.printed(page) == page, "rewrite it with: just pictures"


def test_given_the_procedure_when_drawn_then_every_state_and_every_transition_is_there(pictures: ModuleType) -> None:
    drawn = pictures.procedure()
    boxes = {  # name of a box -> the states it stands for
        line.split(" as ")[1]: line.split('"')[1].split(", ") for line in drawn.splitlines() if " as " in line
    }
    arrows = set()
    for line in drawn.splitlines():
        if "-->" in line and "[*]" not in line:
            ends, events = line.strip().split(": ")
            source, to = ends.split(" --> ")
            arrows |= {(s, e, to) for s in boxes.get(source, [source]) for e in events.split(", ")}
    assert arrows == {(state.value, event.value, to.value) for (state, event), to in TRANSITIONS.items()}
    assert {end for source, _, to in arrows for end in (source, to)} == {state.value for state in ProcedureState}


def test_given_the_life_cycle_when_drawn_then_every_state_is_there(pictures: ModuleType) -> None:
    drawn = pictures.life_cycle()
    assert all(state.value in drawn for state in State)


def test_given_the_seed_s_view_when_drawn_then_it_has_the_seed_s_ten_states_and_arrows(pictures: ModuleType) -> None:
    drawn = pictures.seed()
    seed = ["IDLE", "STARTING", "RUNNING", "HOLDING", "HELD", "RESUMING", "STOPPING", "STOPPED", "COMPLETE", "ERROR"]
    assert all(f"{name} " in drawn or f"> {name}:" in drawn for name in seed)
    for arrow in (  # source: seed 004, 'State diagram', in the words of its list of states
        "[*] --> IDLE",
        "IDLE --> STARTING: START",
        "STARTING --> RUNNING: SC",
        "RUNNING --> HOLDING: HOLD",
        "HOLDING --> HELD: SC",
        "HELD --> RESUMING: RESUME",
        "RESUMING --> RUNNING: SC",
        "RUNNING --> COMPLETE: SC",
        "COMPLETE --> IDLE: RESET",
        "STOPPING --> STOPPED: SC",
        "STOPPED --> IDLE: RESET",
        "ERROR --> IDLE: RESET",
    ):
        assert f"    {arrow}" in drawn.splitlines()
