"""The config service: a configuration folder for everybody in the cluster. Source: csw-config."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ocs_ray.config.versioned_folder import VersionedFolder
from ocs_ray.models.config_messages import (
    ConfigExists,
    GetConfig,
    GetConfigHistory,
    ListConfigs,
    PutConfig,
    SetActiveConfig,
)
from ocs_ray.models.sequencer_messages import GetStatus
from ocs_ray.models.sequencer_replies import Ok


class ConfigServiceShell:
    """Serves one folder, a question at a time and away from the actor's loop, which a slow disk would hold up.

    Args:
        folder: the configuration folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = VersionedFolder(Path(folder))
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Nothing to prepare."""

    async def ask(self, message: object) -> Any:
        """Take one message; see ``models.config_messages``."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._answer, message)

    def _answer(self, message: object) -> Any:
        match message:
            case GetConfig(path=path, version=version):
                return self._folder.get(path, version)
            case ConfigExists(path=path, version=version):
                return self._folder.get(path, version) is not None
            case PutConfig(path=path, content=content):
                return self._folder.put(path, content)
            case SetActiveConfig(path=path, version=version):
                self._folder.set_active(path, version)
                return Ok()
            case ListConfigs():
                return self._folder.list()
            case GetConfigHistory(path=path):
                return self._folder.history(path)
            case GetStatus():
                return Ok()
            case _:
                raise TypeError(f"the config service does not understand {type(message).__name__}")
