"""Before the gateway is started: where its tokens are, and whether it may listen where it is told to."""

from __future__ import annotations

import time
from pathlib import Path

from ocs_ray.core.token_book import has_valid_token
from ocs_ray.core.web_origins import binding_problem, needs_no_token
from ocs_ray.errors import ClusterError
from ocs_ray.location.cluster_home import TOKENS
from ocs_ray.location.token_file import TokenFile
from ocs_ray.models.gateway_settings import GatewaySettings

REMEDY = "make one: ocs token create NAME --role esw-user; or leave 'gateway: host:' at 127.0.0.1"


def with_access(gateway: GatewaySettings, data_folder: Path | None) -> GatewaySettings:
    """The settings with the place of the tokens.

    Args:
        data_folder: of the cluster; None when there is none, and so no token.

    Raises:
        ClusterError: other machines would reach it, and nobody has a token.
    """
    access = gateway.access
    if data_folder is not None and not access.token_file:
        access = access.model_copy(update={"token_file": str(data_folder / TOKENS)})
    problem = binding_problem(gateway.host, has_tokens=_has_tokens(access.token_file), has_oidc=access.oidc is not None)
    if problem is not None:
        raise ClusterError(problem=problem, remedy=REMEDY)
    return gateway.model_copy(update={"access": access})


def is_closed(gateway: GatewaySettings, tokens: Path) -> bool:
    """Whether nobody can change anything over HTTP as things are, and should be told how to."""
    access = gateway.access
    is_open = needs_no_token(gateway.host, simulation=gateway.simulation, open_on_loopback=access.open_on_loopback)
    return not (is_open or access.oidc or _has_tokens(access.token_file or str(tokens)))


def _has_tokens(file: str) -> bool:
    return bool(file) and has_valid_token(TokenFile(Path(file)).read(), time.time())
