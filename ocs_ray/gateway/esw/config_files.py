"""The files of the config server that ESW's pages read. Source: csw ConfigServiceRoute.scala; reference esw_sm 9."""

from __future__ import annotations

import json
from typing import Final

from starlette.responses import PlainTextResponse, Response

from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.gateway.esw.answers import failed, malformed
from ocs_ray.models.actor_names import CONFIG_SERVICE
from ocs_ray.models.config_messages import ConfigPath
from ocs_ray.models.gateway_settings import GatewaySettings
from ocs_ray.scripting.configuration import Configuration
from ocs_ray.scripting.port import Port

PROVISION: Final = "tmt/esw/smProvisionConfig.json"
"""How many sequence components the provision page proposes for each machine."""
BYTES: Final = "application/octet-stream"


class ConfigFiles:
    """Gives files out.

    Args:
        port: the door to the observatory.
        settings: with the numbers of the cluster file, for when the config service has no file of its own for them.
    """

    def __init__(self, port: Port, settings: GatewaySettings) -> None:
        self._port, self._provision = port, settings.provision

    async def get(self, path: str, version: str | None = None) -> Response:
        """The content of a file, of its active version when none is given; 404 when there is none."""
        path = path.lstrip("/")
        try:
            content, wanted = None, ConfigPath(path)
            if CONFIG_SERVICE in self._port.names():
                content = await Configuration(self._port).get_bytes(wanted, version)
        except BadInputError as problem:
            return malformed(problem)
        except OcsError as failure:
            return failed(failure)
        if content is None and path == PROVISION and version is None and self._provision:
            content = json.dumps(self._provision).encode()
        if content is None:
            return PlainTextResponse(f"There is no file {path}", 404)
        return Response(content, media_type=BYTES)
