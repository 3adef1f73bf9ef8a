"""An instance: a package that runs or has run, and its channels. Source: reference scramjet.md, sections 4 and 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from ocs_ray.models.identifiers import Id
from ocs_ray.models.message import Message
from ocs_ray.models.package_manifest import DEFAULT_RETENTION_S, Backpressure
from ocs_ray.models.package_names import Digest, PackageName, PackageVersion


class InstanceStatus(StrEnum):
    """Where an instance stands; the words are transform-hub's."""

    INITIALIZING = "initializing"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    KILLING = "killing"
    COMPLETED = "completed"
    ERRORED = "errored"

    @property
    def is_final(self) -> bool:
        """It has ended and stays as it is."""
        return self in (InstanceStatus.COMPLETED, InstanceStatus.ERRORED)


class Channel(StrEnum):
    """What an instance writes."""

    OUTPUT = "output"
    STDOUT = "stdout"
    STDERR = "stderr"
    LOG = "log"
    EVENTS = "events"


class Terminated(Message):
    """How an instance ended.

    Args:
        exit_code: see ``ocs_ray.core.instance_states.ExitCode``.
        reason: in words; of a failure with file and line.
    """

    exit_code: int
    reason: str


class ChannelRules(Message):
    """How the channels of an instance are kept.

    Args:
        backpressure: what happens when nobody reads.
        unread_bytes: with ``block``, how much may be unread before the writer waits, in bytes.
        retention_s: how long they are kept after the end, in seconds.
        retention_bytes: how much of each is kept, in bytes; whole segments go, the oldest first; None keeps all.
        segment_bytes: size of one file, in bytes.
    """

    backpressure: Backpressure = Backpressure.SPILL
    unread_bytes: PositiveInt = 1 << 20
    retention_s: NonNegativeFloat = DEFAULT_RETENTION_S
    retention_bytes: PositiveInt | None = None
    segment_bytes: PositiveInt = 8 << 20


class Segment(NamedTuple):
    """One file of a channel: the offset it begins at and its size, both in bytes."""

    start: int
    size: int


SurplusRule: TypeAlias = Callable[[Sequence[Segment], int | None], Sequence[Segment]]
"""Which segments can go; ``ocs_ray.core.retention.surplus`` is the house's."""


class InstanceRecord(Message):
    """Everything that is told of an instance, alive or ended.

    Args:
        digest: exactly what it runs, whatever the tags say later.
        run: 1 for the first start, one more for each restart under the same id.
        args: as bound to the program's parameters, JSON values.
        machine: where it runs; empty before it is placed.
        created_unix_s: when the start was asked for; the other times follow the same clock.
        expires_unix_s: when its channels are dropped; None before the end.
    """

    id: Id
    digest: Digest
    name: PackageName
    version: PackageVersion
    run: Annotated[int, Field(ge=1)] = 1
    args: tuple[Any, ...] = ()
    status: InstanceStatus = InstanceStatus.INITIALIZING
    machine: str = ""
    process_id: NonNegativeInt = 0
    created_unix_s: float
    started_unix_s: float | None = None
    ended_unix_s: float | None = None
    expires_unix_s: float | None = None
    terminated: Terminated | None = None
