"""The observe events of a sequencer as data: their names, and which parameters each one carries.

Source: csw SequencerObserveEvent.scala, ObserveEventNames.scala, ParamFactories.scala. ESW's ``exposureAborted``
publishes ObservePaused by mistake; here a name is data, so the two cannot be mixed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.events import ObserveEvent
from ocs_ray.models.identifiers import ExposureId, Id, ObsId
from ocs_ray.models.keys import Key, choice_key, double_key, string_key
from ocs_ray.models.params import Parameter
from ocs_ray.models.prefix import NamedEnum, Prefix
from ocs_ray.models.times import UTCTime
from ocs_ray.models.units import Units
from ocs_ray.models.wire_problems import advice


class ObserveEventName(NamedEnum):
    """Names of the observe events a sequencer publishes."""

    PresetStart = "ObserveEvent.PresetStart"
    PresetEnd = "ObserveEvent.PresetEnd"
    GuidestarAcqStart = "ObserveEvent.GuidestarAcqStart"
    GuidestarAcqEnd = "ObserveEvent.GuidestarAcqEnd"
    ScitargetAcqStart = "ObserveEvent.ScitargetAcqStart"
    ScitargetAcqEnd = "ObserveEvent.ScitargetAcqEnd"
    ObservationStart = "ObserveEvent.ObservationStart"
    ObservationEnd = "ObserveEvent.ObservationEnd"
    ObserveStart = "ObserveEvent.ObserveStart"
    ObserveEnd = "ObserveEvent.ObserveEnd"
    ExposureStart = "ObserveEvent.ExposureStart"
    ExposureEnd = "ObserveEvent.ExposureEnd"
    ReadoutEnd = "ObserveEvent.ReadoutEnd"
    ReadoutFailed = "ObserveEvent.ReadoutFailed"
    PrepareStart = "ObserveEvent.PrepareStart"
    ExposureAborted = "ObserveEvent.ExposureAborted"
    DataWriteStart = "ObserveEvent.DataWriteStart"
    DataWriteEnd = "ObserveEvent.DataWriteEnd"
    ObservePaused = "ObserveEvent.ObservePaused"
    ObserveResumed = "ObserveEvent.ObserveResumed"
    DowntimeStart = "ObserveEvent.DowntimeStart"
    OffsetStart = "ObserveEvent.OffsetStart"
    OffsetEnd = "ObserveEvent.OffsetEnd"
    InputRequestStart = "ObserveEvent.InputRequestStart"
    InputRequestEnd = "ObserveEvent.InputRequestEnd"


class CoordinateSystem(NamedEnum):
    """What the offsets ``p`` and ``q`` are measured along. Source: csw CoordinateSystem.scala."""

    RADEC = "RADEC"
    XY = "XY"
    ALTAZ = "ALTAZ"


OBS_ID: Final = string_key("obsId")
EXPOSURE_ID: Final = string_key("exposureId")
FILENAME: Final = string_key("filename")
DOWNTIME_REASON: Final = string_key("reason")
COORDINATE_SYSTEM: Final = choice_key("coordinateSystem", *CoordinateSystem)
P_OFFSET: Final = double_key("p", Units.arcsec)
Q_OFFSET: Final = double_key("q", Units.arcsec)

FIELD_KEYS: Final[Mapping[str, Key[Any]]] = {  # name of the argument -> key of the parameter
    "obs_id": OBS_ID,
    "exposure_id": EXPOSURE_ID,
    "filename": FILENAME,
    "reason": DOWNTIME_REASON,
    "coordinate_system": COORDINATE_SYSTEM,
    "p": P_OFFSET,
    "q": Q_OFFSET,
}
_OTHER_THAN_OBS_ID: Final[Mapping[ObserveEventName, tuple[str, ...]]] = {
    ObserveEventName.ExposureStart: ("exposure_id",),
    ObserveEventName.ExposureEnd: ("exposure_id",),
    ObserveEventName.ReadoutEnd: ("exposure_id",),
    ObserveEventName.ReadoutFailed: ("exposure_id",),
    ObserveEventName.PrepareStart: ("exposure_id",),
    ObserveEventName.ExposureAborted: ("exposure_id",),
    ObserveEventName.DataWriteStart: ("exposure_id", "filename"),
    ObserveEventName.DataWriteEnd: ("exposure_id", "filename"),
    ObserveEventName.ObservePaused: (),
    ObserveEventName.ObserveResumed: (),
    ObserveEventName.DowntimeStart: ("obs_id", "reason"),
    ObserveEventName.OffsetStart: ("obs_id", "coordinate_system", "p", "q"),
}


def fields_of(name: ObserveEventName) -> tuple[str, ...]:
    """The arguments this event needs."""
    return _OTHER_THAN_OBS_ID.get(name, ("obs_id",))


def observe_event_params(
    name: ObserveEventName, *, obs_id: ObsId | str | None = None, **fields: Any
) -> tuple[Parameter[Any], ...]:
    """The parameters of an observe event.

    Args:
        obs_id: the observation; added wherever it is given, also to events that do not need it.
        fields: ``exposure_id``, ``filename``, ``reason``, ``coordinate_system``, and ``p``, ``q`` in arcseconds.
    Raises:
        BadInputError: a field the event needs is missing, or one is given that it does not have.
    """
    needed = fields_of(name)
    given: dict[str, Any] = {} if obs_id is None else {"obs_id": ObsId(obs_id)}
    given |= fields
    if "exposure_id" in given:
        given["exposure_id"] = ExposureId(given["exposure_id"])
    for field in given:
        if field not in (*needed, "obs_id"):
            raise BadInputError(name, f"this event has no field '{field}'", advice(field, needed) if needed else "")
    missing = [field for field in needed if field not in given]
    if missing:
        raise BadInputError(name, f"the field '{missing[0]}' is missing", f"this event needs {', '.join(needed)}")
    return tuple(key.set(given[field]) for field, key in FIELD_KEYS.items() if field in given)


def observe_event(
    name: ObserveEventName,
    *,
    source: Prefix | str,
    event_id: Id | str,
    event_time: UTCTime,
    obs_id: ObsId | str | None = None,
    **fields: Any,
) -> ObserveEvent:
    """An observe event that is ready to publish.

    Args:
        source: prefix of the sequencer.
        fields: as for ``observe_event_params``.
    Raises:
        BadInputError: as there.
    """
    params = observe_event_params(name, obs_id=obs_id, **fields)
    return ObserveEvent(source, name.value, *params, event_id=event_id, event_time=event_time)
