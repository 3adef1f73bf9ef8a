"""One night of a sequencer's core: events in, answers and steps out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ocs_ray.core import sequencer_events as ev
from ocs_ray.core.sequencer import SequencerCore
from ocs_ray.core.sequencer_view import snapshot
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.editor_messages import Add
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.models.sequencer_messages import SequencerSnapshot

from .procedure_show import Show


class Night:
    """A core and what came out of it; hooks end at once unless ``hooks_wait``."""

    def __init__(self, first_version: int = 1) -> None:
        self.core = SequencerCore(first_version)
        self.answers: dict[int, Any] = {}
        self.started: list[ev.RunStep] = []
        self.tokens: list[int] = []
        self.hooks_wait = False
        self._asks = 0
        self._ids = 0

    def ask(self) -> int:
        self._asks += 1
        return self._asks

    def ids(self, count: int) -> tuple[str, ...]:
        self._ids += count
        return tuple(f"s{self._ids - count + n + 1}" for n in range(count))

    def give(self, event: ev.Event) -> None:
        for effect in self.core.handle(event, 0.0):
            match effect:
                case ev.Answer(ask, reply):
                    self.answers[ask] = reply
                case ev.RunStep():
                    self.started.append(effect)
                case ev.RunHook(token=token):
                    self.tokens.append(token)
                case _:
                    pass
        if not self.hooks_wait and self.tokens:
            self.end_hook()

    def end_hook(self, failure: str | None = None) -> None:
        self.give(ev.HookEnded(self.tokens.pop(), failure))

    def asked(self, event: Any) -> Any:
        """Give an event made for a fresh question; its answer, None while there is none."""
        ask = self.ask()
        self.give(event(ask))
        return self.answers.get(ask)

    def see(self) -> SequencerSnapshot:
        """What clients see."""
        return snapshot(self.core)

    def load(self, count: int) -> Any:
        return self.asked(lambda ask: ev.Load(ask, commands(count), self.ids(count)))

    def submit(self, count: int, run_id: str) -> Any:
        return self.asked(lambda ask: ev.Submit(ask, commands(count), self.ids(count), run_id))

    def edit(self, edit: Any) -> Any:
        count = len(edit.commands) if isinstance(edit, Add) else 0
        return self.asked(lambda ask: ev.EditList(ask, edit, self.ids(count)))

    def final(self, run_id: str) -> Any:
        return self.asked(lambda ask: ev.AskFinal(ask, run_id))

    def end_step(self, failure: str | None = None) -> None:
        step = self.started[-1]
        self.give(ev.StepEnded(step.run_id, step.step_id, failure))


def commands(count: int) -> Sequence:
    return Sequence.of(*(Setup("ESW.test", f"c{n}") for n in range(1, count + 1)))


@pytest.fixture
def another_night() -> Callable[..., Night]:
    """Makes as many nights as a test needs."""
    return Night


@pytest.fixture
def night() -> Night:
    """A core that is idle and has never run anything."""
    return Night()


@pytest.fixture
def show() -> Show:
    """A script that has never run."""
    return Show()


@pytest.fixture
def running(show: Show) -> Show:
    """A script in the middle of its first step."""
    show.begin()
    assert show.core.state is ProcedureState.EXECUTE
    return show
