"""The script parts of docs/how-to/hold-and-resume.md, as they stand there, in a sequencer."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from textwrap import indent

from ocs_ray.models.component_messages import Submit
from ocs_ray.models.procedure import ProcedureState
from ocs_ray.scripting import Cancelled, Completed, Observe, Sequence, Sequencer
from ocs_ray.testing.fake_component import FakeComponent
from ocs_ray.testing.local_observatory import LocalObservatory
from ocs_ray.testing.waiting import until

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "hold-and-resume.md"
START = """
import asyncio
from datetime import timedelta
from ocs_ray.scripting import Observe, ScriptContext, Setup, script

@script
async def lead(ctx: ScriptContext) -> None:
    detector, guider = ctx.assembly("IRIS.imager.detector"), ctx.assembly("IRIS.guider")
    start_exposure, timeout = Observe(ctx.prefix, "START_EXPOSURE"), timedelta(hours=1)
    fields = range(3)

    async def expose(field: int) -> None:
"""
WAIT = timedelta(seconds=20)


def script_of(page: str) -> str:
    """The page's exposure inside its survey, with its moments."""
    survey, guarded, exposure, moments, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    guard = guarded.splitlines()[0] + "\n"
    return START + indent(guard, " " * 8) + indent(exposure, " " * 12) + indent(survey + "\n" + moments, " " * 4)


class Detector(FakeComponent):
    """Its exposures end when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.may_end = asyncio.Event(), asyncio.Event()

    async def ask(self, message: object) -> object:
        if isinstance(message, Submit) and message.command.command_name == "START_EXPOSURE":
            self.began.set()
            await self.may_end.wait()
        return await super().ask(message)


def test_given_the_how_to_s_script_when_held_and_resumed_then_the_exposure_ends_first_and_the_guider_rests(
    tmp_path: Path,
) -> None:
    script = tmp_path / "lead.py"
    script.write_text(script_of(PAGE.read_text()))

    async def story() -> None:
        async with LocalObservatory() as observatory:
            detector = Detector()
            observatory.put("IRIS.imager.detector-Assembly", detector.ask)
            observatory.put("IRIS.guider-Assembly", FakeComponent().ask)
            await observatory.start_sequencer("IRIS.Dark", script, tmp_path)
            sequencer = observatory.sequencer("IRIS.Dark")
            started = await sequencer.submit(Sequence.of(Observe("ESW.test", "survey")))
            await until(detector.began.is_set)
            assert (await sequencer.hold()).disposition == "deferred"
            detector.may_end.set()
            await follow_to(sequencer, ProcedureState.HELD)
            assert [command.command_name for command in observatory.commands_to("IRIS.guider")] == ["PAUSE"]
            assert len(observatory.commands_to("IRIS.imager.detector")) == 1
            await sequencer.unhold()
            assert isinstance(await sequencer.query_final(str(started.run_id)), Completed)
            assert [command.command_name for command in observatory.commands_to("IRIS.guider")] == ["PAUSE", "RESUME"]
            assert len(observatory.commands_to("IRIS.imager.detector")) == 3

    asyncio.run(story())


def test_given_the_how_to_s_script_when_stopped_between_exposures_then_it_ends_at_its_checkpoint(
    tmp_path: Path,
) -> None:
    script = tmp_path / "lead.py"
    script.write_text(script_of(PAGE.read_text()))

    async def story() -> None:
        async with LocalObservatory() as observatory:
            detector = Detector()
            detector.may_end.set()
            observatory.put("IRIS.imager.detector-Assembly", detector.ask)
            observatory.put("IRIS.guider-Assembly", FakeComponent().ask)
            await observatory.start_sequencer("IRIS.Dark", script, tmp_path)
            sequencer = observatory.sequencer("IRIS.Dark")
            started = await sequencer.submit(Sequence.of(Observe("ESW.test", "survey")))
            await until(detector.began.is_set)
            await sequencer.stop_procedure()
            response = await sequencer.query_final(str(started.run_id), resume_on_error=True)
            assert isinstance(response, Cancelled)
            await follow_to(sequencer, ProcedureState.STOPPED)

    asyncio.run(story())


async def follow_to(sequencer: Sequencer, state: ProcedureState) -> None:
    async with asyncio.timeout(WAIT.total_seconds()):
        seen = await sequencer.procedure_state()
        while seen.state is not state:
            seen = await sequencer.watch_procedure(seen.number, 1)
