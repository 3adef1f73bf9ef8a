"""One sequence through a simulated observatory in this process: how it can end, and what is seen of it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.cli import observation_run
from ocs_ray.cli.failures import Interrupted
from ocs_ray.cli.observation_picture import Change, EventSeen, PhaseBegan, Picture, RunBegan, SequencerChanged
from ocs_ray.cli.observation_report import Observation
from ocs_ray.cli.observation_request import Request
from ocs_ray.cli.observation_run import LeftRunning, ObservationRun
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import Subsystem
from ocs_ray.models.responses import Cancelled, Completed, Error
from ocs_ray.models.sequencer_messages import SubmitSequence
from ocs_ray.scripting.port import use_default_port
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

TOP = "ESW.Tests"
SCRIPT = """
import asyncio
from pathlib import Path
from ocs_ray.scripting import ScriptContext, finish_with_error, script
from ocs_ray.models.observe_events import ObserveEventName

@script
async def lead(ctx: ScriptContext) -> None:
    @ctx.on_new_sequence
    async def prepare():
        while (Path(__file__).parent / "closed").exists():
            await asyncio.sleep(0.01)

    @ctx.on_setup("good")
    async def good(command):
        await ctx.publish_observe_event(ObserveEventName.ObserveStart, obs_id="2027A-014-003")

    @ctx.on_setup("bad")
    async def bad(command):
        finish_with_error("the wheel is stuck")

    @ctx.on_setup("long")
    async def long(command):
        await asyncio.sleep(0.3)
"""


class Watched:
    """A view that keeps what it is told and can be waited on."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.paused = 0
        self.began = asyncio.Event()

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def tell(self, change: Change) -> None:
        self.changes.append(change)
        if isinstance(change, RunBegan):
            self.began.set()

    def pause(self) -> None:
        self.paused += 1

    def resume(self) -> None:
        self.paused -= 1


class Pressed:
    """Signals and answers a test gives instead of a person."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self.answer: Callable[[], Awaitable[str]] | None = None

    async def next(self) -> signal.Signals:
        return await self.queue.get()

    def again(self, number: signal.Signals) -> None:
        self.queue.put_nowait(number)

    async def abort_or_leave(self) -> str:
        assert self.answer is not None, "nobody was to be asked"
        return await self.answer()


class Scene:
    """A script's sequencer in an observatory, and a run of the observation."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / "lead.py"
        self.script.write_text(SCRIPT)
        self.gate = folder / "closed"
        self.view, self.pressed = Watched(), Pressed()
        self.mode = ObsModeConfig(
            name=ObsMode("Tests"),
            resources=(Subsystem.IRIS,),
            sequencers={VariationInfo("ESW"): str(self.script)},
            root=str(folder),
        )

    async def is_submitted(self) -> None:
        """Wait until the sequence is at the sequencer, whose hook is kept waiting by the gate."""
        await until(lambda: any(isinstance(sent.message, SubmitSequence) for sent in self.observatory.sent))

    async def is_told(self, text: str) -> None:
        await until(lambda: any(change == PhaseBegan(text) for change in self.view.changes))

    def play(self, *names: str, press: Callable[[Scene], Awaitable[None]] | None = None) -> Observation:
        async def story() -> Observation:
            async with LocalObservatory() as self.observatory:
                use_default_port(self.observatory)
                await self.observatory.configure(self.mode)
                commands = Sequence([Setup("ESW.observer", name) for name in names])
                request = Request(commands, self.mode, self.mode.top_level, None, False, False)
                picture = Picture(self.mode, self.mode.top_level, names)
                run: Any = ObservationRun(request, picture, self.view, self.pressed)  # type: ignore[arg-type]
                hand = asyncio.ensure_future(press(self)) if press else None
                try:
                    return await run.run()
                finally:
                    if hand is not None:
                        await hand

        return asyncio.run(story())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation_run.sys.stdin, "isatty", lambda: True, raising=False)


def test_given_a_good_sequence_when_observed_then_it_completes_and_steps_and_events_were_seen(scene: Scene) -> None:
    seen = scene.play("good", "good")
    assert isinstance(seen.response, Completed)
    assert [step.status for step in seen.steps] == ["Success", "Success"]
    assert [event.event_name for event in seen.events] == ["ObserveEvent.ObserveStart"] * 2
    kinds = {type(change) for change in scene.view.changes}
    assert kinds == {RunBegan, SequencerChanged, EventSeen}


def test_given_a_failing_step_when_observed_then_the_reason_is_in_the_steps(scene: Scene) -> None:
    seen = scene.play("good", "bad", "good")
    assert isinstance(seen.response, Error)
    assert [step.status for step in seen.steps] == ["Success", "Failure", "Pending"]
    assert seen.steps[1].message == "the wheel is stuck"


def test_given_no_terminal_when_a_signal_comes_then_the_sequence_is_aborted_unasked(scene: Scene) -> None:
    async def press(scene: Scene) -> None:
        await asyncio.wait_for(scene.view.began.wait(), 5)
        await scene.pressed.queue.put(signal.SIGINT)

    seen = scene.play("long", "good", press=press)
    assert isinstance(seen.response, Cancelled)
    assert [step.status for step in seen.steps] == ["Success", "Cancelled"]
    assert PhaseBegan("aborting the sequence") in scene.view.changes


@pytest.mark.usefixtures("terminal")
def test_given_a_terminal_when_the_answer_is_abort_then_it_is_aborted_and_the_view_goes_on(scene: Scene) -> None:
    async def abort() -> str:
        assert scene.view.paused == 1
        return "abort"

    async def press(scene: Scene) -> None:
        scene.pressed.answer = abort
        await asyncio.wait_for(scene.view.began.wait(), 5)
        await scene.pressed.queue.put(signal.SIGINT)

    assert isinstance(scene.play("long", "good", press=press).response, Cancelled)
    assert scene.view.paused == 0


@pytest.mark.usefixtures("terminal")
def test_given_a_terminal_when_the_answer_is_leave_then_the_way_back_is_told(scene: Scene) -> None:
    async def leave() -> str:
        return "leave"

    async def press(scene: Scene) -> None:
        scene.pressed.answer = leave
        await asyncio.wait_for(scene.view.began.wait(), 5)
        await scene.pressed.queue.put(signal.SIGINT)

    with pytest.raises(LeftRunning, match=r"ocs status.*ocs shutdown Tests.*ocs down"):
        scene.play("long", press=press)


@pytest.mark.usefixtures("terminal")
def test_given_a_person_who_thinks_when_the_sequence_ends_meanwhile_then_it_is_reported(scene: Scene) -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return "abort"

    async def press(scene: Scene) -> None:
        scene.pressed.answer = never
        await asyncio.wait_for(scene.view.began.wait(), 5)
        await scene.pressed.queue.put(signal.SIGINT)

    assert isinstance(scene.play("long", press=press).response, Completed)


@pytest.mark.usefixtures("terminal")
def test_given_a_terminal_when_sigterm_comes_then_nobody_is_asked(scene: Scene) -> None:
    async def press(scene: Scene) -> None:
        await asyncio.wait_for(scene.view.began.wait(), 5)
        await scene.pressed.queue.put(signal.SIGTERM)

    assert isinstance(scene.play("long", "good", press=press).response, Cancelled)


AFTER_THE_HOOK = "aborting the sequence as soon as its new-sequence hook has ended"


def test_given_a_hook_that_takes_long_when_a_signal_comes_then_it_is_noticed_at_once_and_the_sequence_is_aborted(
    scene: Scene,
) -> None:
    async def press(scene: Scene) -> None:
        await scene.is_submitted()
        await scene.pressed.queue.put(signal.SIGINT)
        await scene.is_told(AFTER_THE_HOOK)  # while the hook still runs
        scene.gate.unlink()

    scene.gate.touch()
    seen = scene.play("long", "good", press=press)
    assert isinstance(seen.response, Cancelled)
    assert PhaseBegan("aborting the sequence") in scene.view.changes
    assert seen.steps[-1].status == "Cancelled"


def test_given_a_hook_that_takes_long_when_a_second_signal_comes_then_the_waiting_ends(scene: Scene) -> None:
    async def press(scene: Scene) -> None:
        await scene.is_submitted()
        await scene.pressed.queue.put(signal.SIGINT)
        await scene.pressed.queue.put(signal.SIGINT)

    scene.gate.touch()
    with pytest.raises(Interrupted, match=r"it may still begin in ESW\.Tests .* 'ocs shutdown Tests'"):
        scene.play("long", press=press)


@pytest.mark.usefixtures("terminal")
def test_given_a_hook_that_takes_long_when_the_answer_is_leave_then_the_sequence_goes_on(scene: Scene) -> None:
    async def leave() -> str:
        return "leave"

    async def press(scene: Scene) -> None:
        scene.pressed.answer = leave
        await scene.is_submitted()
        await scene.pressed.queue.put(signal.SIGINT)

    scene.gate.touch()
    with pytest.raises(LeftRunning):
        scene.play("long", press=press)


def test_given_an_abort_that_takes_long_when_a_second_signal_comes_then_the_waiting_ends(scene: Scene) -> None:
    async def press(scene: Scene) -> None:
        await asyncio.wait_for(scene.view.began.wait(), 5)
        await scene.pressed.queue.put(signal.SIGINT)
        await scene.pressed.queue.put(signal.SIGINT)

    with pytest.raises(Interrupted, match="gave up"):
        scene.play("long", "good", press=press)


def test_given_a_sequencer_that_dies_when_observed_then_the_observation_is_lost_with_what_was_seen(
    scene: Scene,
) -> None:
    from ocs_ray.errors import UnreachableError
    from ocs_ray.models.sequencer_messages import QueryFinal

    class Dying(LocalObservatory):
        async def ask(self, name: str, message: object, timeout_s: float) -> Any:
            if isinstance(message, QueryFinal):
                await asyncio.sleep(0.05)
                raise UnreachableError(name=name, reason="died", remedy="")
            return await super().ask(name, message, timeout_s)

    async def story() -> Observation:
        async with Dying() as observatory:
            use_default_port(observatory)
            await observatory.configure(scene.mode)
            request = Request(
                Sequence([Setup("ESW.observer", "long")]), scene.mode, scene.mode.top_level, None, False, False
            )
            picture = Picture(scene.mode, scene.mode.top_level, ("long",))
            return await ObservationRun(request, picture, scene.view, scene.pressed).run()  # type: ignore[arg-type]

    seen = asyncio.run(story())
    assert seen.response is None
    assert seen.problem == "ESW.Tests-Sequencer died"
    assert [step.status for step in seen.steps] == ["InFlight"]
