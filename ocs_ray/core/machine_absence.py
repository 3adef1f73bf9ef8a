"""Which machines have to be asked for their instances, and which have been away for so long that theirs are lost.

An answer that does not come says nothing about an instance: a machine that is there may be slow, and is asked again.
Only a machine nobody has seen for a while takes its instances with it; when it comes back it is asked what still runs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Look(NamedTuple):
    """What follows from who is there.

    Args:
        ask: machines whose host is to say what became of its instances.
        lost: machines that were away for too long.
    """

    ask: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class MachineAbsence:
    """Remembers since when machines are away, and who owes an answer.

    Args:
        lost_s: how long a machine may be away before its instances are given up, in seconds.
    """

    def __init__(self, lost_s: float) -> None:
        self._lost_s = lost_s
        self._away_since: dict[str, float] = {}
        self._owing: set[str] = set()

    def owe(self, machine: str) -> None:
        """It has to be asked: it did not answer, or what it runs is not known."""
        self._owing.add(machine)

    def answered(self, machine: str) -> None:
        """It said what runs there."""
        self._owing.discard(machine)

    def look(self, living: Collection[str], there: Collection[str], hosts: Collection[str], now_s: float) -> Look:
        """What is to be done now.

        Args:
            living: machines with instances that are alive as far as is known.
            there: machines of the cluster.
            hosts: machines whose host is up.
            now_s: of a clock that only goes on, in seconds.
        """
        self._away_since = {each: at for each, at in self._away_since.items() if each in living and each not in there}
        ask: list[str] = []
        lost: list[str] = []
        for machine in sorted({*living, *self._owing}):
            if machine in there:
                if machine in self._owing or machine not in hosts:
                    ask.append(machine)
            elif machine in living and now_s - self._away_since.setdefault(machine, now_s) > self._lost_s:
                lost.append(machine)
                self._owing.add(machine)  # its instances may run on behind a broken line
        return Look(tuple(ask), tuple(lost))
