"""A sequence component over an in-memory sequencer. Source: reference 6.1; case numbers: esw_sequencer section 9."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    ScriptLoaded,
    ScriptSource,
    UnloadScript,
)
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import (
    Provision,
)
from ocs_ray.models.manager_replies import (
    Success,
)
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_replies import Ok, Unhandled

COMPONENT = "IRIS.IRIS_1-SequenceComponent"


def load(catalogue: Path, file: str = "script.py") -> LoadScript:
    source = ScriptSource(file=str(catalogue / "A" / file), root=str(catalogue))
    return LoadScript(prefix=Prefix("IRIS.A"), obs_mode=ObsMode("A"), script=source)


async def provisioned(place: Any) -> Any:
    reply = await place.ask(
        "ESW.sequence_manager-Service", Provision(components={Prefix("IRIS.machine1"): 1}), timeout_s=5
    )
    assert reply == Success()
    return place.running[COMPONENT]


def test_given_idle_when_a_script_is_loaded_then_status_shows_sequencer_and_script(place: Any, catalogue: Path) -> None:
    async def story() -> None:
        component = await provisioned(place)
        assert await component.ask(load(catalogue)) == ScriptLoaded(prefix=Prefix("IRIS.A"))
        status = await component.ask(GetComponentStatus())
        assert (status.state, status.loaded, status.machine) == ("Running", "IRIS.A", "IRIS.machine1")
        assert status.sequencer.script.endswith("script.py")
        assert status.sequencer.sequence_component == "IRIS.IRIS_1"
        assert await component.ask(UnloadScript()) == Ok()

    asyncio.run(story())


def test_given_running_when_a_script_is_loaded_then_unhandled_and_the_first_goes_on(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:  # case 79
        component = await provisioned(place)
        await component.ask(load(catalogue))
        assert await component.ask(load(catalogue)) == Unhandled(
            state="Running",
            message_type="LoadScript",
            msg="Sequence Component can not accept 'LoadScript' message in 'Running'",
        )
        await component.ask(UnloadScript())
        assert "IRIS.A-Sequencer" not in place.names()

    asyncio.run(story())


def test_given_a_script_that_is_not_there_when_loaded_then_idle_and_no_sequencer_is_left(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:  # case 82: the file is named, where ESW names the missing configuration
        component = await provisioned(place)
        reply = await component.ask(load(catalogue, "nope.py"))
        assert isinstance(reply, LoadingScriptFailed)
        assert reply.msg.startswith("script of IRIS.A: ")
        assert "nope.py: there is no such file" in reply.msg
        assert (await component.ask(GetComponentStatus())).state == "Idle"
        assert "IRIS.A-Sequencer" not in place.names()

    asyncio.run(story())


def test_given_another_sequencer_of_that_name_when_loaded_then_it_is_said_and_the_other_lives(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:
        component = await provisioned(place)
        other = object()
        place.running["IRIS.A-Sequencer"] = other
        reply = await component.ask(load(catalogue))
        assert isinstance(reply, LoadingScriptFailed)
        assert "is running already" in reply.msg
        assert place.running["IRIS.A-Sequencer"] is other

    asyncio.run(story())


def test_given_idle_when_unloaded_then_ok(place: Any) -> None:
    async def story() -> None:  # case 80
        component = await provisioned(place)
        assert await component.ask(UnloadScript()) == Ok()

    asyncio.run(story())


def test_given_a_script_whose_body_raises_when_loaded_then_file_line_and_fault_are_told(
    place: Any, catalogue: Path
) -> None:
    async def story() -> None:  # case 83
        (catalogue / "A" / "bad.py").write_text(
            "from ocs_ray.scripting import *\n\n@script\nasync def x(ctx):\n    1 / 0\n"
        )
        component = await provisioned(place)
        reply = await component.ask(load(catalogue, "bad.py"))
        assert isinstance(reply, LoadingScriptFailed)
        assert reply.msg.startswith("Script initialization failed with : script of IRIS.A: ")
        assert reply.msg.endswith("bad.py:5: ZeroDivisionError: division by zero")
        assert (await component.ask(GetComponentStatus())).state == "Idle"

    asyncio.run(story())
