"""Typed names of parameters: ``encoder = int_key("encoder", Units.encoder)``, then ``encoder.set(1, 2)``.

Source: csw Key.scala, GChoiceKey.scala, KeyType.scala.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from ocs_ray.errors import BadInputError
from ocs_ray.models.coordinates import (
    AltAzCoord,
    AnyCoord,
    CometCoord,
    EqCoord,
    MinorPlanetCoord,
    SolarSystemCoord,
)
from ocs_ray.models.key_types import KeyType
from ocs_ray.models.parameter import Parameter, check_key_name
from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.models.units import Units
from ocs_ray.models.value_rules import RULES
from ocs_ray.models.wire_problems import advice, shown

__all__ = [
    "Key",
    "KeyType",
    "Parameter",
    "alt_az_coord_key",
    "boolean_key",
    "byte_array_key",
    "byte_key",
    "byte_matrix_key",
    "char_key",
    "choice_key",
    "comet_coord_key",
    "coord_key",
    "double_array_key",
    "double_key",
    "double_matrix_key",
    "eq_coord_key",
    "float_array_key",
    "float_key",
    "float_matrix_key",
    "int_array_key",
    "int_key",
    "int_matrix_key",
    "long_array_key",
    "long_key",
    "long_matrix_key",
    "minor_planet_coord_key",
    "short_array_key",
    "short_key",
    "short_matrix_key",
    "solar_system_coord_key",
    "string_key",
    "tai_time_key",
    "utc_time_key",
]

T = TypeVar("T")
Whole: TypeAlias = Sequence[int]
WholeMatrix: TypeAlias = Sequence[Sequence[int]]
Real: TypeAlias = Sequence[float]
RealMatrix: TypeAlias = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """A name with a type, for writing and reading one parameter.

    Args:
        units: units of a parameter set without naming others.
        choices: the allowed values of a ChoiceKey; empty allows all.
    Raises:
        BadInputError: the name is empty or holds ``[``, ``]`` or ``/``.
    """

    name: str
    key_type: KeyType
    units: Units = Units.NoUnits
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_key_name(self.name)

    def set(self, *values: T, units: Units | None = None) -> Parameter[T]:
        """A parameter of this key.

        Args:
            units: other units than the key's.
        Raises:
            BadInputError: no value, or one that the key's type or choices do not allow.
        """
        if not values:
            raise BadInputError(str(self), "no value is given", "give at least one")
        try:
            kept = RULES[self.key_type](values)
        except BadInputError as refused:
            raise BadInputError(f"{self}{refused.where}", refused.problem, refused.remedy) from None
        for n, value in enumerate(kept if self.choices else ()):
            if value not in self.choices:
                problem = f"{shown(value)} is not one of the choices"
                raise BadInputError(f"{self}[{n}]", problem, advice(value, self.choices))
        return Parameter(self.name, self.key_type, kept, self.units if units is None else Units(units))

    def __str__(self) -> str:
        return f"{self.key_type} '{self.name}'"


def choice_key(name: str, *choices: str, units: Units = Units.NoUnits) -> Key[str]:
    """A key for one of a few names; without ``choices`` any name is allowed."""
    return Key(name, KeyType.ChoiceKey, units, choices)


def string_key(name: str, units: Units = Units.NoUnits) -> Key[str]:
    """A key for text."""
    return Key(name, KeyType.StringKey, units)


def char_key(name: str, units: Units = Units.NoUnits) -> Key[str]:
    """A key for single characters."""
    return Key(name, KeyType.CharKey, units)


def boolean_key(name: str, units: Units = Units.NoUnits) -> Key[bool]:
    """A key for true and false."""
    return Key(name, KeyType.BooleanKey, units)


def utc_time_key(name: str, units: Units = Units.utc) -> Key[UTCTime]:
    """A key for UTC times."""
    return Key(name, KeyType.UTCTimeKey, units)


def tai_time_key(name: str, units: Units = Units.tai) -> Key[TAITime]:
    """A key for TAI times."""
    return Key(name, KeyType.TAITimeKey, units)


def eq_coord_key(name: str, units: Units = Units.NoUnits) -> Key[EqCoord]:
    """A key for equatorial coordinates."""
    return Key(name, KeyType.EqCoordKey, units)


def solar_system_coord_key(name: str, units: Units = Units.NoUnits) -> Key[SolarSystemCoord]:
    """A key for bodies of the solar system."""
    return Key(name, KeyType.SolarSystemCoordKey, units)


def minor_planet_coord_key(name: str, units: Units = Units.NoUnits) -> Key[MinorPlanetCoord]:
    """A key for minor planets."""
    return Key(name, KeyType.MinorPlanetCoordKey, units)


def comet_coord_key(name: str, units: Units = Units.NoUnits) -> Key[CometCoord]:
    """A key for comets."""
    return Key(name, KeyType.CometCoordKey, units)


def alt_az_coord_key(name: str, units: Units = Units.NoUnits) -> Key[AltAzCoord]:
    """A key for altitude and azimuth."""
    return Key(name, KeyType.AltAzCoordKey, units)


def coord_key(name: str, units: Units = Units.NoUnits) -> Key[AnyCoord]:
    """A key for coordinates of any kind, mixed."""
    return Key(name, KeyType.CoordKey, units)


def byte_key(name: str, units: Units = Units.NoUnits) -> Key[int]:
    """A key for whole numbers of 8 bits."""
    return Key(name, KeyType.ByteKey, units)


def short_key(name: str, units: Units = Units.NoUnits) -> Key[int]:
    """A key for whole numbers of 16 bits."""
    return Key(name, KeyType.ShortKey, units)


def int_key(name: str, units: Units = Units.NoUnits) -> Key[int]:
    """A key for whole numbers of 32 bits."""
    return Key(name, KeyType.IntKey, units)


def long_key(name: str, units: Units = Units.NoUnits) -> Key[int]:
    """A key for whole numbers of 64 bits."""
    return Key(name, KeyType.LongKey, units)


def float_key(name: str, units: Units = Units.NoUnits) -> Key[float]:
    """A key for numbers of 32 bits."""
    return Key(name, KeyType.FloatKey, units)


def double_key(name: str, units: Units = Units.NoUnits) -> Key[float]:
    """A key for numbers of 64 bits."""
    return Key(name, KeyType.DoubleKey, units)


def byte_array_key(name: str, units: Units = Units.NoUnits) -> Key[Whole]:
    """A key for lists of whole numbers of 8 bits."""
    return Key(name, KeyType.ByteArrayKey, units)


def short_array_key(name: str, units: Units = Units.NoUnits) -> Key[Whole]:
    """A key for lists of whole numbers of 16 bits."""
    return Key(name, KeyType.ShortArrayKey, units)


def int_array_key(name: str, units: Units = Units.NoUnits) -> Key[Whole]:
    """A key for lists of whole numbers of 32 bits."""
    return Key(name, KeyType.IntArrayKey, units)


def long_array_key(name: str, units: Units = Units.NoUnits) -> Key[Whole]:
    """A key for lists of whole numbers of 64 bits."""
    return Key(name, KeyType.LongArrayKey, units)


def float_array_key(name: str, units: Units = Units.NoUnits) -> Key[Real]:
    """A key for lists of numbers of 32 bits."""
    return Key(name, KeyType.FloatArrayKey, units)


def double_array_key(name: str, units: Units = Units.NoUnits) -> Key[Real]:
    """A key for lists of numbers of 64 bits."""
    return Key(name, KeyType.DoubleArrayKey, units)


def byte_matrix_key(name: str, units: Units = Units.NoUnits) -> Key[WholeMatrix]:
    """A key for matrices of whole numbers of 8 bits."""
    return Key(name, KeyType.ByteMatrixKey, units)


def short_matrix_key(name: str, units: Units = Units.NoUnits) -> Key[WholeMatrix]:
    """A key for matrices of whole numbers of 16 bits."""
    return Key(name, KeyType.ShortMatrixKey, units)


def int_matrix_key(name: str, units: Units = Units.NoUnits) -> Key[WholeMatrix]:
    """A key for matrices of whole numbers of 32 bits."""
    return Key(name, KeyType.IntMatrixKey, units)


def long_matrix_key(name: str, units: Units = Units.NoUnits) -> Key[WholeMatrix]:
    """A key for matrices of whole numbers of 64 bits."""
    return Key(name, KeyType.LongMatrixKey, units)


def float_matrix_key(name: str, units: Units = Units.NoUnits) -> Key[RealMatrix]:
    """A key for matrices of numbers of 32 bits."""
    return Key(name, KeyType.FloatMatrixKey, units)


def double_matrix_key(name: str, units: Units = Units.NoUnits) -> Key[RealMatrix]:
    """A key for matrices of numbers of 64 bits."""
    return Key(name, KeyType.DoubleMatrixKey, units)
