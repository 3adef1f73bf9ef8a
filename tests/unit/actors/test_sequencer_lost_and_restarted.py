"""What a sequence component does when its sequencer or its own process dies, and when it restarts a script.

Case numbers: esw_sequencer section 9 (79-85), weaknesses: esw_sm section 12.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.models.commands import Observe, Sequence, Setup, Wait
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    RestartScript,
    ScriptLoaded,
    ScriptSource,
    SequenceComponentStatus,
    ShutdownComponent,
    UnloadScript,
)
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed
from ocs_ray.models.sequencer_messages import QueryFinal, Shutdown, SubmitSequence
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.testing.waiting import until

COMPONENT, SEQUENCER = "IRIS.IRIS_1-SequenceComponent", "IRIS.A-Sequencer"


def load(catalogue: Path, file: str = "script.py") -> LoadScript:
    source = ScriptSource(file=str(catalogue / "A" / file), root=str(catalogue))
    return LoadScript(prefix=Prefix("IRIS.A"), obs_mode=ObsMode("A"), script=source)


async def component(place: Any) -> Any:
    spawner = place.running["IRIS.machine1-Machine"]._spawner
    await spawner.spawn_sequence_component(Prefix("IRIS.IRIS_1"))
    return place.running[COMPONENT]


async def status(place: Any) -> SequenceComponentStatus:
    return await place.ask(COMPONENT, GetComponentStatus(), 5)


async def has_state(place: Any, state: str) -> None:
    await until(lambda: place.running[COMPONENT]._state == state)


def test_given_running_when_restarted_then_another_sequencer_runs_the_script_as_its_file_is_now(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:  # case 81
        shell = await component(place)
        await shell.ask(load(catalogue))
        first = place.running[SEQUENCER]
        (catalogue / "A" / "script.py").write_text(
            "from ocs_ray.scripting import *\n\n@script\nasync def x(ctx): ctx.on_setup('new')(ctx.sleep)\n"
        )
        assert await shell.ask(RestartScript()) == ScriptLoaded(prefix=Prefix("IRIS.A"))
        again = place.running[SEQUENCER]
        assert again is not first
        _, _, script = again.shell._loaded
        assert script.handles(Setup("IRIS.t", "new"))
        assert (await status(place)).state == "Running"
        await shell.ask(UnloadScript())

    asyncio.run(story())


def test_given_another_script_for_it_when_restarted_then_that_one_runs_and_the_time_factor_stays(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue).model_copy(update={"time_factor": 0.25}))
        (catalogue / "A" / "other.py").write_text(
            "from ocs_ray.scripting import *\n\n@script\nasync def x(ctx): ctx.on_setup('new')(ctx.sleep)\n"
        )
        other = load(catalogue, "other.py")
        refused = await shell.ask(RestartScript(load=other.model_copy(update={"prefix": Prefix("IRIS.B")})))
        assert isinstance(refused, Unhandled)
        assert refused.msg == "IRIS.B is not in IRIS.IRIS_1"
        assert await shell.ask(RestartScript(load=other)) == ScriptLoaded(prefix=Prefix("IRIS.A"))
        found = await status(place)
        assert found.sequencer is not None
        assert found.sequencer.script == str(catalogue / "A" / "other.py")
        assert shell._loaded == other.model_copy(update={"time_factor": 0.25}), "also what the next restart goes by"
        await shell.ask(UnloadScript())

    asyncio.run(story())


def test_given_another_sequencer_is_meant_when_unloaded_then_refused_and_the_one_in_it_runs_on(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        other = UnloadScript(prefix=Prefix("IRIS.B"))
        assert isinstance(await shell.ask(other), Unhandled)
        await shell.ask(load(catalogue))
        assert isinstance(await shell.ask(other), Unhandled)
        assert (await status(place)).state == "Running"
        assert await shell.ask(UnloadScript(prefix=Prefix("IRIS.A"))) == Ok()
        assert SEQUENCER not in place.names()

    asyncio.run(story())


def test_given_notes_that_cannot_be_kept_when_a_script_is_loaded_and_unloaded_then_the_component_serves_all_the_same(
    place: Any, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Ray's store does not answer")

    async def story() -> None:
        shell = await component(place)
        monkeypatch.setattr(place, "write", broken)
        for _ in range(2):
            assert isinstance(await shell.ask(load(catalogue)), ScriptLoaded)
            assert await shell.ask(UnloadScript()) == Ok()
        assert (await status(place)).state == "Idle"

    asyncio.run(story())


def test_given_idle_when_restarted_then_unhandled(place: Any) -> None:
    async def story() -> None:  # case 80
        shell = await component(place)
        assert await shell.ask(RestartScript()) == Unhandled(
            state="Idle",
            message_type="RestartScript",
            msg="Sequence Component can not accept 'RestartScript' message in 'Idle'",
        )

    asyncio.run(story())


def test_given_a_restart_that_fails_then_the_fault_is_told_and_the_component_is_idle_and_usable(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:  # weakness 7
        shell = await component(place)
        await shell.ask(load(catalogue))
        (catalogue / "A" / "script.py").write_text("1 / 0\n")
        reply = await shell.ask(RestartScript())
        assert isinstance(reply, LoadingScriptFailed)
        assert reply.msg.endswith("script.py:1: ZeroDivisionError: division by zero")
        found = await status(place)
        assert (found.state, found.loaded, found.lost) == ("Idle", None, None)
        assert SEQUENCER not in place.names()
        (catalogue / "A" / "script.py").write_text("from ocs_ray.scripting import *\n\n@script\ndef x(ctx): pass\n")
        assert isinstance(await shell.ask(load(catalogue)), ScriptLoaded)
        await shell.ask(UnloadScript())

    asyncio.run(story())


def test_given_a_restart_that_goes_on_when_another_message_comes_then_unhandled_at_once_and_status_answers(
    place: Any, catalogue: Path
) -> None:
    (catalogue / "A" / "script.py").write_text(
        "import asyncio\nfrom ocs_ray.scripting import *\n\n@script\nasync def x(ctx): await asyncio.sleep(0.3)\n"
    )

    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        restarting = asyncio.ensure_future(shell.ask(RestartScript()))
        await asyncio.sleep(0)
        for message in (RestartScript(), load(catalogue)):
            refused = await shell.ask(message)
            assert isinstance(refused, Unhandled)
            assert (refused.state, refused.message_type) == ("Restarting", type(message).__name__)
        assert (await shell.ask(GetComponentStatus())).state == "Restarting"
        assert not restarting.done()
        assert isinstance(await restarting, ScriptLoaded)
        await shell.ask(UnloadScript())

    asyncio.run(story())


def test_given_a_sequencer_that_dies_then_nobody_has_to_ask_for_the_component_to_report_it_lost_until_the_next_load(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        place.die(SEQUENCER)
        await has_state(place, "Idle")
        found = await status(place)
        assert found.loaded is None
        assert found.lost is not None
        assert (found.lost.prefix, found.lost.sequence_component) == ("IRIS.A", "IRIS.IRIS_1")
        assert found.lost.reason in {"died", "is not running"}
        assert await shell.ask(UnloadScript()) == Ok()
        assert (await status(place)).lost == found.lost
        assert await shell.ask(UnloadScript(prefix=Prefix("IRIS.A"))) == Ok()  # somebody dealt with it
        assert (await status(place)).lost is None
        assert place.read(Prefix("IRIS.IRIS_1")).lost is None
        assert isinstance(await shell.ask(load(catalogue)), ScriptLoaded)
        place.die(SEQUENCER)
        await has_state(place, "Idle")
        assert isinstance(await shell.ask(load(catalogue)), ScriptLoaded)
        assert (await status(place)).lost is None
        await shell.ask(UnloadScript())

    asyncio.run(story())


def test_given_an_unload_that_goes_on_when_the_component_is_shut_down_then_it_takes_no_script_any_more(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        assert await asyncio.gather(shell.ask(UnloadScript()), shell.ask(ShutdownComponent())) == [Ok(), Ok()]
        assert isinstance(await shell.ask(load(catalogue)), Unhandled)
        assert SEQUENCER not in place.names()

    asyncio.run(story())


def test_given_a_sequencer_somebody_shuts_down_then_the_component_is_idle_its_actor_is_gone_and_nothing_is_lost(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        assert await place.ask(SEQUENCER, Shutdown(), 5) == Ok()
        await has_state(place, "Idle")
        assert (await status(place)).lost is None
        assert SEQUENCER not in place.names()

    asyncio.run(story())


def test_given_an_unload_then_no_loss_is_reported(place: Any, catalogue: Path) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        await shell.ask(UnloadScript())
        await asyncio.sleep(0)
        assert (await status(place)).lost is None

    asyncio.run(story())


def test_given_a_component_that_was_restarted_then_it_adopts_its_sequencer_and_can_restart_its_script(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        await (await component(place)).ask(load(catalogue))
        first = await status(place)
        again = await place.restart(COMPONENT)
        found = await status(place)
        assert (found.state, found.loaded, found.restarted, first.restarted) == ("Running", "IRIS.A", True, False)
        assert found.since is not None
        assert first.since is not None
        assert found.since > first.since
        assert isinstance(await again.ask(RestartScript()), ScriptLoaded)
        place.die(SEQUENCER)
        await has_state(place, "Idle")

    asyncio.run(story())


def test_given_a_component_that_died_with_its_sequencer_when_it_is_back_then_it_reports_the_sequencer_lost(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        shell._end_watch()
        place.die(SEQUENCER)
        await place.restart(COMPONENT)
        found = await status(place)
        assert (found.state, found.restarted) == ("Idle", True)
        assert found.lost is not None
        assert found.lost.prefix == "IRIS.A"
        await place.restart(COMPONENT)
        assert (await status(place)).lost == found.lost

    asyncio.run(story())


def test_given_a_component_that_was_ended_when_another_takes_its_name_then_that_one_knows_nothing_of_it(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        await (await component(place)).ask(load(catalogue))
        assert await place.ask(COMPONENT, ShutdownComponent(), 5) == Ok()  # case 29: both are gone
        assert not {COMPONENT, SEQUENCER} & set(place.names())
        await component(place)
        found = await status(place)
        assert (found.state, found.loaded, found.lost) == ("Idle", None, None)

    asyncio.run(story())


def test_given_a_script_that_is_loading_when_the_component_is_shut_down_then_nothing_of_it_is_left(
    place: Any, catalogue: Path
) -> None:
    (catalogue / "A" / "script.py").write_text(
        "import asyncio\nfrom ocs_ray.scripting import *\n\n@script\nasync def x(ctx): await asyncio.sleep(30)\n"
    )

    async def story() -> None:
        shell = await component(place)
        loading = asyncio.ensure_future(shell.ask(load(catalogue)))
        await until(lambda: SEQUENCER in place.names())
        assert await place.ask(COMPONENT, ShutdownComponent(), 8) == Ok()
        assert isinstance(await loading, LoadingScriptFailed)
        assert SEQUENCER not in place.names()

    asyncio.run(story())


SLOW = "import asyncio\nfrom ocs_ray.scripting import *\n\n@script\nasync def x(ctx): await asyncio.sleep(30)\n"


@pytest.mark.parametrize("stage", ["fetching", "spawning", "its body", "restarting"])
def test_given_a_script_that_is_loading_when_unloaded_then_nothing_of_it_is_left_and_the_component_is_usable(
    place: Any, catalogue: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    file = catalogue / "A" / "script.py"
    good = file.read_text()

    async def for_ever(*_: object) -> Any:
        await asyncio.sleep(30)

    async def story() -> None:
        shell = await component(place)
        if stage == "restarting":
            await shell.ask(load(catalogue))
        with monkeypatch.context() as patch:
            if stage == "fetching":
                patch.setattr(place, "here", for_ever)
            elif stage == "spawning":
                patch.setattr(shell._spawner, "spawn_sequencer", for_ever)
            else:
                file.write_text(SLOW)
            loading = asyncio.ensure_future(shell.ask(RestartScript() if stage == "restarting" else load(catalogue)))
            await asyncio.sleep(0.05)
            assert not loading.done()
            assert await shell.ask(UnloadScript(prefix=Prefix("IRIS.A"))) == Ok()
        assert SEQUENCER not in place.names()
        found = await status(place)
        assert (found.state, found.loaded, found.lost) == ("Idle", None, None)
        assert await loading == LoadingScriptFailed(msg="IRIS.A was shut down while its script loaded")
        file.write_text(good)
        assert isinstance(await shell.ask(load(catalogue)), ScriptLoaded)
        await shell.ask(UnloadScript())

    asyncio.run(story())


def test_given_a_restart_whose_old_sequencer_still_ends_when_unloaded_then_no_new_one_is_started(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        shell = await component(place)
        await shell.ask(load(catalogue))
        restarting = asyncio.ensure_future(shell.ask(RestartScript()))
        await asyncio.sleep(0)
        assert await shell.ask(UnloadScript(prefix=Prefix("IRIS.A"))) == Ok()
        assert isinstance(await restarting, LoadingScriptFailed)
        assert SEQUENCER not in place.names()
        assert (await status(place)).state == "Idle"

    asyncio.run(story())


def test_given_no_script_when_a_sequencer_is_loaded_then_it_completes_every_command_at_once(place: Any) -> None:
    async def story() -> None:  # cases 85, 55
        shell = await component(place)
        message = LoadScript(prefix=Prefix("IRIS.No_Such.variation"), obs_mode=ObsMode("No_Such"), script=None)
        assert await shell.ask(message) == ScriptLoaded(prefix=message.prefix)
        commands = [Setup("ESW.t", "a"), Observe("ESW.t", "b"), Wait("ESW.t", "c")]
        name = "IRIS.No_Such.variation-Sequencer"
        started = await place.ask(name, SubmitSequence(sequence=Sequence.of(*commands)), 5)
        final = await place.ask(name, QueryFinal(run_id=started.run_id, timeout_s=5), 6)
        assert isinstance(final, Completed)
        assert (await status(place)).sequencer.script.endswith("simulated_script.py")
        await shell.ask(UnloadScript())

    asyncio.run(story())
