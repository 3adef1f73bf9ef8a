"""How patient a procedure is with its script, and what suspends it: ``procedure:`` of a mode.yaml. Ours."""

from __future__ import annotations

from pydantic import PositiveFloat, model_validator

from ocs_ray.errors import BadInputError
from ocs_ray.models.events import EventKey
from ocs_ray.models.message import Message


class SuspendRule(Message):
    """An external cause: while the event's value is beyond the limit, running scripts are suspended.

    Args:
        event: key of the event, for example ``TCS.weather.wind``.
        key: name of the parameter in it.
        above: suspend while the value is greater than this.
        below: suspend while the value is less than this.
        equals: suspend while the value is this.
    """

    event: str
    key: str
    above: float | None = None
    below: float | None = None
    equals: str | bool | int | float | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> SuspendRule:
        if sum(limit is not None for limit in (self.above, self.below, self.equals)) != 1:
            raise ValueError("give exactly one of 'above', 'below' and 'equals'")
        try:
            EventKey.parse(self.event)
        except BadInputError as failure:
            raise ValueError(f"event: {failure.problem}") from None
        return self

    @property
    def event_key(self) -> EventKey:
        """The event's key."""
        return EventKey.parse(self.event)


class ProcedureSettings(Message):
    """How patient the procedure is with its script.

    Args:
        stop_grace_s: how long a script may take to follow STOP or ABORT; then its step, or its new-sequence hook, is
            cancelled, in seconds.
        kill_after_s: how long it may go on after that; then the sequencer's process ends, in seconds.
        hold_limit_s: after how long a script that has not come to a checkpoint, or is in ``no_hold``, is reported, in
            seconds.
        child_limit_s: after how long another sequencer that does not follow is named, in seconds.
        suspend_when: external causes; any of them suspends.
    """

    stop_grace_s: PositiveFloat = 10.0
    kill_after_s: PositiveFloat = 5.0
    hold_limit_s: PositiveFloat = 60.0
    child_limit_s: PositiveFloat = 60.0
    suspend_when: tuple[SuspendRule, ...] = ()
