"""Where configure gets the scripts of a mode from, and what it does without them. Case numbers: reference esw_sm 10."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.errors import UnknownPackageError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.component_messages import LoadScript, ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, StartSequencer
from ocs_ray.models.manager_replies import (
    FailedToStartSequencers,
    SequencerStarted,
    Success,
)
from ocs_ray.models.message import Message
from ocs_ray.models.package_messages import ResolvedScript
from ocs_ray.models.package_names import Digest
from ocs_ray.models.prefix import Subsystem
from ocs_ray.testing.waiting import until

WFOS = ObsMode("WFOS_Cal")


async def configure(manager: ManagerShell, mode: ObsMode) -> Any:
    return await manager.ask(Configure(obs_mode=mode))


def test_given_a_sequencer_without_a_script_when_configured_then_it_is_named_and_nothing_was_started(
    night: Any, play: Any, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # the text of case 18
        reply = await configure(manager, ObsMode("NoScript"))
        assert reply == FailedToStartSequencers(
            reasons=("Failed to load sequencer script: Script configuration missing for [ESW] with [NoScript]",)
        )
        assert not night.told(LoadScript)
        assert not night.held_by

    night.modes[ObsMode("NoScript")] = obs_mode("NoScript", "IRIS", "ESW", script=None)
    play(story)


def test_given_simulation_when_a_mode_without_scripts_is_configured_then_success(
    night: Any, play: Any, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:  # case 55, its part here
        assert isinstance(await configure(manager, ObsMode("NoScript")), Success)
        assert isinstance(await configure(manager, WFOS), Success)
        assert {message.script for message in night.told(LoadScript)} == {None}

    night.modes[ObsMode("NoScript")] = obs_mode("NoScript", "IRIS", "ESW", script=None)
    night.add_components("WFOS.WFOS_2")
    play(story, simulation=True)


DIGEST = Digest(f"sha256:{'0' * 64}")


class PuppetStore:
    """A package service whose answer is the test's to give."""

    def __init__(self, answer: asyncio.Future[Any]) -> None:
        self.answer, self.asked = answer, 0

    async def ask(self, message: object) -> Any:
        self.asked += 1
        return await self.answer


@pytest.mark.parametrize(
    "start", [Configure(obs_mode=ObsMode("Night")), StartSequencer(subsystem=Subsystem.ESW, obs_mode=ObsMode("Night"))]
)
def test_given_packages_that_are_long_looked_up_when_a_mode_starts_then_it_holds_nothing_before_they_are_found(
    night: Any, play: Any, obs_mode: Any, start: Message
) -> None:
    async def story(manager: ManagerShell) -> None:
        answer = asyncio.get_running_loop().create_future()
        night.running[PACKAGE_SERVICE] = store = PuppetStore(answer)
        operation = asyncio.ensure_future(manager.ask(start))
        await until(lambda: store.asked > 0)
        assert not night.held_by, "the watch of another manager would take the mode for one that is over"
        answer.set_result(
            ResolvedScript(
                file="night.py", root="/store", digest=DIGEST, label="night@1", node="head", copies="/copies"
            )
        )
        assert isinstance(await operation, Success | SequencerStarted)
        assert night.held_by == {"Night": (Subsystem.WFOS,)}
        (load,) = night.told(LoadScript)
        where = {"node": "head", "copies": "/copies"}  # a component on another node needs to know
        assert load.script == ScriptSource(file="night.py", root="/store", digest=DIGEST, **where)

    night.modes["Night"] = obs_mode("Night", "WFOS", "ESW", script="package:night")
    play(story)


def test_given_a_package_nobody_has_sent_when_configured_then_what_is_left_of_the_mode_is_not_touched(
    night: Any, play: Any, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        answer = asyncio.get_running_loop().create_future()
        answer.set_exception(UnknownPackageError(subject="night", remedy="send it"))
        night.running[PACKAGE_SERVICE] = PuppetStore(answer)
        reply = await configure(manager, ObsMode("Night"))
        assert isinstance(reply, FailedToStartSequencers)
        assert "there is no package night" in reply.reasons[0]
        assert night.sequencers == ["WFOS.Night"]
        assert not night.held_by

    night.modes["Night"] = obs_mode("Night", "WFOS", "ESW", "WFOS", script="package:night")
    night.add_sequencer("WFOS.Night", "WFOS.WFOS_1")
    play(story)
