"""Before the gateway is started: where its tokens are, and whether it may listen where it is told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ocs_ray.cli.gateway_choice import GatewayChoice
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.core.token_book import has_valid_token
from ocs_ray.core.web_origins import binding_problem, needs_no_token
from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.location.token_file import TokenFile
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.gateway_settings import GatewaySettings

REMEDY: Final = "make one: ocs token create NAME --role esw-user; or leave 'gateway: host:' at 127.0.0.1"
HINT: Final = "over HTTP everybody may look; to change anything, make a token: ocs token create NAME --role esw-user"


def with_access(gateway: GatewaySettings, tokens: Path) -> GatewaySettings:
    """The settings with the place of the tokens.

    Args:
        tokens: their file, unless the settings name another one.

    Raises:
        ClusterError: other machines would reach it, and nobody has a token; or the tokens cannot be read.
    """
    file = gateway.access.token_file or str(tokens)
    has_oidc = gateway.access.oidc is not None
    problem = binding_problem(gateway.host, has_tokens=_has_tokens(file), has_oidc=has_oidc)
    if problem is not None:
        raise ClusterError(problem=problem, remedy=REMEDY)
    return gateway.model_copy(update={"access": gateway.access.model_copy(update={"token_file": file})})


def as_it_was(
    home: ClusterHome, running: RunningCluster, cluster: ClusterFile, wanted: GatewayChoice
) -> GatewaySettings | None:
    """The settings of a running cluster's gateway, to start it again where its clients look for it.

    Args:
        wanted: its port, if not that one; or that it shall not be started.

    Raises:
        ClusterError: as for ``with_access``.
    """
    if not running.gateway_url:
        return None
    port = urlsplit(running.gateway_url).port if wanted.port is None else wanted.port
    choice = GatewayChoice(wanted.wanted, port)
    settings = choice.settings(cluster, Path(running.catalogue), running.simulation)
    return None if settings is None else with_access(settings, home.api_tokens_file)


def hint(home: ClusterHome, running: RunningCluster) -> str:
    """What to tell whoever started a gateway over which nobody can change anything yet; else nothing."""
    known = {"simulation": running.simulation}
    gateway = read_cluster_file(Path(running.cluster_file)).gateway.model_copy(update=known)
    return HINT if is_closed(gateway, home.api_tokens_file) else ""


def is_closed(gateway: GatewaySettings, tokens: Path) -> bool:
    """Whether nobody can change anything over HTTP as things are."""
    access = gateway.access
    is_open = needs_no_token(gateway.host, simulation=gateway.simulation, open_on_loopback=access.open_on_loopback)
    return not (is_open or access.oidc or _has_tokens(access.token_file or str(tokens)))


def _has_tokens(file: str) -> bool:
    return has_valid_token(TokenFile(Path(file)).read(), time.time())
