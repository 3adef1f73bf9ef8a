"""Events and current states. Source: csw events.scala, EventKey.scala, StateVariable.scala.

Nothing here reads a clock or makes an id: whoever publishes gives both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Discriminator

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import Id
from ocs_ray.models.params import Parameter, ParameterSet, ParamSet, latest_of_each_name
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.times import UTCTime
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_model import WireModel, kind_field, plain_init
from ocs_ray.models.wire_problems import shown

_OBSERVE_EVENT_END = re.compile(r"([^.]+\..+)\.(ObserveEvent\.[^.]+)")


class EventName(ValidatedText):
    """Name of an event; any text but none."""

    __slots__ = ()
    noun = "an event name"


class StateName(ValidatedText):
    """Name of a current state; any text but none."""

    __slots__ = ()
    noun = "a state name"


class EventKey(WireModel):
    """Which event of whom; as text ``ESW.darknight.filterMoved``. Source: csw EventKey.scala."""

    source: Prefix
    event_name: EventName

    @plain_init
    def __init__(self, source: Prefix | str, event_name: str) -> None:
        self.fill(source=source, event_name=event_name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key from its text form.

        Prefix and name may both hold dots, so the text is split at the last one, except that a trailing
        ``ObserveEvent.<Name>`` is one event name. A key with other dots in its event name has to be made
        from its two parts.

        Raises:
            BadInputError: no event name, or what stands before it is no prefix.
        """
        match = _OBSERVE_EVENT_END.fullmatch(text)
        source, name = (match[1], match[2]) if match else text.rpartition(".")[::2]
        if not source:
            remedy = "write SUBSYSTEM.name.eventName, for example ESW.darknight.filterMoved"
            raise BadInputError("", f"{shown(text)} is not an event key", remedy)
        try:
            return cls(Prefix(source), EventName(name))
        except BadInputError as refused:
            raise BadInputError(f"event key {shown(text)}", refused.problem, refused.remedy) from None

    def __str__(self) -> str:
        return f"{self.source}.{self.event_name}"


class _Event(ParameterSet):
    """What both kinds of events share. The fields stand in the subclasses, in the order of CSW's JSON."""

    @property
    def owner(self) -> str:
        return f"event '{self.event_key}'"

    @property
    def event_key(self) -> EventKey:
        """Who published what."""
        known = self.__dict__
        return EventKey(known["source"], known["event_name"])

    def start(
        self,
        source: Prefix | str,
        event_name: str,
        event_id: Id | str,
        event_time: UTCTime,
        params: Iterable[Parameter[object]],
    ) -> None:
        """Fill a new event from its constructor's arguments."""
        kept = latest_of_each_name(params)
        self.fill(event_id=event_id, source=source, event_name=event_name, event_time=event_time, param_set=kept)


class SystemEvent(_Event):
    """Something changed in a component.

    Args:
        event_id: unique for each publication.
        event_time: when it happened.
    Raises:
        BadInputError: a part is not what it should be.
    """

    kind: Literal["SystemEvent"] = kind_field("SystemEvent")
    event_id: Id
    source: Prefix
    event_name: EventName
    event_time: UTCTime
    param_set: ParamSet

    @plain_init
    def __init__(
        self,
        source: Prefix | str,
        event_name: str,
        *params: Parameter[object],
        event_id: Id | str,
        event_time: UTCTime,
    ) -> None:
        self.start(source, event_name, event_id, event_time, params)


class ObserveEvent(_Event):
    """A mark in the course of an observation; its names are in ``observe_events``. Arguments as for SystemEvent."""

    kind: Literal["ObserveEvent"] = kind_field("ObserveEvent")
    event_id: Id
    source: Prefix
    event_name: EventName
    event_time: UTCTime
    param_set: ParamSet

    @plain_init
    def __init__(
        self,
        source: Prefix | str,
        event_name: str,
        *params: Parameter[object],
        event_id: Id | str,
        event_time: UTCTime,
    ) -> None:
        self.start(source, event_name, event_id, event_time, params)


Event: TypeAlias = Annotated[SystemEvent | ObserveEvent, Discriminator("kind")]


class CurrentState(ParameterSet):
    """What a component says about itself to its callers, outside the event service."""

    prefix: Prefix
    state_name: StateName
    param_set: ParamSet

    @plain_init
    def __init__(self, prefix: Prefix | str, state_name: str, *params: Parameter[object]) -> None:
        self.fill(prefix=prefix, state_name=state_name, param_set=latest_of_each_name(params))

    @property
    def owner(self) -> str:
        return f"current state '{self.state_name}'"
