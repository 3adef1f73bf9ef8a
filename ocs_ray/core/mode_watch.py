"""What the Sequence Manager concludes from looking again and again: which sequencers were lost, which modes are over.

There can be two managers, and each sees what the other does only by looking. So a mode whose ESW sequencer is missing
is not over at once: another manager may be restarting it, or may have reserved the resources for it a moment ago.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from ocs_ray.core.resource_conflict import mode_of, running_modes
from ocs_ray.models.component_messages import LostSequencer, SequenceComponentStatus
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.times import UTCTime

CONFIRM_S: Final = 0.2
"""How long the ESW sequencer of a mode that ran must be missing before the mode is over, in seconds."""
GRACE_S: Final = 10.0
"""The same for a mode that was never seen running, in seconds: it may be reserved and about to be loaded.

It does not run while one of the mode's sequencers starts or ends, which its component bounds. Sequencers that merely
are there do not stop it: they are what a mode leaves behind when its ESW sequencer dies.
"""

Reports = Mapping[Prefix, SequenceComponentStatus | None]
"""Registered sequence component -> what it says; None for one that does not answer."""


class Sight(NamedTuple):
    """One look at the observatory.

    Args:
        at_s: when, in seconds of a clock that never jumps.
        time: the same, for people.
        alive: sequencers that are registered.
        held: modes that hold resources.
    """

    at_s: float
    time: UTCTime
    alive: frozenset[Prefix]
    held: frozenset[ObsMode]


def _busy(reports: Iterable[SequenceComponentStatus | None]) -> frozenset[ObsMode]:
    """Modes one of whose sequencers is starting or ending just now: a configure, or one that is taken back."""
    busy = ("Loading", "Restarting", "Unloading")
    found = (mode_of(r.loaded) for r in reports if r is not None and r.loaded is not None and r.state in busy)
    return frozenset(mode for mode in found if mode is not None)


def in_transit(reports: Iterable[SequenceComponentStatus | None]) -> frozenset[Prefix]:
    """Sequencers some component is starting just now, for whichever manager."""
    busy = ("Loading", "Restarting")
    return frozenset(r.loaded for r in reports if r is not None and r.loaded is not None and r.state in busy)


class ModeWatch:
    """Remembers what was seen; nothing of it is needed to go on after a restart."""

    def __init__(self) -> None:
        self._expected: Mapping[ObsMode, Iterable[Prefix]] = {}
        self._homes: dict[Prefix, Prefix | None] = {}
        self._strays: frozenset[Prefix] = frozenset()
        self._ran: set[ObsMode] = set()
        self._missing_since: dict[ObsMode, float] = {}
        self._lost: dict[Prefix, LostSequencer] = {}
        self._dismissed: set[Prefix] = set()
        self._seen_at: UTCTime | None = None

    @property
    def doubtful(self) -> bool:
        """Whether a mode that ran misses its ESW sequencer: the next look should come soon."""
        return any(mode in self._ran for mode in self._missing_since)

    def expect(self, sequencers: Mapping[ObsMode, Iterable[Prefix]]) -> None:
        """An earlier process of the manager died and may have missed the end of somebody.

        Those of held modes that are missing at the first look are lost.

        Args:
            sequencers: mode -> all it has.
        """
        self._expected = sequencers

    # -- what operations tell ------------------------------------------------------------------------------------

    def started(self, homes: Mapping[Prefix, Prefix]) -> None:
        """An operation started these sequencers, sequencer -> component."""
        self._homes.update(homes)
        self._ran.update(running_modes(homes))
        self._are_alive(homes)

    def ended(self, sequencers: Iterable[Prefix]) -> None:
        """An operation is about to end these sequencers, or need not: nobody misses them until they are seen again."""
        for prefix in sequencers:
            self._homes.pop(prefix, None)
            self._lost.pop(prefix, None)
            self._dismissed.add(prefix)

    def _are_alive(self, sequencers: Iterable[Prefix]) -> None:
        for prefix in sequencers:
            self._lost.pop(prefix, None)
            self._dismissed.discard(prefix)

    # -- looking -------------------------------------------------------------------------------------------------

    def asks_components(self, sight: Sight) -> bool:
        """Whether the components must be asked what they know before this look can be judged."""
        changed = sight.alive != self._homes.keys()
        is_homeless = None in self._homes.values()
        return changed or is_homeless or self._seen_at is None or bool(self._without_esw(sight))

    def judge(self, sight: Sight, reports: Reports) -> tuple[ObsMode, ...]:
        """Take in one look; lost sequencers are remembered.

        Args:
            reports: what the components say; may be empty when they need not be asked.

        Returns:
            The modes that are over and still hold resources: release them.
        """
        self._note_lost(sight, reports)
        starting = in_transit(reports.values())
        if self._seen_at is None:
            self._expect(sight, starting)
        lives = {r.loaded: r.prefix for r in reports.values() if r is not None and r.loaded is not None}
        kept = {p: home for p, home in self._homes.items() if p in sight.alive or p in lives}
        # In no component for two looks: it is in none. In one look, its component may just have let it go.
        self._strays = frozenset(p for p in sight.alive & kept.keys() if kept[p] is None and p not in lives)
        self._homes = kept | {p: lives.get(p) or self._homes.get(p) for p in sight.alive}
        self._are_alive(sight.alive)
        self._seen_at = sight.time
        return self._over(sight, starting, _busy(reports.values()))

    def lost(self, reports: Iterable[SequenceComponentStatus], alive: Collection[Prefix]) -> tuple[LostSequencer, ...]:
        """Every lost sequencer, by name: what was seen here and what components report.

        Args:
            alive: sequencers that are registered; they are not lost, whatever was reported.
        """
        reported = {r.lost.prefix: r.lost for r in reports if r.lost is not None}
        hidden = self._dismissed | set(alive)
        return tuple(record for prefix, record in sorted({**self._lost, **reported}.items()) if prefix not in hidden)

    # -- sequencers ----------------------------------------------------------------------------------------------

    def _note_lost(self, sight: Sight, reports: Reports) -> None:
        for prefix in self._homes.keys() - sight.alive:
            home = self._homes[prefix]
            if home is not None and home not in reports:
                continue  # its component was shut down with it
            if home is None and prefix not in self._strays:
                continue  # another manager ended it between the look at the names and the components' answers
            reason = self._why_lost(prefix, reports[home] if home is not None else None, home)
            if reason is not None:
                self._lost[prefix] = LostSequencer(prefix=prefix, sequence_component=home, at=sight.time, reason=reason)

    def _why_lost(self, prefix: Prefix, report: SequenceComponentStatus | None, home: Prefix | None) -> str | None:
        """Why a sequencer that vanished counts as lost; None when its component ended it, or does not know yet."""
        if report is None:
            return f"it vanished, and its sequence component {home or '(unknown)'} does not answer"
        if report.lost is not None and report.lost.prefix == prefix:
            return report.lost.reason
        if report.loaded == prefix:
            return None
        if report.restarted and report.since is not None and self._seen_at is not None and report.since > self._seen_at:
            return f"it was gone when its sequence component {home} had been restarted"
        return None

    def _expect(self, sight: Sight, starting: frozenset[Prefix]) -> None:
        for mode in sight.held:
            for prefix in self._expected.get(mode, ()):
                if prefix not in sight.alive | starting:
                    reason = f"{mode} holds its resources and this sequencer was gone when the manager was restarted"
                    self._lost[prefix] = LostSequencer(
                        prefix=prefix, sequence_component=None, at=sight.time, reason=reason
                    )

    # -- modes ---------------------------------------------------------------------------------------------------

    def _without_esw(self, sight: Sight) -> frozenset[ObsMode]:
        return sight.held - set(running_modes(sight.alive))

    def _over(self, sight: Sight, starting: frozenset[Prefix], busy: frozenset[ObsMode]) -> tuple[ObsMode, ...]:
        self._ran = {mode for mode in self._ran if mode in sight.held} | (sight.held - self._without_esw(sight))
        missing = self._without_esw(sight) - set(running_modes(starting)) - (busy - self._ran)
        self._missing_since = {mode: self._missing_since.get(mode, sight.at_s) for mode in missing}

        def limit_s(mode: ObsMode) -> float:
            return CONFIRM_S if mode in self._ran else GRACE_S

        return tuple(sorted(m for m, since in self._missing_since.items() if sight.at_s - since >= limit_s(m)))


def sequencers_of(mode: ObsMode, alive: Iterable[Prefix]) -> tuple[Prefix, ...]:
    """The sequencers of a mode, of all subsystems and with all variations."""
    return tuple(prefix for prefix in alive if mode_of(prefix) == mode)


def without_component(alive: Iterable[Prefix], components: Iterable[SequenceComponentStatus]) -> tuple[Prefix, ...]:
    """The sequencers that none of these components has in it."""
    homely = {component.loaded for component in components}
    return tuple(prefix for prefix in alive if prefix not in homely)


def of_subsystem(subsystem: Subsystem, alive: Iterable[Prefix]) -> tuple[Prefix, ...]:
    """The sequencers of a subsystem."""
    return tuple(prefix for prefix in alive if prefix.subsystem is subsystem)
