"""Print the state pictures of explanations/procedure.md from the tables they are pictures of: ``just pictures``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ocs_ray.core.procedure_states import ACTING, TRANSITIONS, Outcome, leads_to, next_state
from ocs_ray.core.sequencer_states import Accepted, State, Trigger, decide
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, Vocabulary, state_name

PAGE = Path(__file__).parent / "explanations" / "procedure.md"
Arrow = tuple[str, str, str]
"""From, to, what leads there."""

_S, _C = ProcedureState, ProcedureCommand
SEED_STATES = (
    *(_S.IDLE, _S.STARTING, _S.EXECUTE, _S.HOLDING, _S.HELD, _S.UNHOLDING),
    *(_S.STOPPING, _S.STOPPED, _S.COMPLETE, _S.ABORTED),
)
SEED_COMMANDS = (_C.START, _C.HOLD, _C.RESUME, _C.STOP, _C.RESET)
FROM_MANY = 6
"""An arrow that comes from so many states is drawn once, from a box that names them."""


def life_cycle() -> str:
    """The sequencer's life cycle, as its table decides."""
    arrows = [
        (state.value, reply.state.value, trigger.value)
        for state in State
        for trigger in Trigger
        if isinstance(reply := decide(state, trigger), Accepted)
    ]
    return _diagram(State.IDLE.value, arrows)


def procedure() -> str:
    """The procedure's 17 states and every transition of its table."""
    return _diagram(_S.IDLE.value, [(state.value, to.value, event.value) for (state, event), to in TRANSITIONS.items()])


def seed() -> str:
    """The same machine as the seed lists it: ten states; what they pass through on the way is left out."""
    arrows: list[Arrow] = []
    for state in SEED_STATES:
        for event in (*SEED_COMMANDS, *Outcome):
            first = next_state(state, event)
            if first is None or first is state:
                continue
            to = _S.IDLE if leads_to(state, _C.RESET) and event is _C.RESET else first
            while to not in SEED_STATES:
                to = ACTING[to]
            arrows.append((_seed_name(state), _seed_name(to), event.value))
    return _diagram(_seed_name(_S.IDLE), arrows)


def _seed_name(state: ProcedureState) -> str:
    return state_name(state, Vocabulary.SEED)


def _diagram(first: str, arrows: Iterable[Arrow]) -> str:
    """A mermaid state diagram; arrows between the same two states are one."""
    labels: dict[tuple[str, str], list[str]] = {}
    sources: dict[tuple[str, str], list[str]] = {}  # (to, what leads there) -> from
    for source, to, event in arrows:
        sources.setdefault((to, event), []).append(source)
    boxes: list[str] = []
    for (to, event), found in sources.items():
        if len(found) < FROM_MANY:
            for source in found:
                labels.setdefault((source, to), []).append(event)
            continue
        box = f"many_{event}_{to}"
        boxes.append(f'    state "{", ".join(found)}" as {box}')
        labels[box, to] = [event]
    lines = [f"    {source} --> {to}: {', '.join(events)}" for (source, to), events in labels.items()]
    return "\n".join(["stateDiagram-v2", *boxes, f"    [*] --> {first}", *lines])


PICTURES = {"life-cycle": life_cycle, "procedure": procedure, "seed": seed}


def printed(page: str) -> str:
    """The page with its pictures as the tables print them now, each between its own comment and ``<!-- end -->``."""

    def picture(found: re.Match[str]) -> str:
        return f"{found[1]}\n```mermaid\n{PICTURES[found[2]]()}\n```\n<!-- end -->"

    return re.sub(r"(<!-- picture: ([\w-]+) -->).*?<!-- end -->", picture, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(printed(PAGE.read_text()))
