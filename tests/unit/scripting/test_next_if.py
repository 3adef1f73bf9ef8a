"""Taking the next step into the present one. Cases 40 and hazard 18 of reference esw_sequencer.md."""

from __future__ import annotations

from typing import Any

from ocs_ray.models.commands import SequenceCommand
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting import ScriptContext, Setup
from ocs_ray.scripting.time_scale import TimeScale

FIRST, SECOND, THIRD = (Setup("ESW.test", name) for name in ("first", "second", "third"))


class Sequence:
    """An operator whose list somebody edits between the look and the taking."""

    def __init__(self, *steps: SequenceCommand, edits: int = 0, paused: bool = False) -> None:
        self.steps = {str(n): step for n, step in enumerate(steps)}
        self.edits, self.paused = edits, paused
        self.taken: list[SequenceCommand] = []

    async def peek(self) -> tuple[str, SequenceCommand] | None:
        return None if self.paused or not self.steps else next(iter(self.steps.items()))

    async def take(self, step_id: str) -> bool:
        if self.edits:
            self.edits -= 1
            del self.steps[step_id]
            return False
        self.taken.append(self.steps.pop(step_id))
        return True


def context(operator: Sequence | None) -> ScriptContext:
    port: Any = None
    return ScriptContext(Prefix("ESW.mode"), ObsMode("mode"), port, TimeScale(), operator)


def test_given_a_wanted_next_step_then_it_is_taken_and_an_unwanted_one_stays(play: Any) -> None:
    async def story(_: Any) -> None:
        sequence = Sequence(FIRST, SECOND)
        ctx = context(sequence)
        assert await ctx.next_if(lambda command: command.command_name == "first") == FIRST
        assert await ctx.next_if(lambda command: command.command_name == "first") is None
        assert sequence.taken == [FIRST]

    play(story)


def test_given_the_list_changes_between_look_and_taking_then_the_new_next_step_is_judged_anew(play: Any) -> None:
    async def story(_: Any) -> None:
        asked: list[str] = []

        def wanted(command: SequenceCommand) -> bool:
            asked.append(command.command_name)
            return command.command_name != "third"

        sequence = Sequence(FIRST, SECOND, edits=1)
        assert await context(sequence).next_if(wanted) == SECOND
        sequence = Sequence(FIRST, THIRD, edits=1)
        assert await context(sequence).next_if(wanted) is None
        assert (asked, sequence.taken) == (["first", "second", "first", "third"], [])

    play(story)


def test_40_given_a_paused_an_empty_or_no_sequence_then_there_is_no_next_step(play: Any) -> None:
    async def story(_: Any) -> None:
        for operator in (Sequence(FIRST, paused=True), Sequence(), None):
            assert await context(operator).next_if(lambda command: True) is None

    play(story)
