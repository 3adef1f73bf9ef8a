"""Tokens: made, found, revoked, expired. The file they lie in: ``location.token_file``.

A token is 256 random bits, so one round of SHA-256 is right for it: nobody can try 2^256 of them, however fast one is.
A slow hash such as argon2 is for passwords, which people choose; here it would only make every request slow.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.access import Caller, Role, TokenBook, TokenName, TokenRecord

MARK: Final = "ocs_"
"""Every token begins with it, so that people and scanners of secrets recognise one."""
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_PERIOD: Final = re.compile(r"^(\d{1,6})([smhdw])$")
_LONGEST_S: Final = 10 * 366 * 86400.0


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def period_s(text: str) -> float:
    """Seconds of ``30d``, ``12h``, ``90m``, ``45s`` or ``2w``.

    Raises:
        BadInputError: it is none of these, nothing at all, or more than ten years.
    """
    found = _PERIOD.match(text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise BadInputError("--expires", f"'{text}' is no period", "write it like 30d, 12h or 90m; at most ten years")
    return seconds


def with_token(book: TokenBook, record: TokenRecord) -> TokenBook:
    """The book with one token more; one of this name that has expired makes room.

    Raises:
        BadInputError: a valid token of this name is there.
    """
    kept = tuple(each for each in book.tokens if each.name != record.name or not is_expired(each, record.created_at))
    if any(each.name == record.name for each in kept):
        remedy = f"revoke it: ocs token revoke {record.name}"
        raise BadInputError("", f"there is a token '{record.name}' already", remedy)
    return book.model_copy(update={"tokens": (*kept, record)})


def without_token(book: TokenBook, name: str) -> TokenBook:
    """The book without a token.

    Raises:
        BadInputError: there is none of this name.
    """
    kept = tuple(each for each in book.tokens if each.name != name)
    if len(kept) == len(book.tokens):
        raise BadInputError("", f"there is no token '{name}'", "see what there is: ocs token list")
    return book.model_copy(update={"tokens": kept})


def is_expired(record: TokenRecord, now: float) -> bool:
    """Whether it is valid no more; ``now`` is Unix time in seconds."""
    return record.expires_at is not None and now >= record.expires_at


def has_valid_token(book: TokenBook, now: float) -> bool:
    """Whether anybody could come with one."""
    return any(not is_expired(each, now) for each in book.tokens)


def recognise(book: TokenBook, token: str, now: float) -> Caller:
    """Who shows this token. Every record is compared, each in constant time: how long it takes tells nothing.

    Args:
        now: Unix time in seconds.
    """
    digest, found = digest_of(token), None
    for each in book.tokens:
        if hmac.compare_digest(each.digest, digest):
            found = each
    if found is None:
        return Caller(problem="the token is not known, or was revoked")
    if is_expired(found, now):
        return Caller(problem=f"the token '{found.name}' has expired")
    return Caller(name=found.name, is_of_token=True, roles=frozenset(found.roles), is_known=True)


def new_record(name: str, roles: list[Role], token: str, now: float, lasts_s: float | None) -> TokenRecord:
    """What is kept of a new token.

    Args:
        token: the random text, with its mark.
        now: Unix time in seconds.
        lasts_s: how long it is valid, in seconds; None for ever.

    Raises:
        BadInputError: the name is none, or there is no role.
    """
    if not roles:
        raise BadInputError("--role", "a token needs a role", "give one: --role esw-user")
    unique = tuple(dict.fromkeys(roles))
    expires_at = None if lasts_s is None else now + lasts_s
    return TokenRecord(
        name=TokenName(name), digest=digest_of(token), roles=unique, created_at=now, expires_at=expires_at
    )
