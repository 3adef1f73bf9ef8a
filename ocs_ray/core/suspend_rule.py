"""Whether an event is an external cause to suspend. Source: PackML's Suspend; the rules of mode.yaml are ours."""

from __future__ import annotations

from ocs_ray.models.events import Event
from ocs_ray.models.procedure_settings import SuspendRule


def is_cause(rule: SuspendRule, event: Event) -> bool | None:
    """Whether the event's value is beyond the rule's limit; None when the event does not carry the value.

    An array counts when any of its values is beyond the limit.
    """
    found = next((param for param in event.param_set if param.key_name == rule.key), None)
    if found is None:
        return None
    return any(_is_beyond(rule, value) for value in found.values)


def _is_beyond(rule: SuspendRule, value: object) -> bool:
    if rule.equals is not None:
        return value == rule.equals or str(value) == str(rule.equals)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > rule.above if rule.above is not None else rule.below is not None and value < rule.below


def described(rule: SuspendRule) -> str:
    """The rule as people read it: ``TCS.weather.wind wind above 20``."""
    if rule.equals is not None:
        return f"{rule.event} {rule.key} is {rule.equals}"
    limit = f"above {rule.above:g}" if rule.above is not None else f"below {rule.below}"
    return f"{rule.event} {rule.key} {limit}"
