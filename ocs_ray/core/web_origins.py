"""Who calls this gateway by which name, from which web page, and what it may listen on.

A web page may make a browser send requests to a server on the reader's own machine, and with a name that changes its
address (DNS rebinding) even read the answers. Where a token is needed neither helps the page, for a browser sends no
token of itself; where none is needed, Host and Origin are what tells such a page from a person.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

LOCAL_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost")
LONGEST: Final = 300


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach ``host``: 127.0.0.0/8, ::1, localhost."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") in LOCAL_NAMES


def is_address(host: str) -> bool:
    """Whether it is a number, which no name server can point elsewhere."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def host_of(header: str) -> str | None:
    """The host in a Host header, in lower case and without its port; None when it is none."""
    if not header or len(header) > LONGEST or any(char in header for char in "/\\@?# \t,"):
        return None
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def host_is_ours(header: str, names: Collection[str], *, is_trusting: bool) -> bool:
    """Whether a request with this Host header was meant for this gateway.

    Args:
        names: what it is called besides its addresses, in lower case.
        is_trusting: no token is needed here: then only loopback and ``names`` will do, so that a forwarder on this
            machine does not open it to everybody.
    """
    host = host_of(header)
    if host is None:
        return False
    return is_loopback(host) or host in names or (not is_trusting and is_address(host))


def origin_may_change(origin: str | None, host: str, allowed: Collection[str]) -> bool:
    """Whether a request without a token may change something, by the web page it comes from.

    Args:
        origin: the Origin header; None for a program that is no browser.
        host: the Host header.
        allowed: further origins, ``https://ocs.example.org``.
    """
    if origin is None or origin in allowed:
        return True
    if len(origin) > LONGEST:
        return False
    try:
        parts = urlsplit(origin)
        hostname = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not hostname:
        return False  # `null`: a page from a file or a frame in a sandbox; anybody can make one
    return is_loopback(hostname) or parts.netloc.lower() == host.lower()


def binding_problem(host: str, *, has_tokens: bool, has_oidc: bool) -> str | None:
    """Why the gateway must not listen on ``host``; None when it may.

    Args:
        has_tokens: whether there is a token that is valid now.
        has_oidc: whether an identity provider is named.
    """
    if is_loopback(host) or has_tokens or has_oidc:
        return None
    return f"the gateway will not listen on {host}, where other machines reach it: it has no token and no OIDC issuer"


def needs_no_token(host: str, *, simulation: bool, open_on_loopback: bool) -> bool:
    """Whether everybody who reaches the gateway may do everything: only ever on loopback."""
    return is_loopback(host) and (simulation or open_on_loopback)
