"""Who may use the gateway, and how much of it. All have defaults that are safe on one machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from ocs_ray.models.message import Message


class OidcSettings(Message):
    """An identity provider whose access tokens are taken, for example ESW's Keycloak.

    Args:
        issuer: exactly as it stands in the tokens' ``iss``: ``https://auth.example.org/realms/TMT``.
        audience: has to be in the tokens' ``aud``.
        jwks_url: where its keys are; found by the issuer's discovery document when left out.
        timeout_s: longest wait for the issuer, in seconds.
        leeway_s: by how much clocks may differ, in seconds.
    """

    issuer: str
    audience: str = Field(min_length=1)
    jwks_url: str = ""
    timeout_s: PositiveFloat = 5.0
    leeway_s: NonNegativeFloat = Field(default=30.0, le=300.0)

    @field_validator("issuer", "jwks_url")
    @classmethod
    def _is_a_url(cls, text: str) -> str:
        parts = urlsplit(text)
        if text and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("write it like https://auth.example.org/realms/TMT")
        return text


class LimitSettings(Message):
    """How much of the gateway one request, and one caller, may use.

    Args:
        body_bytes: largest body of a request.
        unknown_body_bytes: the same for callers without a valid token, where one is needed to change anything.
        upload_bytes: the same for a script package.
        json_depth: how deep a JSON body may be nested.
        header_bytes: all headers of a request together.
        headers: how many there may be.
        requests_per_s: of one token, or of one address without a token, in the long run.
        burst: how many may come at once.
        waits: how many requests of one caller may wait for something at once.
    """

    body_bytes: PositiveInt = 4 << 20
    unknown_body_bytes: PositiveInt = 64 << 10
    upload_bytes: PositiveInt = 256 << 20
    json_depth: PositiveInt = 64
    header_bytes: PositiveInt = 32 << 10
    headers: PositiveInt = 100
    requests_per_s: PositiveFloat = 500.0
    burst: PositiveInt = 2000
    waits: PositiveInt = 500


class AccessSettings(Message):
    """Who may use the gateway.

    Args:
        reads_open: whether reads need no token, as in ESW.
        open_on_loopback: whether changes need no token either, as long as the gateway listens on loopback only.
        allowed_hosts: further names the gateway is called by, without port.
        allowed_origins: further web pages that may change things without a token, ``https://ocs.example.org``.
        oidc: an identity provider; None for tokens of ``ocs token`` alone.
        limits: how much a request and a caller may use.
        trusted_proxies: addresses, or networks, of proxies whose ``X-Forwarded-For`` tells who calls; of nobody else.
        token_file: where the tokens of ``ocs token`` lie; set by ``ocs up``.
    """

    reads_open: bool = True
    open_on_loopback: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    oidc: OidcSettings | None = None
    limits: LimitSettings = LimitSettings()
    trusted_proxies: tuple[str, ...] = ()
    token_file: str = ""
