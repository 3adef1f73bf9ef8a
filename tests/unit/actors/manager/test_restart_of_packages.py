"""Restart loads the script the mode names now, and says which one it is."""

from __future__ import annotations

from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.errors import UnknownPackageError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.component_messages import RestartScript
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_messages import Configure, ReloadObsModes, RestartSequencer
from ocs_ray.models.manager_replies import ObsModesReloaded, Success
from ocs_ray.models.package_messages import ResolvedScript
from ocs_ray.models.package_names import Digest
from ocs_ray.models.prefix import ComponentId, ComponentType, Prefix, Subsystem

NIGHT = ObsMode("Night")
OLD, NEW = (Digest(f"sha256:{letter * 64}") for letter in "ab")
RESTART = RestartSequencer(subsystem=Subsystem.ESW, obs_mode=NIGHT)
DONE = Success(component_id=ComponentId(prefix=Prefix("ESW.Night"), component_type=ComponentType.Sequencer))


class Store:
    """A package service with one tag."""

    def __init__(self) -> None:
        self.tag: Digest | None = NEW

    async def ask(self, message: object) -> ResolvedScript:
        if self.tag is None:
            raise UnknownPackageError(subject="night", remedy="send it")
        place = f"/store/{self.tag[7:]}"
        return ResolvedScript(
            file=f"{place}/night.py", root=place, digest=self.tag, label="night@1", node="head", copies="/copies"
        )


@pytest.fixture
def store(night: Any, obs_mode: Any) -> Store:
    night.modes[NIGHT] = obs_mode("Night", "WFOS", "ESW", script="package:night@prod")
    night.running[PACKAGE_SERVICE] = made = Store()
    return made


def test_given_a_tag_that_was_rolled_back_when_restarted_then_the_script_it_points_to_now_runs_and_is_named(
    night: Any, play: Any, store: Store
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert isinstance(await manager.ask(Configure(obs_mode=NIGHT)), Success)
        store.tag = OLD
        assert await manager.ask(RESTART) == DONE.model_copy(update={"script": OLD})
        (restart,) = night.told(RestartScript)
        assert restart.load.script.file == f"/store/{OLD[7:]}/night.py"

    play(story)


def test_given_a_mode_whose_script_was_changed_when_reloaded_and_restarted_then_the_new_script_runs(
    night: Any, play: Any, store: Store, obs_mode: Any
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert isinstance(await manager.ask(Configure(obs_mode=NIGHT)), Success)
        night.modes[NIGHT] = obs_mode("Night", "WFOS", "ESW", script="/obsmodes/Night/better.py")
        assert isinstance(await manager.ask(ReloadObsModes()), ObsModesReloaded)
        assert isinstance(await manager.ask(RESTART), Success)
        (restart,) = night.told(RestartScript)
        assert restart.load.script.file == "/obsmodes/Night/better.py"

    play(story)


def test_given_a_package_that_cannot_be_found_any_more_when_restarted_then_the_old_script_runs_and_that_is_said(
    night: Any, play: Any, store: Store
) -> None:
    async def story(manager: ManagerShell) -> None:
        assert isinstance(await manager.ask(Configure(obs_mode=NIGHT)), Success)
        store.tag = None
        reply = await manager.ask(RESTART)
        assert reply.script == NEW
        assert "there is no package night" in reply.remark
        assert night.told(RestartScript) == [RestartScript()]
        del night.modes[NIGHT]
        await manager.ask(ReloadObsModes())
        reply = await manager.ask(RESTART)
        assert (reply.script, "Script configuration missing" in reply.remark) == (NEW, True)

    play(story)
