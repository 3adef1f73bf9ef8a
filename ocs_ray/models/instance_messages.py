"""What is said about instances: by people to the package service, by it to the host of a machine, and back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_records import Channel, ChannelRules, InstanceRecord, InstanceStatus
from ocs_ray.models.message import Message
from ocs_ray.models.package_manifest import InputKind, InstanceLimits


class StartInstance(Message):
    """Start a package; answered with its ``InstanceRecord`` once the program runs.

    Args:
        request: a repeat of the same request gets the first answer, it starts nothing.
        ref: name, name@version, name@tag, or the beginning of a digest.
        args: in order; None takes those of package.json.
        named: by name.
        config: what the program finds as ``ctx.config``.
        id: to be used instead of one that is made up; no other instance may have it.
    """

    kind: Literal["start_instance"] = "start_instance"
    request: Id
    ref: str
    args: tuple[Any, ...] | None = None
    named: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    id: Id | None = None


class GetInstance(Message):
    """One instance; answered with its ``InstanceRecord``.

    Args:
        id: the whole id or its beginning.
    """

    kind: Literal["get_instance"] = "get_instance"
    id: str


class ListInstances(Message):
    """Instances, the newest last; answered with ``InstanceList``.

    Args:
        ref: only those of this package; empty for all.
        all: also those whose output has expired.
    """

    kind: Literal["list_instances"] = "list_instances"
    ref: str = ""
    all: bool = False
    after: NonNegativeInt = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class InstanceList(Message):
    """A page of instances.

    Args:
        after: hand this to the next question; None at the end of the list.
    """

    kind: Literal["instance_list"] = "instance_list"
    instances: tuple[InstanceRecord, ...]
    after: NonNegativeInt | None = None


class GetRuns(Message):
    """Every run of an instance that was restarted, the first one first; answered with ``InstanceList``."""

    kind: Literal["get_runs"] = "get_runs"
    id: str


class StopInstance(Message):
    """Ask an instance to stop; answered with its record at once.

    Args:
        timeout_s: then it is killed, in seconds.
        can_keep_alive: whether it may ask for more time.
    """

    kind: Literal["stop_instance"] = "stop_instance"
    id: str
    timeout_s: NonNegativeFloat = 7.0
    can_keep_alive: bool = False


class KillInstance(Message):
    """End an instance now; answered with its record when it is gone.

    Args:
        remove_immediately: drop what it wrote at once instead of after its retention.
    """

    kind: Literal["kill_instance"] = "kill_instance"
    id: str
    remove_immediately: bool = False


class RestartInstance(Message):
    """Kill it if it is alive, and start the same digest with the same arguments under the same id, one run further."""

    kind: Literal["restart_instance"] = "restart_instance"
    request: Id
    id: str


class EndInstances(Message):
    """Stop all instances, kill those that do not end in time; answered with those, as ``InstanceList``."""

    kind: Literal["end_instances"] = "end_instances"
    deadline_s: NonNegativeFloat = 3.0


class CollectInstances(Message):
    """Forget the instances whose output has expired; answered with those, as ``InstanceList``."""

    kind: Literal["collect_instances"] = "collect_instances"


class WaitInstance(Message):
    """The record as soon as the instance has ended, or when the time is over."""

    kind: Literal["wait_instance"] = "wait_instance"
    id: str
    timeout_s: NonNegativeFloat


class InstanceTask(Message):
    """What a machine's host is told to run, and keeps beside the run.

    Args:
        main: the file to start with, below the package.
        resources: what it takes from a machine, by Ray's names.
    """

    kind: Literal["instance_task"] = "instance_task"
    record: InstanceRecord
    main: str
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    rules: ChannelRules = ChannelRules()
    input: InputKind = InputKind.JSON_LINES
    limits: InstanceLimits = InstanceLimits()
    resources: dict[str, float] = Field(default_factory=dict)


class StartFailure(Message):
    """Why a program did not get to run; the fields of a BadInputError."""

    kind: Literal["start_failure"] = "start_failure"
    where: str
    problem: str
    remedy: str


class TaskStarted(Message):
    """The answer to a task: it runs, or has ended already."""

    kind: Literal["task_started"] = "task_started"
    record: InstanceRecord
    failure: StartFailure | None = None


class GetRunsHere(Message):
    """All runs on this machine whose files are there; answered with ``InstanceList``."""

    kind: Literal["get_runs_here"] = "get_runs_here"


class EndRun(Message):
    """End a run that is over for the package service, which gave it up while its machine was away.

    Answered with ``Ok`` when it is gone; one that has ended already, or is not there, is no error.
    """

    kind: Literal["end_run"] = "end_run"
    id: Id
    run: PositiveInt


class ForgetRuns(Message):
    """End what is left of instances and remove their files."""

    kind: Literal["forget_runs"] = "forget_runs"
    ids: tuple[Id, ...]


class InstanceChanged(Message):
    """A host tells the package service where an instance stands."""

    kind: Literal["instance_changed"] = "instance_changed"
    record: InstanceRecord


class ReadChannel(Message):
    """Part of a channel; answered with ``ChannelPiece``.

    Args:
        run: 0 is the last one.
        offset: in bytes; a negative one counts from the present end.
        tail_lines: instead of the offset: begin this many lines before the end.
        wait_s: how long to wait when nothing is there yet, in seconds.
    """

    kind: Literal["read_channel"] = "read_channel"
    id: Id
    run: NonNegativeInt = 0
    channel: Channel
    offset: int = 0
    tail_lines: NonNegativeInt | None = None
    most_bytes: PositiveInt = 1 << 20
    wait_s: NonNegativeFloat = 0.0


class ChannelPiece(Message):
    """Bytes of a channel.

    Args:
        offset: of the first byte.
        ended: nothing follows, now or later.
    """

    kind: Literal["channel_piece"] = "channel_piece"
    offset: NonNegativeInt
    data: bytes
    ended: bool

    @property
    def next_offset(self) -> int:
        """Where to go on."""
        return self.offset + len(self.data)


class SendInput(Message):
    """Bytes for an instance; what comes before it is ready is kept. Answered when there is room for more.

    Args:
        to: ``input`` or ``stdin``.
        content_type: has to be what the package reads; empty does not say.
        end: nothing follows.
    """

    kind: Literal["send_input"] = "send_input"
    id: Id
    to: Literal["input", "stdin"] = "input"
    data: bytes
    content_type: str = ""
    end: bool = False


class SendEvent(Message):
    """An event for an instance: what it hung up with ``ctx.on`` is called."""

    kind: Literal["send_event"] = "send_event"
    id: Id
    name: str
    message: Any = None


class GetHealth(Message):
    """How an instance feels; answered with ``InstanceHealth``."""

    kind: Literal["get_health"] = "get_health"
    id: Id


class InstanceHealth(Message):
    """How an instance feels.

    Args:
        healthy: what its monitoring handlers say; True without any. False when it has ended.
        heartbeat_age_s: since it was last heard of, in seconds; a program that spins in C code is silent.
        memory_bytes: of its processes, shared pages counted in part.
        cpu_s: processor time of its processes, in seconds.
    """

    kind: Literal["instance_health"] = "instance_health"
    healthy: bool
    status: InstanceStatus
    heartbeat_age_s: float
    process_id: NonNegativeInt = 0
    processes: NonNegativeInt = 0
    memory_bytes: NonNegativeInt = 0
    cpu_s: float = 0.0
    details: dict[str, Any] = Field(default_factory=dict)
