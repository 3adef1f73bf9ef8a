"""One tree of errors. Every error says what happened, where, and what to do about it.

They are dataclasses without defaults: Ray rebuilds an error on the other side from its fields, a custom
``__init__`` may not survive the trip and a default value would hide the real one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(eq=False)
class OcsError(Exception):
    """The root of everything ocs_ray raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, f.name) for f in fields(self))

    def __str__(self) -> str:
        return "; ".join(f"{f.name}: {getattr(self, f.name)}" for f in fields(self))


@dataclass(eq=False)
class BadInputError(OcsError):
    """Something a person wrote cannot be used: a file, an option, a JSON value.

    Args:
        where: file, line and path inside the document, for example ``night.json: $[2].paramSet[0]``.
        problem: what is wrong there.
        remedy: what to do.
    """

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.problem}" + (f" ({self.remedy})" if self.remedy else "")


@dataclass(eq=False)
class MissingKeyError(OcsError):
    """A command, event or result has no parameter with this key. Source: csw ParameterSetType.scala."""

    key_name: str
    key_type: str
    owner: str

    def __str__(self) -> str:
        return f"{self.owner} does not contain the parameter '{self.key_name}' ({self.key_type})"


@dataclass(eq=False)
class RefusedError(OcsError):
    """The message means nothing in the present state. Source: esw EswSequencerResponse.scala, Unhandled."""

    state: str
    message_type: str
    msg: str

    def __str__(self) -> str:
        return self.msg


@dataclass(eq=False)
class UnreachableError(OcsError):
    """No such component, it died, or it stayed silent for the time limit.

    Args:
        name: the name that was looked up, for example ``IRIS.IRIS_1-SequenceComponent``.
        reason: not registered, dead (and of what), or silent for how many seconds.
        remedy: what to do.
    """

    name: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name} {self.reason}" + (f" ({self.remedy})" if self.remedy else "")


@dataclass(eq=False)
class LostReplyError(UnreachableError):
    """A component is there, but its reply did not come: it was silent for the time limit, or the connection broke.

    Whether it acted is not known. A request that carries an id may be sent again; see ``scripting.patient_request``.
    """

    @classmethod
    def silent(cls, name: str, timeout_s: float) -> LostReplyError:
        """It was silent for ``timeout_s`` seconds."""
        return cls(name, f"did not answer within {timeout_s:g} s", "see what it does: ocs status")


@dataclass(eq=False)
class LocationError(OcsError):
    """The location service itself does not answer: nobody can say who is there."""

    reason: str

    def __str__(self) -> str:
        return f"Location Service Error: {self.reason}"


@dataclass(eq=False)
class OperationFailedError(OcsError):
    """An operation of the Sequence Manager could not be carried out, wholly or in part."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class ComponentFailedError(OcsError):
    """A component raised something nobody foresaw while it worked on a message."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} failed: {self.reason} (see its log)"


@dataclass(eq=False)
class ScriptError(OcsError):
    """A script cannot be loaded: missing, not importable, or its body failed.

    Args:
        prefix: the sequencer that wanted it.
        file: the script's path, empty when there is none.
        line: line in ``file``, 0 when unknown.
        problem: what is wrong.
    """

    prefix: str
    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"script of {self.prefix}: {place + ': ' if place else ''}{self.problem}"


@dataclass(eq=False)
class CommandError(OcsError):
    """A command or sequence was answered with Invalid, Error, Cancelled or Locked.

    Args:
        target: who answered, for example ``IRIS.imager.filter-Assembly``.
        command: name of the command, or ``sequence``.
        run_id: the run it was about.
        outcome: ``Invalid``, ``Error``, ``Cancelled`` or ``Locked``.
        reason: what the other side said.

    Source: esw ScriptError.kt, CommandError.
    """

    target: str
    command: str
    run_id: str
    outcome: str
    reason: str

    def __str__(self) -> str:
        return f"{self.target} answered {self.outcome} to '{self.command}': {self.reason}"


@dataclass(eq=False)
class StepFailedError(OcsError):
    """A handler ended its step on purpose with ``finish_with_error``."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class ClusterError(OcsError):
    """The cluster cannot be started, reached or used as asked.

    Args:
        problem: what happened, with the place of the log where there is one.
        remedy: what to do.
    """

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem} ({self.remedy})" if self.remedy else self.problem


@dataclass(eq=False)
class PackageRefusedError(BadInputError):
    """A package is broken, hostile or too big; nothing of it was kept.

    Args:
        reason: one word for programs, see ``ocs_ray.packages.archive_rules.Reason``: ``link``, ``bytes``, ``syntax``...
    """

    reason: str


@dataclass(eq=False)
class UnknownPackageError(OcsError):
    """The store has no such package or tag."""

    subject: str
    remedy: str

    def __str__(self) -> str:
        return f"there is no package {self.subject}" + (f" ({self.remedy})" if self.remedy else "")


@dataclass(eq=False)
class PackageTakenError(OcsError):
    """Other bytes have this name and version already: a version never changes its content.

    Args:
        label: ``name@version``.
        kept: digest of what the store has.
        offered: digest of what was sent.
    """

    label: str
    kept: str
    offered: str

    def __str__(self) -> str:
        return f"{self.label} is {self.kept} and stays so; sent was {self.offered} (raise the version in package.json)"


@dataclass(eq=False)
class ExpiredError(OcsError):
    """What was asked for was kept for its time, or up to its number of bytes, and is gone.

    Args:
        subject: what it was: ``output of instance 7f3a``.
        expired_at: UTC time in ISO form, empty when the number of bytes ended it.
        first_offset: the first offset, in bytes, that can still be read; -1 when none can.
    """

    subject: str
    expired_at: str
    first_offset: int

    def __str__(self) -> str:
        if self.expired_at:
            return f"{self.subject}: expired at {self.expired_at} (set retention_s in package.json to keep it longer)"
        return f"{self.subject}: expired by its limit of bytes; it begins at offset {self.first_offset} now"


@dataclass(eq=False)
class NameTakenError(ClusterError):
    """A component of this name runs already, maybe on another machine."""


@dataclass(eq=False)
class AccessError(OcsError):
    """The gateway does not let a request through.

    Args:
        status: HTTP's code: 401 for somebody unknown, 403 for somebody who may not.
        problem: what is wrong.
        remedy: what to do.
    """

    status: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem} ({self.remedy})" if self.remedy else self.problem
