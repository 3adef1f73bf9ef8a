"""Joining an observatory through its gateway."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ocs_ray.client.http.http_port import HttpPort
from ocs_ray.errors import BadInputError
from ocs_ray.scripting.port import use_default_port

SERVER: Final = "OCS_SERVER"
TOKEN: Final = "OCS_TOKEN"
TOKEN_FILE: Final = "OCS_TOKEN_FILE"
LONGEST_TOKEN: Final = 16 << 10
"""How big a file with a token may be, in bytes."""


def connect(server: str | None = None, *, token: str | None = None, token_file: Path | str | None = None) -> HttpPort:
    """Connect this process to the gateway; every entity made afterwards uses it.

    Args:
        server: the gateway, ``http://127.0.0.1:8090``; ``OCS_SERVER`` when left out.
        token: the bearer token; else that of ``token_file``, ``OCS_TOKEN`` or ``OCS_TOKEN_FILE``; reading may need
            none.
        token_file: a file that holds the token and nothing else.

    Raises:
        BadInputError: no URL, or the file cannot be read.
        ClusterError: nothing answers there, or it is no gateway of ours.
        AccessError: the token is not valid.
    """
    url = server or os.environ.get(SERVER, "")
    if not url:
        raise BadInputError("", "no server is named", f"give its URL, or set {SERVER}")
    port = HttpPort(url, token if token is not None else read_token(token_file))
    port.check()
    use_default_port(port)
    return port


def read_token(file: Path | str | None = None) -> str:
    """The token of a file or of the environment; empty when there is none.

    Raises:
        BadInputError: the file cannot be read, or holds no token.
    """
    if file is None and (text := os.environ.get(TOKEN, "").strip()):
        return text
    named = file or os.environ.get(TOKEN_FILE, "")
    if not named:
        return ""
    try:
        with Path(named).expanduser().open("rb") as stream:
            text = stream.read(LONGEST_TOKEN + 1).decode("ascii", errors="replace").strip()
    except OSError as failure:
        remedy = "name a file that holds the token: ocs token create NAME --role ROLE > FILE"
        raise BadInputError(str(named), failure.strerror or str(failure), remedy) from None
    if not text or not text.isprintable() or " " in text or "\ufffd" in text or len(text) > LONGEST_TOKEN:
        raise BadInputError(str(named), "this is no token", "the file has to hold the token and nothing else")
    return text
