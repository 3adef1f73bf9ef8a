"""From an error to one line for people and an exit code."""

from __future__ import annotations

from typing import Final

from ocs_ray.errors import (
    AccessError,
    BadInputError,
    ClusterError,
    OcsError,
    PackageTakenError,
    ScriptError,
    UnknownPackageError,
)

_UNUSABLE: Final = (AccessError, BadInputError, ClusterError, PackageTakenError, ScriptError, UnknownPackageError)

OK: Final = 0
FAILED: Final = 1
"""A run or an operation failed; asking again later may go well."""
UNUSABLE: Final = 2
"""What was asked cannot be done as it was written: correct the input, or bring the cluster up."""
INTERRUPTED: Final = 130


class Interrupted(Exception):
    """A person asked this command to end: Ctrl-C or SIGTERM."""


def exit_code(failure: BaseException) -> int:
    """What the shell is told of ``failure``."""
    match failure:
        case Interrupted() | KeyboardInterrupt():
            return INTERRUPTED
        case _ if isinstance(failure, _UNUSABLE):
            return UNUSABLE
        case _:
            return FAILED


def one_line(failure: BaseException) -> str:
    """What a person is told of ``failure``, in one line without a traceback."""
    match failure:
        case Interrupted() | KeyboardInterrupt():
            text = str(failure) or "interrupted"
        case OcsError():
            text = str(failure)
        case _:
            # Ray wraps what an actor raised, and tells it with the actor's traceback
            cause = getattr(failure, "cause", None) or failure
            first = next(iter(_lines(str(cause))), "")
            text = f"unexpected {type(cause).__name__}: {first} (the details come with OCS_DEBUG=1)"
    return "; ".join(_lines(text))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
