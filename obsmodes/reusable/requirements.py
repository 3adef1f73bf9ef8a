"""What a command must carry: an error that names the command, or the parameter and who needed it."""

from __future__ import annotations

from typing import TypeVar

from ocs_ray.errors import StepFailedError
from ocs_ray.models.keys import Key
from ocs_ray.scripting import Observe, ObsId, Setup

T = TypeVar("T")


def obs_id_of(command: Setup | Observe) -> ObsId:
    """The observation a command belongs to.

    Raises:
        StepFailedError: it belongs to none.
    """
    if command.maybe_obs_id is None:
        raise StepFailedError(reason=f"obsId not found in command {command.command_name}")
    return command.maybe_obs_id


def value_of(command: Setup | Observe, key: Key[T], needed_by: str) -> T:
    """The value of a parameter. Its units are not looked at: real sequences carry times in all kinds of units.

    Args:
        needed_by: prefix of the component the value is for.

    Raises:
        StepFailedError: the command has no such parameter.
    """
    found = command.get(key)
    if found is None or not found.values:
        raise StepFailedError(reason=f"Param of {key.name} not found for {needed_by}")
    return found.head()
