"""What all simulated devices share: a table of the commands they understand, and options from the cluster file."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ocs_ray.errors import BadInputError, OcsError
from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.identifiers import Id
from ocs_ray.models.keys import Key, Parameter
from ocs_ray.models.responses import CommandIssue, Completed, Invalid, IssueType, SubmitResponse
from ocs_ray.scripting.component_handlers import ComponentContext, ComponentHandlers

SILENCE_S: Final = 1.0
"""Real seconds before another try when the event service does not answer."""


class Options(BaseModel):
    """What the cluster file may say about a device; a misspelt option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


SomeOptions = TypeVar("SomeOptions", bound=Options)
T = TypeVar("T")


def options_of(ctx: ComponentContext, model: type[SomeOptions]) -> SomeOptions:
    """The options a device was given, with defaults for the others.

    Raises:
        BadInputError: an option that does not exist or does not fit.
    """
    try:
        return model.model_validate(dict(ctx.options))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInputError(
            where=f"options of {ctx.prefix}",
            problem=f"{place}: {first['msg']}",
            remedy=f"it understands {', '.join(model.model_fields)}",
        ) from error


class Action(NamedTuple):
    """One command of a device.

    Args:
        check: why the command cannot be taken now; None when it can. Changes nothing.
        run: does it. None means Completed without a result.
    """

    check: Callable[[ControlCommand], CommandIssue | None]
    run: Callable[[ControlCommand, str], Awaitable[SubmitResponse | None]]


class SimulatedDevice(ComponentHandlers):
    """A device that is a table of commands."""

    @abstractmethod
    def actions(self) -> Mapping[str, Action]:
        """Command name -> what to do."""

    def validate(self, command: ControlCommand) -> CommandIssue | None:
        known = self.actions()
        action = known.get(command.command_name)
        if action is None:
            listed = ", ".join(known) or "no command at all"
            reason = f"{self.ctx.prefix} does not know {command.command_name}: it understands {listed}"
            return issue(IssueType.UnsupportedCommandIssue, reason)
        return action.check(command)

    async def on_submit(self, command: ControlCommand, run_id: str) -> SubmitResponse:
        # The device may have changed since the command was validated; from here to the first await it cannot.
        if (refusal := self.validate(command)) is not None:
            return Invalid(run_id=Id(run_id), issue=refusal)
        return await self.actions()[command.command_name].run(command, run_id) or Completed(run_id=Id(run_id))

    async def publish_in_background(self, name: str, *params: Parameter[Any]) -> None:
        """Publish an event from work nobody waits for: an event service that does not answer is waited out."""
        try:
            await self.ctx.publish(name, *params)
        except OcsError as failure:
            self.ctx.log.warning("%s cannot publish %s, going on: %s", self.ctx.prefix, name, failure)
            await asyncio.sleep(SILENCE_S)


def issue(kind: IssueType, reason: str) -> CommandIssue:
    """A reason not to take a command."""
    return CommandIssue(type=kind, reason=reason)


def first(command: ControlCommand, key: Key[T]) -> T | None:
    """The value of a parameter; None when the command has none."""
    found = command.get(key)
    return found.values[0] if found is not None and found.values else None


def missing(command: ControlCommand, *keys: Key[Any]) -> CommandIssue | None:
    """The issue of a command that lacks one of these parameters; None when it has them all."""
    lacking = [str(key) for key in keys if first(command, key) is None]
    if not lacking:
        return None
    return issue(IssueType.MissingKeyIssue, f"{command.command_name} needs {', '.join(lacking)}")


def always(command: ControlCommand) -> None:
    """The check of a command that can always be taken."""
    return
