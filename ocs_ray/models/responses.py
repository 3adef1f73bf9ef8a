"""What a command is answered with. Source: csw CommandResponse.scala, CommandIssue.scala, Result.scala."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field

from ocs_ray.models.identifiers import Id
from ocs_ray.models.params import Parameter, ParameterSet, ParamSet, latest_of_each_name
from ocs_ray.models.prefix import NamedEnum
from ocs_ray.models.wire_model import WireModel, kind_field, plain_init


class IssueType(NamedEnum):
    """Why a command was not accepted."""

    AssemblyBusyIssue = "AssemblyBusyIssue"
    HCDBusyIssue = "HCDBusyIssue"
    IdNotAvailableIssue = "IdNotAvailableIssue"
    MissingKeyIssue = "MissingKeyIssue"
    OtherIssue = "OtherIssue"
    ParameterValueOutOfRangeIssue = "ParameterValueOutOfRangeIssue"
    RequiredAssemblyUnavailableIssue = "RequiredAssemblyUnavailableIssue"
    RequiredHCDUnavailableIssue = "RequiredHCDUnavailableIssue"
    RequiredSequencerUnavailableIssue = "RequiredSequencerUnavailableIssue"
    RequiredServiceUnavailableIssue = "RequiredServiceUnavailableIssue"
    UnresolvedLocationsIssue = "UnresolvedLocationsIssue"
    UnsupportedCommandInStateIssue = "UnsupportedCommandInStateIssue"
    UnsupportedCommandIssue = "UnsupportedCommandIssue"
    WrongCommandTypeIssue = "WrongCommandTypeIssue"
    WrongInternalStateIssue = "WrongInternalStateIssue"
    WrongNumberOfParametersIssue = "WrongNumberOfParametersIssue"
    WrongParameterTypeIssue = "WrongParameterTypeIssue"
    WrongPrefixIssue = "WrongPrefixIssue"
    WrongUnitsIssue = "WrongUnitsIssue"


class CommandIssue(WireModel):
    """Why a command was not accepted, by type and in words."""

    type: IssueType = Field(alias="_type")
    reason: str

    @plain_init
    def __init__(self, type: IssueType | str, reason: str) -> None:
        self.fill(type=type, reason=reason)

    def __str__(self) -> str:
        return f"{self.type}: {self.reason}"


class Result(ParameterSet):
    """What a completed command found out: ``Result(key.set(1))``."""

    param_set: ParamSet

    @plain_init
    def __init__(self, *params: Parameter[object]) -> None:
        self.fill(param_set=latest_of_each_name(params))

    @property
    def owner(self) -> str:
        return "result"


class _Response(WireModel):
    """What all responses can be asked."""

    @property
    def is_started(self) -> bool:
        """Whether the command goes on."""
        return False

    @property
    def is_completed(self) -> bool:
        """Whether the command ended well."""
        return False

    @property
    def is_final(self) -> bool:
        """Whether no other response to this run will follow."""
        return True

    @property
    def is_negative(self) -> bool:
        """Whether the command did not do what was asked."""
        return self.is_final and not self.is_completed

    @property
    def reason(self) -> str:
        """Why it is negative, for people; empty when it is not."""
        return ""


class Started(_Response):
    """The command goes on; its final response will be known under the run id."""

    kind: Literal["Started"] = kind_field("Started")
    run_id: Id

    @plain_init
    def __init__(self, run_id: Id | str) -> None:
        self.fill(run_id=run_id)

    @property
    def is_started(self) -> bool:
        return True

    @property
    def is_final(self) -> bool:
        return False


class Completed(_Response):
    """The command ended well."""

    kind: Literal["Completed"] = kind_field("Completed")
    run_id: Id
    result: Result

    @plain_init
    def __init__(self, run_id: Id | str, result: Result | None = None) -> None:
        self.fill(run_id=run_id, result=Result() if result is None else result)

    @property
    def is_completed(self) -> bool:
        return True


class Error(_Response):
    """The command was started and failed."""

    kind: Literal["Error"] = kind_field("Error")
    run_id: Id
    message: str

    @plain_init
    def __init__(self, run_id: Id | str, message: str) -> None:
        self.fill(run_id=run_id, message=message)

    @property
    def reason(self) -> str:
        return self.message


class Invalid(_Response):
    """The command was not accepted."""

    kind: Literal["Invalid"] = kind_field("Invalid")
    run_id: Id
    issue: CommandIssue

    @plain_init
    def __init__(self, run_id: Id | str, issue: CommandIssue) -> None:
        self.fill(run_id=run_id, issue=issue)

    @property
    def reason(self) -> str:
        return str(self.issue)


class Cancelled(_Response):
    """The command was taken back before its end."""

    kind: Literal["Cancelled"] = kind_field("Cancelled")
    run_id: Id

    @plain_init
    def __init__(self, run_id: Id | str) -> None:
        self.fill(run_id=run_id)

    @property
    def reason(self) -> str:
        return "cancelled"


class Locked(_Response):
    """The component is locked by somebody else."""

    kind: Literal["Locked"] = kind_field("Locked")
    run_id: Id

    @plain_init
    def __init__(self, run_id: Id | str) -> None:
        self.fill(run_id=run_id)

    @property
    def reason(self) -> str:
        return "locked"


class Accepted(_Response):
    """The command is valid; what comes of it is not told (oneway), or it was not run at all (validate)."""

    kind: Literal["Accepted"] = kind_field("Accepted")
    run_id: Id

    @plain_init
    def __init__(self, run_id: Id | str) -> None:
        self.fill(run_id=run_id)

    @property
    def is_negative(self) -> bool:
        return False


SubmitResponse: TypeAlias = Annotated[Started | Completed | Error | Invalid | Cancelled | Locked, Discriminator("kind")]
OnewayResponse: TypeAlias = Annotated[Accepted | Invalid | Locked, Discriminator("kind")]
ValidateResponse: TypeAlias = Annotated[Accepted | Invalid | Locked, Discriminator("kind")]
