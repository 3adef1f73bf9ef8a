"""The 30 kinds of values a parameter can hold. Source: csw KeyType.scala, by way of command-models.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ocs_ray.models.prefix import NamedEnum
from ocs_ray.models.units import Units


class KeyType(NamedEnum):
    """A kind of value; JSON uses the member's name as the one key of a parameter."""

    ChoiceKey = "ChoiceKey"
    StringKey = "StringKey"
    UTCTimeKey = "UTCTimeKey"
    TAITimeKey = "TAITimeKey"
    EqCoordKey = "EqCoordKey"
    SolarSystemCoordKey = "SolarSystemCoordKey"
    MinorPlanetCoordKey = "MinorPlanetCoordKey"
    CometCoordKey = "CometCoordKey"
    AltAzCoordKey = "AltAzCoordKey"
    CoordKey = "CoordKey"
    BooleanKey = "BooleanKey"
    CharKey = "CharKey"
    ByteKey = "ByteKey"
    ShortKey = "ShortKey"
    LongKey = "LongKey"
    IntKey = "IntKey"
    FloatKey = "FloatKey"
    DoubleKey = "DoubleKey"
    ByteArrayKey = "ByteArrayKey"
    ShortArrayKey = "ShortArrayKey"
    LongArrayKey = "LongArrayKey"
    IntArrayKey = "IntArrayKey"
    FloatArrayKey = "FloatArrayKey"
    DoubleArrayKey = "DoubleArrayKey"
    ByteMatrixKey = "ByteMatrixKey"
    ShortMatrixKey = "ShortMatrixKey"
    LongMatrixKey = "LongMatrixKey"
    IntMatrixKey = "IntMatrixKey"
    FloatMatrixKey = "FloatMatrixKey"
    DoubleMatrixKey = "DoubleMatrixKey"

    @property
    def default_units(self) -> Units:
        """Units of a key that names none: its time scale for times, NoUnits for the rest."""
        return _DEFAULT_UNITS.get(self, Units.NoUnits)


_DEFAULT_UNITS: Final[Mapping[KeyType, Units]] = {KeyType.UTCTimeKey: Units.utc, KeyType.TAITimeKey: Units.tai}
