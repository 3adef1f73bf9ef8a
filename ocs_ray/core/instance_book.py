"""Who is who among the instances: found by the beginning of an id, counted for the limits, listed in pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ocs_ray.core.instance_limits import Population
from ocs_ray.core.instance_states import ExitCode
from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import InstanceList, InstanceTask
from ocs_ray.models.instance_records import InstanceRecord, InstanceStatus
from ocs_ray.models.package_names import Digest

_SHOWN_CANDIDATES = 5
_ORDER: Final = tuple(InstanceStatus)
"""No state leads back to one before it."""


class InstanceBook:
    """All instances in the order they were started, each with its last run and those before."""

    def __init__(self) -> None:
        self._tasks: dict[Id, InstanceTask] = {}
        self._records: dict[Id, InstanceRecord] = {}
        self._earlier: dict[Id, list[InstanceRecord]] = {}

    def begin(self, task: InstanceTask) -> None:
        """An instance is to be started, for the first time or once more."""
        record = task.record
        before = self._records.get(record.id)
        if before is not None:
            self._earlier.setdefault(record.id, []).append(before)
        self._tasks[record.id], self._records[record.id] = task, record

    def learn(self, record: InstanceRecord) -> bool:
        """Take what somebody says of an instance; False when it is no news: of an earlier run or state.

        What a host tells may come behind the answer it gave meanwhile. After the end only the time it expires may
        still change.
        """
        known = self._records.get(record.id)
        if known is None or record.run != known.run or record == known:
            return False
        if known.status.is_final:
            if record.status != known.status or record.expires_unix_s == known.expires_unix_s:
                return False
            record = known.model_copy(update={"expires_unix_s": record.expires_unix_s})
        elif _ORDER.index(record.status) < _ORDER.index(known.status):
            return False
        self._records[record.id] = record
        return True

    def is_over(self, said: InstanceRecord) -> bool:
        """Whether a run somebody says is alive has ended for this book: it was given up, or the next one began since.

        What is over stays over, for its room may be somebody else's by now: such a run has to be ended where it runs.
        False for a run that is not in the book: nobody here can say.
        """
        if said.status.is_final or said.id not in self._records:
            return False
        return any(known.run == said.run and known.status.is_final for known in self.runs(said.id))

    def given_up(self) -> list[InstanceRecord]:
        """Runs that were given up with their machine; they may still be alive there."""
        runs = (run for id_ in self._records for run in self.runs(id_))
        return [run for run in runs if run.terminated and run.terminated.exit_code == ExitCode.MACHINE_FAILED]

    def forget(self, ids: Iterable[Id]) -> None:
        """Drop instances with all their runs."""
        for id_ in ids:
            self._tasks.pop(id_, None)
            self._records.pop(id_, None)
            self._earlier.pop(id_, None)

    def get(self, id_: str) -> InstanceRecord:
        """The instance with this id, or the only one whose id begins so.

        Raises:
            BadInputError: there is none, or more than one.
        """
        if (exact := self._records.get(Id(id_))) is not None:
            return exact
        found = [record for each, record in self._records.items() if each.startswith(id_)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise BadInputError("", f"there is no instance {id_}", "see 'ocs inst list --all'")
        near = ", ".join(str(record.id) for record in found[:_SHOWN_CANDIDATES])
        raise BadInputError("", f"{len(found)} instances begin with {id_}", f"write more of it: {near}")

    def has(self, id_: Id) -> bool:
        """Whether an instance has this id."""
        return id_ in self._records

    def task(self, id_: Id) -> InstanceTask:
        """What the last run was told to do."""
        return self._tasks[id_]

    def runs(self, id_: Id) -> tuple[InstanceRecord, ...]:
        """Every run, the first one first."""
        return (*self._earlier.get(id_, ()), self._records[id_])

    def all(self) -> Mapping[Id, InstanceRecord]:
        """The last run of each."""
        return self._records

    def alive(self, digest: Digest | None = None) -> list[InstanceRecord]:
        """Those that have not ended, of one package or of all."""
        return [r for r in self._records.values() if not r.status.is_final and digest in (None, r.digest)]

    def population(self, digest: Digest) -> Population:
        """How many are alive."""
        return Population(platform=len(self.alive()), package=len(self.alive(digest)))

    def page(self, digests: Iterable[Digest] | None, after: int, limit: int, expired_before: float) -> InstanceList:
        """Part of the list.

        Args:
            digests: only of these packages; None for all.
            after: how many were shown already.
            expired_before: those that expired earlier are left out, in seconds since 1970; 0 shows all.
        """
        wanted = None if digests is None else set(digests)
        rows = [
            record
            for record in self._records.values()
            if (wanted is None or record.digest in wanted)
            and not (record.expires_unix_s is not None and record.expires_unix_s < expired_before)
        ]
        shown = tuple(rows[after : after + limit])
        return InstanceList(instances=shown, after=after + limit if len(rows) > after + limit else None)

    def expired(self, now_unix_s: float) -> list[InstanceRecord]:
        """Those whose output is gone."""
        return [r for r in self._records.values() if r.expires_unix_s is not None and r.expires_unix_s <= now_unix_s]
