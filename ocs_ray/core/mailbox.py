"""Which of the commands in a mailbox is the one to follow, and what becomes of the others.

Source: seed 004 'Command arbitration' (drain a bounded set, normalise, filter by allowed state, pick the highest
priority); reference isa88.md section 4. Unlike upstream nothing that was drained is lost: every sender is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ocs_ray.core.procedure_states import ACTING, POLICY, leads_to, settled
from ocs_ray.models.procedure import ProcedureCommand, ProcedureState, normalised

CAPACITY: Final = 1_000
"""Messages a mailbox holds; what comes on top is refused, so that a sender gone wild fills no memory."""


class Disposition(StrEnum):
    """What became of a command."""

    CHOSEN = "chosen"
    SUPERSEDED = "superseded"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message in a mailbox.

    Args:
        id: the sender's; a repeat carries the same.
        message: as it was sent.
        sender: who sent it, for the record.
        sent_at: Unix time in seconds.
        accepted_in: the state in which the supervisor followed it already; None when nobody has yet.
        is_for_script: the supervisor has no use for it; the script, which says it is elsewhere, may have.
    """

    id: str
    message: object
    sender: str
    sent_at: float
    accepted_in: ProcedureState | None = None
    is_for_script: bool = False
    command: ProcedureCommand | None = field(init=False, compare=False)
    """What it stands for; None when it stands for no command. Found once, as a full mailbox is read over and over."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "command", normalised(self.message))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sender is told of a letter, and the state it was judged in (None when that was no matter)."""

    letter: Letter
    disposition: Disposition
    state: ProcedureState | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """The letter to follow, if there is one, and the verdicts on all that were taken out."""

    chosen: Letter | None
    verdicts: tuple[Verdict, ...] = ()


class Mailbox:
    """Letters in the order they came."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []

    def __len__(self) -> int:
        return len(self._letters)

    @property
    def letters(self) -> tuple[Letter, ...]:
        """What lies in it."""
        return tuple(self._letters)

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return len(self._letters) >= CAPACITY

    def put(self, letter: Letter, *, accepted_in: ProcedureState | None = None, is_for_script: bool = False) -> None:
        """Lay a letter behind all others; a copy, as the same one may come twice."""
        self._letters.append(replace(letter, accepted_in=accepted_in, is_for_script=is_for_script))

    def take(self, unwanted: Callable[[Letter], bool]) -> list[Letter]:
        """Take out the letters ``unwanted`` says so of."""
        if not self._letters:
            return []
        taken = [letter for letter in self._letters if unwanted(letter)]
        self._remove(taken)
        return taken

    def _remove(self, letters: list[Letter]) -> None:
        gone = {id(letter) for letter in letters}
        self._letters = [letter for letter in self._letters if id(letter) not in gone]

    def receive(
        self,
        state: ProcedureState | None,
        max_messages: int = 5,
        *,
        drops_unchosen: bool = False,
        is_hidden: Callable[[Letter], bool] = lambda _: False,
    ) -> Received:
        """Drain a bounded set and pick the command to follow.

        STOP and ABORT are found however deep they lie; the bound is for the others.

        Args:
            state: filters what is allowed; None lets everything through.
            max_messages: bound of the set; below 1 counts as 1.
            drops_unchosen: as upstream: what was drained and not chosen is dropped, though its sender is told.
            is_hidden: letters that stay where they are as if they were not there.
        """
        drained = self._drained(max_messages, is_hidden)
        verdicts = [_verdict(x, Disposition.UNKNOWN, state, "it is no command") for x in drained if x.command is None]
        known = [letter for letter in drained if letter.command is not None]
        chosen = max(
            (x for x in known if _is_allowed(x, state)), key=_priority, default=None
        )  # the first of equal ones
        after = _state_after(chosen, state)  # and after each one that is kept: HOLD, RESUME, HOLD is to end held
        seen = chosen is None
        for letter in known:
            if letter is chosen:
                seen = True
                verdicts.append(_verdict(letter, Disposition.CHOSEN, state))
            elif not drops_unchosen and seen and _will_be_allowed(letter, after):
                after = _state_after(letter, after)
            elif chosen is not None and _is_allowed(letter, state):
                reason = f"{chosen.command} was followed"
                verdicts.append(_verdict(letter, Disposition.SUPERSEDED, state, reason))
            else:
                verdicts.append(_verdict(letter, Disposition.REJECTED, state, _refusal(letter, state)))
        self._remove([verdict.letter for verdict in verdicts])
        return Received(chosen, tuple(verdicts))

    def _drained(self, max_messages: int, is_hidden: Callable[[Letter], bool]) -> list[Letter]:
        drained, ordinary = list[Letter](), 0
        for letter in self._letters:
            if is_hidden(letter):
                continue
            is_urgent = letter.command is not None and letter.command.is_urgent
            if is_urgent or ordinary < max(1, max_messages):
                drained.append(letter)
                ordinary += not is_urgent
        return drained


def _priority(letter: Letter) -> int:
    assert letter.command is not None
    return letter.command.priority


def _is_allowed(letter: Letter, state: ProcedureState | None) -> bool:
    if letter.command is None:
        return False
    if state is None or letter.accepted_in is not None:
        return True
    return state in POLICY[letter.command]


def _state_after(chosen: Letter | None, state: ProcedureState | None) -> ProcedureState | None:
    """Where the script will stand when it has followed the chosen one; without one, where it is on its way to."""
    if state is None:
        return None
    if chosen is None or chosen.command is None:
        return settled(state) if state in ACTING and state is not ProcedureState.EXECUTE else None
    return leads_to(chosen.accepted_in or state, chosen.command)


def _will_be_allowed(letter: Letter, after: ProcedureState | None) -> bool:
    return letter.command is not None and after is not None and after in POLICY[letter.command]


def _refusal(letter: Letter, state: ProcedureState | None) -> str:
    return f"{letter.command} is not accepted in {state}"


def _verdict(letter: Letter, disposition: Disposition, state: ProcedureState | None, reason: str = "") -> Verdict:
    return Verdict(letter, disposition, state, reason)
