"""A device's shell around handlers of all kinds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors.component_shell import ComponentShell
from ocs_ray.models.commands import ControlCommand, Setup
from ocs_ray.models.component_messages import DeviceSpec, Submit
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.responses import Completed, Error, Result
from ocs_ray.models.sequencer_messages import QueryFinal
from ocs_ray.scripting.component_handlers import ComponentHandlers
from ocs_ray.testing.local_observatory import LocalObservatory


class Relay(ComponentHandlers):
    """Gives back what another device said, or something that is no response at all."""

    async def on_submit(self, command: ControlCommand, run_id: str) -> Any:
        await asyncio.sleep(0.01)
        return Completed(run_id="of-the-other", result=Result()) if command.command_name == "relay" else "done"


@pytest.mark.parametrize(("command", "kind"), [("relay", Completed), ("word", Error)])
def test_given_a_handler_that_gives_back_another_run_s_response_or_none_then_its_own_run_ends(
    command: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocs_ray.actors.component_shell._factory", lambda spec: Relay)

    async def story() -> None:
        async with LocalObservatory() as port:
            spec = DeviceSpec(prefix=Prefix("IRIS.relay"), factory="tests:Relay")
            shell = ComponentShell(spec, port, 1.0, Prefix("IRIS.machine1"))
            await shell.start()
            started = await shell.ask(Submit(command=Setup("ESW.test", command)))
            final = await shell.ask(QueryFinal(run_id=started.run_id, timeout_s=5))
            assert isinstance(final, kind)
            assert final.run_id == started.run_id

    asyncio.run(story())
