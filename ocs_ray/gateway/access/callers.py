"""Who makes a request: from a token of ``ocs token``, from one of the identity provider, or nobody known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from ocs_ray.core.token_book import MARK, recognise
from ocs_ray.core.web_origins import needs_no_token
from ocs_ray.gateway.access.oidc import OidcVerifier
from ocs_ray.location.token_file import FreshTokens
from ocs_ray.models.access import Caller
from ocs_ray.models.gateway_settings import GatewaySettings

QUERY_NAMES: Final = ("access_token", "Authorization")
"""Where a browser puts a token when it cannot set headers: RFC 6750 2.3, and what ESW's gateway reads."""


class Shown(NamedTuple):
    """What a request shows of its caller.

    Args:
        token: empty for none.
        problem: why it cannot be read.
    """

    token: str = ""
    problem: str = ""


class Callers:
    """Tells callers apart.

    Args:
        settings: of the gateway.
        clock: Unix time in seconds.
    """

    def __init__(self, settings: GatewaySettings, clock: Callable[[], float] = time.time) -> None:
        access = settings.access
        self._tokens, self._clock = FreshTokens(access.token_file), clock
        self._oidc = OidcVerifier(access.oidc) if access.oidc is not None else None
        self.trusts_everybody = needs_no_token(
            settings.host, simulation=settings.simulation, open_on_loopback=access.open_on_loopback
        )

    def is_costly(self, shown: Shown) -> bool:
        """Whether it takes a signature to tell: some 100 times what all the rest of a refused request costs."""
        return self._oidc is not None and bool(shown.token) and not shown.token.startswith(MARK)

    async def who(self, shown: Shown) -> Caller:
        """Who it is."""
        if shown.problem:
            caller = Caller(problem=shown.problem)
        else:
            caller = await self._of_token(shown.token) if shown.token else Caller()
        return caller.model_copy(update={"is_trusted": True}) if self.trusts_everybody else caller

    async def _of_token(self, token: str) -> Caller:
        if self._oidc is None or token.startswith(MARK):
            return recognise(self._tokens.book(), token, self._clock())
        return await self._oidc.caller(token)


def shown_in(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> Shown:
    """The token of a request.

    Args:
        headers: of the request.
        query: what stands behind the ``?``, of requests that may carry a token there; else empty.
    """
    given = [value for name, value in headers if name.lower() == b"authorization"]
    if len(given) > 1:
        return Shown(problem="there are two Authorization headers")
    if not given:
        return Shown(_token_in(query))
    scheme, _, token = given[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return Shown(problem="the Authorization header is not 'Bearer TOKEN'")
    return Shown(token.strip())


def _token_in(query: bytes) -> str:
    if not query:
        return ""
    try:
        found = parse_qs(query.decode("latin-1"), max_num_fields=50)
    except ValueError:
        return ""
    token = next((found[name][0] for name in QUERY_NAMES if name in found), "")
    return token.removeprefix("Bearer ").strip()
