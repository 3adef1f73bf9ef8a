"""How a refusal looks: ESW's texts at ESW's paths, problem details (RFC 9457) everywhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from ocs_ray.gateway.problem_types import BASE, BEFORE_ROUTES, MEDIA

ENDPOINTS: Final = ("/post-endpoint", "/websocket-endpoint")
CONFIG: Final = ("/active-config/", "/config/")
REALM: Final = 'Bearer realm="ocs"'
NO_TOKEN: Final = "The resource requires authentication, which was not supplied with the request"
BAD_TOKEN: Final = "The supplied authentication is invalid"
WRONG_ROLE: Final = "The supplied authentication is not authorized to access this resource"
MALFORMED: Final = "The request content was malformed:\n"
"""Source of these: pekko-http RejectionHandler; reference esw_sm 7.2."""
_ESW_TEXTS: Final = {401: NO_TOKEN, 403: WRONG_ROLE}


def refusal(path: str, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The response of a request that is not let through.

    Args:
        path: of the request: it decides the form.
        status: HTTP's code, one of ``BEFORE_ROUTES``.
        detail: what is wrong, and what to do.
        headers: further ones.
    """
    more = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        more.setdefault("WWW-Authenticate", REALM)
    if path.endswith(ENDPOINTS) or path.startswith(CONFIG):
        text = _ESW_TEXTS.get(status, f"{MALFORMED}{detail}" if status == HTTPStatus.BAD_REQUEST else detail)
        if status == HTTPStatus.UNAUTHORIZED and "error=" in more["WWW-Authenticate"]:
            text = BAD_TOKEN
        return Response(text, status, more, "text/plain; charset=UTF-8")
    kind = BEFORE_ROUTES[status]
    content = {"type": BASE + kind.slug, "title": kind.title, "status": status, "detail": detail}
    return Response(json.dumps(content), status, more, MEDIA)
