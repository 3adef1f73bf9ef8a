"""Configure and what is left of the mode: nothing is ended before all that can be known says it will work."""

from __future__ import annotations

from typing import Any

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.models.component_messages import UnloadScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure
from ocs_ray.models.manager_replies import FailedResponse, Success
from ocs_ray.models.prefix import Subsystem

CLEAR = ObsMode("ClearSkies")


def test_given_a_resource_no_node_offers_any_more_when_configured_then_that_is_said_and_what_is_left_over_runs_on(
    night: Any, play: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert isinstance(await manager.ask(Configure(obs_mode=CLEAR)), Success)
        night.home("ESW.ClearSkies").lose()
        night.not_offered = {Subsystem.IRIS}
        reply = await manager.ask(Configure(obs_mode=CLEAR))
        assert isinstance(reply, FailedResponse)
        assert "no node of the cluster offers resource:IRIS, which ClearSkies needs" in reply.reason
        assert night.sequencers == ["IRIS.ClearSkies", "TCS.ClearSkies"]
        assert not night.told(UnloadScript)

    play(story)
