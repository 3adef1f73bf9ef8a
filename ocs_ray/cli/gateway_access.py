"""Before the gateway is started: where its tokens are, and whether it may listen where it is told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ocs_ray.cli import default_files
from ocs_ray.cli.gateway_choice import GatewayChoice
from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.core.token_book import has_valid_token
from ocs_ray.core.web_origins import binding_problem, needs_no_token
from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import ClusterHome, RunningCluster
from ocs_ray.location.token_file import TokenFile
from ocs_ray.models.access_settings import AccessSettings
from ocs_ray.models.cluster_file import ClusterFile
from ocs_ray.models.gateway_settings import GatewaySettings

REMEDY: Final = "make one: ocs token create NAME --role esw-user; or leave 'gateway: host:' at 127.0.0.1"
HINT: Final = "over HTTP everybody may look; to change anything, make a token: ocs token create NAME --role esw-user"


def tokens_of(access: AccessSettings, home: ClusterHome) -> Path:
    """The file of a gateway's tokens: the one its settings name, below the project; else that of the data folder."""
    if not access.token_file:
        return home.api_tokens_file
    return home.project / Path(access.token_file).expanduser()


def tokens_in_use(home: ClusterHome, given: Path | None = None) -> Path:
    """The file ``ocs token`` is about: the running gateway's, else the one the next gateway will have.

    Args:
        given: the cluster file the next ``ocs up`` will be given.

    Raises:
        BadInputError: there is no cluster file, or it is faulty.
    """
    running = None if given is not None else home.running()
    if running is not None and running.api_tokens:
        return Path(running.api_tokens)
    file = default_files.cluster_file(given, home.project) if running is None else Path(running.cluster_file)
    return tokens_of(read_cluster_file(file).gateway.access, home)


def with_access(gateway: GatewaySettings, home: ClusterHome) -> GatewaySettings:
    """The settings with the place of the tokens.

    Raises:
        ClusterError: other machines would reach it, and nobody has a token; or the tokens cannot be read.
    """
    file = tokens_of(gateway.access, home)
    has_oidc = gateway.access.oidc is not None
    problem = binding_problem(gateway.host, has_tokens=_has_tokens(file), has_oidc=has_oidc)
    if problem is not None:
        raise ClusterError(problem=problem, remedy=REMEDY)
    return gateway.model_copy(update={"access": gateway.access.model_copy(update={"token_file": str(file)})})


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
    return None if settings is None else with_access(settings, home)


def hint(home: ClusterHome, running: RunningCluster) -> str:
    """What to tell whoever started a gateway over which nobody can change anything yet; else nothing."""
    known = {"simulation": running.simulation}
    gateway = read_cluster_file(Path(running.cluster_file)).gateway.model_copy(update=known)
    return HINT if is_closed(gateway, home) else ""


def is_closed(gateway: GatewaySettings, home: ClusterHome) -> bool:
    """Whether nobody can change anything over HTTP as things are."""
    access = gateway.access
    is_open = needs_no_token(gateway.host, simulation=gateway.simulation, open_on_loopback=access.open_on_loopback)
    return not (is_open or access.oidc or _has_tokens(tokens_of(access, home)))


def _has_tokens(file: Path) -> bool:
    return has_valid_token(TokenFile(file).read(), time.time())
