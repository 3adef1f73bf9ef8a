"""Who makes a request: from a token of ``ocs token``, from one of the identity provider, or nobody known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qs

from ocs_ray.core.token_book import MARK, recognise
from ocs_ray.core.web_origins import needs_no_token
from ocs_ray.gateway.access.oidc import OidcVerifier
from ocs_ray.location.token_file import FreshTokens
from ocs_ray.models.access import Caller
from ocs_ray.models.gateway_settings import GatewaySettings

QUERY_NAMES: Final = ("access_token", "Authorization")
"""Where a browser puts a token when it cannot set headers: RFC 6750 2.3, and what ESW's gateway reads."""


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

    async def who(self, headers: Iterable[tuple[bytes, bytes]], query: bytes) -> Caller:
        """Who it is.

        Args:
            headers: of the request.
            query: what stands behind the ``?``, of requests that may carry a token there; else empty.
        """
        shown = [value for name, value in headers if name.lower() == b"authorization"]
        if len(shown) > 1:
            caller = Caller(problem="there are two Authorization headers")
        elif shown:
            caller = await self._of_header(shown[0].decode("latin-1"))
        elif token := _token_in(query):
            caller = await self._of_token(token)
        else:
            caller = Caller()
        return caller.model_copy(update={"is_trusted": True}) if self.trusts_everybody else caller

    async def _of_header(self, header: str) -> Caller:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return Caller(problem="the Authorization header is not 'Bearer TOKEN'")
        return await self._of_token(token.strip())

    async def _of_token(self, token: str) -> Caller:
        if self._oidc is None or token.startswith(MARK):
            return recognise(self._tokens.book(), token, self._clock())
        return await self._oidc.caller(token)


def _token_in(query: bytes) -> str:
    if not query:
        return ""
    try:
        found = parse_qs(query.decode("latin-1"), max_num_fields=50)
    except ValueError:
        return ""
    token = next((found[name][0] for name in QUERY_NAMES if name in found), "")
    return token.removeprefix("Bearer ").strip()
