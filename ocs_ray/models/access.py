"""Who calls over HTTP, what roles there are, and what is kept of a token. Roles: esw auth, reference esw_sm 7.3."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field

from ocs_ray.errors import BadInputError
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import Subsystem
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_problems import advice, shown

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Role(ValidatedText):
    """A role as ESW's realm names it, in lower case: ``ESW-user`` is ``esw-user``.

    Raises:
        BadInputError: empty.
    """

    __slots__ = ()
    noun = "a role"

    @classmethod
    def canonical(cls, text: str) -> str:
        return super().canonical(text.strip()).lower()

    @classmethod
    def of_subsystem(cls, subsystem: Subsystem) -> Role:
        """Who may change what belongs to ``subsystem``: ``iris-user``."""
        return cls(f"{subsystem}-user")


ESW_USER: Final = Role("esw-user")
SCRIPT_ADMIN: Final = Role("script-admin")
LOCATION_ADMIN: Final = Role("location-admin")
ROLES: Final = (
    ESW_USER,
    *(Role.of_subsystem(each) for each in Subsystem if each not in (Subsystem.ESW, Subsystem.Container)),
    SCRIPT_ADMIN,
    LOCATION_ADMIN,
)
"""Every role that opens something here."""


def known_role(text: str) -> Role:
    """A role that opens something, for whoever hands one out.

    Raises:
        BadInputError: it opens nothing; the nearest one is named.
    """
    role = Role(text)
    if role not in ROLES:
        raise BadInputError("", f"{shown(text)} is no role here", advice(text, ROLES))
    return role


class TokenName(ValidatedText):
    """What people call a token: ``night-console``.

    Raises:
        BadInputError: empty, longer than 64 characters, or anything but letters, digits, ``.``, ``_`` and ``-``.
    """

    __slots__ = ()
    noun = "the name of a token"

    @classmethod
    def canonical(cls, text: str) -> str:
        if not _NAME.fullmatch(text):
            remedy = "use letters, digits, '.', '_' and '-', at most 64 of them"
            raise BadInputError("", f"{shown(text)} is not {cls.noun}", remedy)
        return text


class TokenRecord(Message):
    """What is kept of a token: never the token itself.

    Args:
        digest: SHA-256 of the token, in hexadecimal digits.
        created_at: Unix time in seconds.
        expires_at: Unix time in seconds; None for never.
    """

    name: TokenName
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    roles: tuple[Role, ...] = Field(min_length=1)
    created_at: float
    expires_at: float | None = None


class TokenBook(Message):
    """All tokens of a cluster, as the file holds them."""

    version: int = Field(default=1, ge=1, le=1)
    tokens: tuple[TokenRecord, ...] = ()


class Caller(Message):
    """Who makes a request.

    Args:
        name: of the token or the person; empty for somebody unknown.
        is_of_token: the name is a token's; else it is what an identity provider calls the person.
        roles: what he may do.
        is_known: a valid token was shown.
        problem: why a token that was shown is not valid; empty when none was shown.
        is_trusted: access is off on this loopback address: he may do everything.
        is_undecided: a token was shown, and whoever could tell whether it is valid does not answer.
    """

    name: str = ""
    is_of_token: bool = False
    roles: frozenset[Role] = frozenset()
    is_known: bool = False
    problem: str = ""
    is_trusted: bool = False
    is_undecided: bool = False

    @property
    def is_welcome(self) -> bool:
        """Whether he may do more than read."""
        return self.is_known or self.is_trusted

    @property
    def mark(self) -> str:
        """Tells him from all others: a token may be called as the identity provider calls somebody."""
        if not self.is_known:
            return "unknown"
        return f"{'token' if self.is_of_token else 'person'} {self.name}"
