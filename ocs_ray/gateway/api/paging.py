"""Pages of long lists: ``limit`` items, and a cursor for the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query, Request, Response

from ocs_ray.gateway.api.problems import BAD_INPUT, Refusal
from ocs_ray.gateway.api.route import json_response

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=100, description="`next` of the page before; empty for the first page.")]
MOST: Final = 1 << 53


def number_of(cursor: str) -> int:
    """The number a cursor stands for; 0 for the first page.

    Raises:
        Refusal: it is no cursor of ours.
    """
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 17 and int(cursor) < MOST):
        raise Refusal(BAD_INPUT, "cursor: this is no cursor; take it from 'next' of the page before")
    return int(cursor)


def page(request: Request, items: Sequence[object], following: int | str | None) -> Response:
    """A page as JSON, with the address of the next one also as ``Link``.

    Args:
        following: cursor of the next page; None at the end.
    """
    cursor = None if following is None else str(following)
    headers: dict[str, str] = {}
    if cursor is not None:
        headers["Link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'
    return json_response({"items": list(items), "next": cursor}, headers=headers)
