"""Access tokens of an identity provider: signed JWTs, verified with the keys it publishes. Source: OpenID Connect Core,
RFC 7519, RFC 8725 (best practices); roles as Keycloak writes them, which is what ESW uses.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import httpx
import jwt

from ocs_ray.models.access import Caller, Role
from ocs_ray.models.access_settings import OidcSettings

ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures whose keys may be public. HS256 is none: with it, the public key would be the secret."""
KEY_TYPES: Final = ("RSA", "EC", "OKP")
NO_ACCESS_TOKEN: Final = frozenset({"ID", "REFRESH", "OFFLINE"})
"""Kinds of token Keycloak names in ``typ`` that say who somebody is, and are not meant for us."""
KEEP_S: Final = 600.0
"""How long keys are used before they are fetched again, in seconds: a withdrawn key is not used much longer."""
OLD_S: Final = 2 * KEEP_S
"""Keys nobody asked for meanwhile, and so nobody refreshed, are not used before the issuer was asked, in seconds."""
AGAIN_S: Final = 5.0
"""Shortest time from the end of a fetch to the next one, in seconds, however many tokens with unknown keys come."""
MOST_BYTES: Final = 1 << 20


class IssuerSilentError(Exception):
    """The identity provider's keys cannot be had."""


class IssuerKeys:
    """The keys of an identity provider, fetched when they are needed and again when it has made new ones.

    Args:
        settings: where it is.
        clock: seconds, never going back.
    """

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._tried_at: float | None = None
        self._fetched_at: float | None = None
        self._failure = ""
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of this id; the only one there is for an empty id. None when there is none.

        A known key is given at once, and refreshed behind its back: while the issuer is silent nobody waits for it.

        Raises:
            IssuerSilentError: the provider does not answer, and no key of it is known.
        """
        if self._age_s() >= KEEP_S or self._known(kid) is None:
            self._begin_fetch()
            is_needed = self._known(kid) is None or (self._age_s() >= OLD_S and not self._failure)
            if is_needed and self._fetching is not None:
                await asyncio.shield(self._fetching)  # it is everybody's, so one who leaves does not end it
        found = self._known(kid)
        if found is None and self._failure:
            raise IssuerSilentError(self._failure)
        return found

    def _known(self, kid: str) -> jwt.PyJWK | None:
        if not kid:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _age_s(self) -> float:
        return math.inf if self._fetched_at is None else self._clock() - self._fetched_at

    def _begin_fetch(self) -> None:
        """See to it that one fetch is under way, unless one has just ended."""
        if self._fetching is not None and not self._fetching.done():
            return
        self._fetching = None
        if self._tried_at is None or self._clock() - self._tried_at >= AGAIN_S:
            self._fetching = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        limit_s = self._settings.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                document = await self._fetch()
        except TimeoutError:
            self._failure = f"the OIDC issuer {self._settings.issuer} did not answer within {limit_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
            self._failure = (
                f"the OIDC issuer {self._settings.issuer} gives no keys: {failure or type(failure).__name__}"
            )
        else:
            self._keys, self._fetched_at, self._failure = _keys_of(document), self._clock(), ""
        self._tried_at = self._clock()  # when it ended: a fetch may take as long as the pause after it

    async def _fetch(self) -> Any:
        async with httpx.AsyncClient(timeout=self._settings.timeout_s) as client:
            url = self._settings.jwks_url or await self._discovered(client)
            return await _json(client, url)

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        issuer = self._settings.issuer
        document = await _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise ValueError(f"its discovery document is of {str(document.get('issuer'))[:100]}")
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise ValueError("its discovery document has no jwks_uri")
        return url


class OidcVerifier:
    """Tells who shows an access token of an identity provider."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._keys = settings, IssuerKeys(settings, clock)

    async def caller(self, token: str) -> Caller:
        """Who it is; with the problem when the token is not valid."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                return Caller(problem="the token is signed in a way that is not taken")
            key = await self._keys.find(str(header.get("kid") or ""))
            if key is None:
                return Caller(problem="the token is signed with a key its issuer does not publish")
            return _caller_of(self._claims(token, key))
        except IssuerSilentError as silent:
            return Caller(problem=str(silent), is_undecided=True)
        except jwt.ExpiredSignatureError:
            return Caller(problem="the token has expired")
        except jwt.InvalidAudienceError:
            return Caller(problem=f"the token is not meant for {self._settings.audience}")
        except jwt.InvalidIssuerError:
            return Caller(problem=f"the token is not of {self._settings.issuer}")
        except jwt.PyJWTError as failure:
            return Caller(problem=f"the token is not valid: {failure}")

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=self._settings.leeway_s,
            options={"require": ["exp", "iss", "aud"]},
        )


async def _json(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
        response.raise_for_status()
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise ValueError(f"{url} answers with more than {MOST_BYTES} bytes")
    document: Any = httpx.Response(200, content=body).json()
    if not isinstance(document, dict):
        raise ValueError(f"{url} does not answer with a JSON object")
    return cast("dict[str, Any]", document)


def _keys_of(document: Any) -> dict[str, jwt.PyJWK]:
    found: dict[str, jwt.PyJWK] = {}
    listed: Any = document.get("keys")
    for number, each in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(each, dict) or each.get("kty") not in KEY_TYPES or each.get("use", "sig") != "sig":
            continue
        try:
            found[str(each.get("kid") or f"#{number}")] = jwt.PyJWK(each)
        except jwt.PyJWTError:
            continue  # a kind of key we cannot use says nothing about the others
    return found


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    if str(claims.get("typ", "")).upper() in NO_ACCESS_TOKEN:
        return Caller(problem="this is no access token")
    access: Any = claims.get("realm_access")
    listed: Any = access.get("roles") if isinstance(access, dict) else None
    named: list[Any] = cast("list[Any]", listed) if isinstance(listed, list) else []
    roles = frozenset(Role(each) for each in named if isinstance(each, str) and each.strip())
    name = claims.get("preferred_username") or claims.get("sub") or "somebody of the issuer"
    return Caller(name=str(name)[:100], roles=roles, is_known=True)
