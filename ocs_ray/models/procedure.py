"""The procedure model's words: states and commands of a running script, in three vocabularies.

One machine stands behind them: the 17 states of PackML. The seed's ten names and its diagram's names are other names
for some of them. Source: seed 004; ANSI/ISA-TR88.00.02-2022; reference isa88.md sections 2 and 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, cast

from ocs_ray.errors import BadInputError


class ProcedureState(StrEnum):
    """Where a running script stands, in PackML's names; other vocabularies' names are accepted as well."""

    IDLE = "IDLE"
    STARTING = "STARTING"
    EXECUTE = "EXECUTE"
    HOLDING = "HOLDING"
    HELD = "HELD"
    UNHOLDING = "UNHOLDING"
    SUSPENDING = "SUSPENDING"
    SUSPENDED = "SUSPENDED"
    UNSUSPENDING = "UNSUSPENDING"
    COMPLETING = "COMPLETING"
    COMPLETE = "COMPLETE"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    RESETTING = "RESETTING"
    ABORTING = "ABORTING"
    ABORTED = "ABORTED"
    CLEARING = "CLEARING"

    @classmethod
    def _missing_(cls, value: object) -> ProcedureState | None:
        name = str(value).strip().upper()
        return cls.__members__.get(name) or _ALIASES.get(name)

    @property
    def number(self) -> int:
        """PackML's number of the state."""
        return _NUMBERS[self]


class Vocabulary(StrEnum):
    """Whose names to use: the seed's list of states, the seed's diagram, or PackML."""

    SEED = "seed"
    DIAGRAM = "diagram"
    PACKML = "packml"


_S = ProcedureState
_NUMBERS: Final[Mapping[ProcedureState, int]] = {
    _S.CLEARING: 1,
    _S.STOPPED: 2,
    _S.STARTING: 3,
    _S.IDLE: 4,
    _S.SUSPENDED: 5,
    _S.EXECUTE: 6,
    _S.STOPPING: 7,
    _S.ABORTING: 8,
    _S.ABORTED: 9,
    _S.HOLDING: 10,
    _S.HELD: 11,
    _S.UNHOLDING: 12,
    _S.SUSPENDING: 13,
    _S.UNSUSPENDING: 14,
    _S.RESETTING: 15,
    _S.COMPLETING: 16,
    _S.COMPLETE: 17,
}
_NAMES: Final[Mapping[Vocabulary, Mapping[ProcedureState, str]]] = {
    Vocabulary.SEED: {_S.EXECUTE: "RUNNING", _S.UNHOLDING: "RESUMING", _S.ABORTED: "ERROR"},
    Vocabulary.DIAGRAM: {
        _S.HOLDING: "PAUSING",
        _S.HELD: "PAUSED",
        _S.UNHOLDING: "RESUMING",
        _S.COMPLETE: "COMPLETED",
    },
    Vocabulary.PACKML: {},
}
_ALIASES: Final[Mapping[str, ProcedureState]] = {
    name: state for names in _NAMES.values() for state, name in names.items()
}


def state_name(state: ProcedureState, vocabulary: Vocabulary = Vocabulary.SEED) -> str:
    """A state's name in a vocabulary; one the vocabulary lacks keeps PackML's."""
    return _NAMES[vocabulary].get(state, state.value)


class ProcedureCommand(StrEnum):
    """What a running script, or who supervises it, can be told; the first has the highest priority.

    The seed's order STOP > HOLD > RESUME > RESET is part of it. Source: reference isa88.md section 3.
    """

    ABORT = "ABORT"
    STOP = "STOP"
    CLEAR = "CLEAR"
    COMPLETE = "COMPLETE"
    UNSUSPEND = "UNSUSPEND"
    SUSPEND = "SUSPEND"
    HOLD = "HOLD"
    RESUME = "RESUME"
    RESET = "RESET"
    START = "START"

    @property
    def priority(self) -> int:
        """The higher, the sooner; HOLD, RESUME and RESET have upstream's numbers."""
        return _PRIORITIES[self]

    @property
    def is_urgent(self) -> bool:
        """Found however deep it lies in a mailbox."""
        return self in (ProcedureCommand.ABORT, ProcedureCommand.STOP)


_C = ProcedureCommand
_PRIORITIES: Final[Mapping[ProcedureCommand, int]] = {
    _C.ABORT: 7,
    _C.STOP: 6,
    _C.CLEAR: 5,
    _C.COMPLETE: 4,
    _C.UNSUSPEND: 3,
    _C.SUSPEND: 2,
    _C.HOLD: 1,
    _C.RESUME: 0,
    _C.RESET: -1,
    _C.START: -2,
}
_OTHER_WORDS: Final[Mapping[str, ProcedureCommand]] = {
    "PAUSE": _C.HOLD,
    "UNHOLD": _C.RESUME,
    "RESTART": _C.RESUME,
    "CANCEL": _C.STOP,
}


def normalised(message: object) -> ProcedureCommand | None:
    """The command a message stands for, None when it stands for none; never raises.

    Args:
        message: a name in any case, with blanks around it; bytes of such a name or of a JSON object; or a mapping with
            the name under ``cmd``.

    Source: seed 004 'normalize command names'; upstream neither strips nor knows other words.
    """
    if isinstance(message, bytes):
        message = _decoded(message)
    if isinstance(message, Mapping):
        message = cast("Mapping[str, Any]", message).get("cmd")
    if not isinstance(message, str):
        return None
    name = message.strip().upper()
    return _C.__members__.get(name) or _OTHER_WORDS.get(name)


def _decoded(message: bytes) -> object:
    try:
        text = message.decode()
        return json.loads(text) if text.lstrip().startswith("{") else text
    except (ValueError, RecursionError):  # a JSON text may be nested deeper than Python recurses
        return None


def state_of(name: str) -> ProcedureState:
    """A state by its name in any vocabulary.

    Raises:
        BadInputError: there is no such state.
    """
    try:
        return ProcedureState(name)
    except ValueError:
        known = ", ".join(sorted({*_S.__members__, *_ALIASES}))
        raise BadInputError(where="", problem=f"no procedure state '{name}'", remedy=f"known: {known}") from None
