"""Looks after instances that are alive: whether their machines and hosts are there, and what those say of them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final, Protocol

from ocs_ray.actors.instance_room import InstanceRoom
from ocs_ray.core.instance_book import InstanceBook
from ocs_ray.core.machine_absence import MachineAbsence
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import instance_host
from ocs_ray.models.instance_messages import EndRun, GetRunsHere, InstanceList
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.scripting.port import Port

HOST_S: Final = 15.0
"""Longest wait for a host's answer, in seconds; it is asked again."""
WATCH_S: Final = 2.0
LOST_S: Final = 15.0
"""How long a machine with instances may be away before they are given up, in seconds."""
log = logging.getLogger("ocs.instances")


class Watched(Protocol):
    """Whose instances these are."""

    @property
    def book(self) -> InstanceBook:
        """Everything that is known."""
        ...

    def settled(self) -> list[InstanceRecord]:
        """Those alive whose start is over."""
        ...

    def learn(self, record: InstanceRecord) -> None:
        """Take what a host says of an instance."""
        ...

    def lose(self, record: InstanceRecord, reason: str) -> None:
        """Give an instance up."""
        ...


class InstanceWatch:
    """Sees that the machines of living instances are there.

    Args:
        room: machines and their hosts.
        port: the way to the hosts.
        of: whose instances.
    """

    def __init__(self, room: InstanceRoom, port: Port, of: Watched) -> None:
        self._room, self._port, self._of = room, port, of
        self._absence = MachineAbsence(LOST_S)

    async def begin(self) -> None:
        """After a start: every machine is asked once for what is alive there, or was given up."""
        for record in (*self._of.settled(), *self._of.book.given_up()):
            if record.machine:
                self._absence.owe(record.machine)
        await self._look()

    async def run(self) -> None:
        """Look again and again, whatever goes wrong."""
        while True:
            await asyncio.sleep(WATCH_S)
            await self._look()

    async def end(self, record: InstanceRecord) -> None:
        """End a run that is over; when that fails its machine is asked again what runs there."""
        log.warning("run %d of instance %s is over, but alive on %s: end it", record.run, record.id, record.machine)
        try:
            await self._port.ask(instance_host(record.machine), EndRun(id=record.id, run=record.run), HOST_S)
        except OcsError as failure:
            log.warning("run %d of instance %s could not be ended: %s", record.run, record.id, failure)
            self._absence.owe(record.machine)

    async def _look(self) -> None:
        try:
            there, registered = set(self._room.machines()), set(self._port.names())
            living = {record.machine for record in self._of.settled()}
            hosts = {machine for machine in there if instance_host(machine) in registered}
            look = self._absence.look(living, there, hosts, time.monotonic())
            for record in self._of.settled():
                if record.machine in look.lost:
                    self._of.lose(record, f"its machine {record.machine} was lost")
            await asyncio.gather(*map(self._ask, look.ask))
        except Exception:  # nobody else would look after them
            log.exception("looking after instances failed; it is tried again")

    async def _ask(self, machine: str) -> None:
        """Ask a machine what became of its instances; what it does not know of is lost, what is over is ended."""
        mine = [record for record in self._of.settled() if record.machine == machine]
        self._absence.owe(machine)
        try:
            host = await self._room.host(machine)
            here: InstanceList = await self._port.ask(host, GetRunsHere(), HOST_S)
        except OcsError as failure:
            log.warning("%s does not say yet what became of its instances: %s", machine, failure)
            return
        self._absence.answered(machine)
        known = {(record.id, record.run): record for record in here.instances}
        for record in mine:
            if (found := known.get((record.id, record.run))) is not None:
                self._of.learn(found)
            else:
                self._of.lose(record, "lost: no machine knows of it any more")
        await asyncio.gather(*(self.end(record) for record in here.instances if self._of.book.is_over(record)))
