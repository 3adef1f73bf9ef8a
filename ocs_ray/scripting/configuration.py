"""Configuration files of the observatory. Source: esw ConfigServiceDsl.kt, csw ConfigService.scala."""

from __future__ import annotations

from typing import Any

from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.actor_names import CONFIG_SERVICE
from ocs_ray.models.config_messages import (
    ConfigEntry,
    ConfigExists,
    ConfigPath,
    ConfigVersion,
    GetConfig,
    GetConfigHistory,
    ListConfigs,
    PutConfig,
    SetActiveConfig,
)
from ocs_ray.models.message import Message
from ocs_ray.scripting.command_service import ASK_S
from ocs_ray.scripting.port import Port, current_port


class ConfigReading:
    """Reading configuration files: what a script may do with them.

    Args:
        port: the door to use; the running script's, or that of ``connect()``, when left out.
    """

    def __init__(self, port: Port | None = None) -> None:
        self._port = port

    @property
    def port(self) -> Port:
        """The door in use."""
        return self._port or current_port()

    async def exists(self, path: str, version: str | None = None) -> bool:
        """Whether a file has an active version, or has the version that is given."""
        return await self._ask(ConfigExists(path=ConfigPath(path), version=version))

    async def get(self, path: str, version: str | None = None) -> str | None:
        """The text of a file, of its active version when none is given; None when there is none.

        Raises:
            BadInputError: no such path is possible, or the file is no text.
        """
        content = await self.get_bytes(path, version)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            raise BadInputError(where=path, problem="it is not UTF-8 text", remedy="read it with get_bytes") from None

    async def get_bytes(self, path: str, version: str | None = None) -> bytes | None:
        """The content of a file, of its active version when none is given; None when there is none."""
        return await self._ask(GetConfig(path=ConfigPath(path), version=version))

    async def _ask(self, message: Message) -> Any:
        try:
            return await self.port.ask(CONFIG_SERVICE, message, ASK_S)
        except UnreachableError:
            if CONFIG_SERVICE in self.port.names():
                raise
            raise UnreachableError(
                name=CONFIG_SERVICE,
                reason="is not running: the cluster was started without a configuration folder",
                remedy="make config/ in the project, or name a folder in the cluster file, then: ocs down && ocs up",
            ) from None


class Configuration(ConfigReading):
    """Reading and changing configuration files: what people do with them."""

    async def put(self, path: str, content: bytes) -> ConfigVersion:
        """Keep a content as a version; the first one is active at once, a later one after ``set_active``.

        Raises:
            BadInputError: it is larger than 10 MiB, or cannot be written there.
        """
        return await self._ask(PutConfig(path=ConfigPath(path), content=content))

    async def set_active(self, path: str, version: str) -> None:
        """Make a version the active one.

        Raises:
            BadInputError: there is no such version.
        """
        await self._ask(SetActiveConfig(path=ConfigPath(path), version=version))

    async def list(self) -> tuple[ConfigEntry, ...]:
        """All files with their active versions."""
        return await self._ask(ListConfigs())

    async def history(self, path: str) -> tuple[ConfigVersion, ...]:
        """All versions of a file, the oldest first."""
        return await self._ask(GetConfigHistory(path=ConfigPath(path)))
