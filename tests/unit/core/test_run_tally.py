from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.run_tally import STEP_BOUNDS_S, RunTally
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_states import Hook
from ocs_ray.models.commands import Sequence, Setup


@given(st.lists(st.tuples(st.floats(-1, 10_000), st.booleans())))
def test_given_any_steps_when_counted_then_each_is_in_the_class_of_its_duration(
    steps: list[tuple[float, bool]],
) -> None:
    tally = RunTally()
    for duration_s, is_good in steps:
        tally.step_ended(duration_s, is_good=is_good)
    for is_good in (True, False):
        mine = [max(0.0, duration_s) for duration_s, good in steps if good is is_good]
        for number, bound in enumerate(STEP_BOUNDS_S):
            assert sum(tally.steps[is_good][: number + 1]) == sum(each <= bound for each in mine)
        assert sum(tally.steps[is_good]) == len(mine)
        assert abs(tally.seconds[is_good] - sum(mine)) < 1e-6 * (1 + sum(mine))


def _run(core: SequencerCore, run_id: str, failures: list[str | None]) -> None:
    """One run; each step takes 2 s."""
    commands = Sequence.of(*(Setup("ESW.test", f"c{n}") for n in range(len(failures))))
    at = 100.0
    ids = tuple(f"{run_id}-{n}" for n in range(len(failures)))
    todo: list[Any] = core.handle(ev.Submit(1, commands, ids, run_id), at)
    left = list(failures)
    while todo:
        match todo.pop(0):
            case ev.RunHook(token=token, hook=Hook.NEW_SEQUENCE):
                todo += core.handle(ev.HookEnded(token, None), at)
            case ev.RunStep(run_id=run, step_id=step):
                at += 2.0
                todo += core.handle(ev.StepEnded(run, step, left.pop(0), 1, None), at)
                assert not core.handle(ev.StepEnded(run, step, "late", 1, None), at + 1)
            case _:
                pass


def test_given_a_good_and_a_failed_run_when_they_ended_then_runs_and_steps_are_counted_once() -> None:
    core = SequencerCore()
    _run(core, "r1", [None, None, None])
    _run(core, "r2", [None, "broken", None])
    assert core.tally.runs == {"Completed": 1, "Error": 1}
    in_class = STEP_BOUNDS_S.index(5.0)
    assert core.tally.steps[True][in_class] == sum(core.tally.steps[True]) == 4
    assert core.tally.steps[False][in_class] == sum(core.tally.steps[False]) == 1
    assert core.tally.seconds == {True: 8.0, False: 2.0}
