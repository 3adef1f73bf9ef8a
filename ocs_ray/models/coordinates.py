"""Where to point: angles in micro-arcseconds and the coordinates of CSW.

Source: csw Angle.scala, Coords.scala, ProperMotion.scala; JSON from csw-contract's command-models.json.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Discriminator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ocs_ray.errors import BadInputError
from ocs_ray.models.prefix import NamedEnum
from ocs_ray.models.wire_model import Number, WireModel, kind_field
from ocs_ray.models.wire_problems import shown

MICRO_ARCSEC_PER_DEGREE = 3_600_000_000
MICRO_ARCSEC_PER_ARCSEC = 1_000_000
_LIMIT = 2**63


class Angle(int):
    """A whole number of micro-arcseconds. Source: csw Angle.scala."""

    __slots__ = ()

    @classmethod
    def from_degrees(cls, degrees: float) -> Self:
        """The angle of this many degrees, rounded to a micro-arcsecond."""
        return cls(_rounded(degrees, MICRO_ARCSEC_PER_DEGREE))

    @classmethod
    def from_arcsec(cls, arcsec: float) -> Self:
        """The angle of this many arcseconds, rounded to a micro-arcsecond."""
        return cls(_rounded(arcsec, MICRO_ARCSEC_PER_ARCSEC))

    @property
    def degrees(self) -> float:
        """The angle in degrees."""
        return self / MICRO_ARCSEC_PER_DEGREE

    @property
    def arcsec(self) -> float:
        """The angle in arcseconds."""
        return self / MICRO_ARCSEC_PER_ARCSEC

    @property
    def radians(self) -> float:
        """The angle in radians."""
        return math.radians(self.degrees)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.int_schema(strict=True, ge=-_LIMIT, lt=_LIMIT)
        return core_schema.no_info_after_validator_function(cls, number, serialization=core_schema.int_schema())


def _rounded(value: float, factor: int) -> int:
    try:
        return round(value * factor)
    except (TypeError, ValueError, OverflowError):
        raise BadInputError("", f"{shown(value)} is not an angle", "give a finite number") from None


class EqFrame(NamedEnum):
    """Reference system of equatorial coordinates."""

    ICRS = "ICRS"
    FK5 = "FK5"


class SolarSystemObject(NamedEnum):
    """Bodies that can be pointed at by name."""

    Mercury = "Mercury"
    Venus = "Venus"
    Moon = "Moon"
    Mars = "Mars"
    Jupiter = "Jupiter"
    Saturn = "Saturn"
    Neptune = "Neptune"
    Uranus = "Uranus"
    Pluto = "Pluto"


class ProperMotion(WireModel):
    """Motion across the sky in milli-arcseconds per year."""

    pmx: Number = 0.0
    pmy: Number = 0.0


class Coordinate(WireModel):
    """What all coordinates have: a tag that says what the coordinate is for."""

    TAGS: ClassVar[tuple[str, ...]] = (  # those of CSW; others are allowed
        *("BASE", "OIWFS1", "OIWFS2", "OIWFS3", "OIWFS4"),
        *("ODGW1", "ODGW2", "ODGW3", "ODGW4", "GUIDER1", "GUIDER2"),
    )


class EqCoord(Coordinate):
    """Right ascension and declination."""

    kind: Literal["EqCoord"] = kind_field("EqCoord")
    tag: str
    ra: Angle
    dec: Angle
    frame: EqFrame
    catalog_name: str
    pm: ProperMotion

    @classmethod
    def of(
        cls,
        *,
        ra_degrees: float,
        dec_degrees: float,
        tag: str = "BASE",
        frame: EqFrame = EqFrame.ICRS,
        catalog_name: str = "none",
        pmx: float = 0.0,
        pmy: float = 0.0,
    ) -> Self:
        """Equatorial coordinates from degrees; proper motion in milli-arcseconds per year."""
        ra, dec = Angle.from_degrees(ra_degrees), Angle.from_degrees(dec_degrees)
        pm = ProperMotion(pmx=pmx, pmy=pmy)
        return cls(tag=tag, ra=ra, dec=dec, frame=frame, catalog_name=catalog_name, pm=pm)


class SolarSystemCoord(Coordinate):
    """A body of the solar system."""

    kind: Literal["SolarSystemCoord"] = kind_field("SolarSystemCoord")
    tag: str
    body: SolarSystemObject

    @classmethod
    def of(cls, body: SolarSystemObject, *, tag: str = "BASE") -> Self:
        """The coordinate of a body."""
        return cls(tag=tag, body=body)


class MinorPlanetCoord(Coordinate):
    """Orbital elements of a minor planet; epoch is TT as a modified Julian date, distances are in AU."""

    kind: Literal["MinorPlanetCoord"] = kind_field("MinorPlanetCoord")
    tag: str
    epoch: Number
    inclination: Angle
    long_ascending_node: Angle
    arg_of_perihelion: Angle
    mean_distance: Number
    eccentricity: Number
    mean_anomaly: Angle


class CometCoord(Coordinate):
    """Orbital elements of a comet; the epoch is TT as a modified Julian date, distances are in AU."""

    kind: Literal["CometCoord"] = kind_field("CometCoord")
    tag: str
    epoch_of_perihelion: Number
    inclination: Angle
    long_ascending_node: Angle
    arg_of_perihelion: Angle
    perihelion_distance: Number
    eccentricity: Number


class AltAzCoord(Coordinate):
    """Altitude and azimuth."""

    kind: Literal["AltAzCoord"] = kind_field("AltAzCoord")
    tag: str
    alt: Angle
    az: Angle

    @classmethod
    def of(cls, *, alt_degrees: float, az_degrees: float, tag: str = "BASE") -> Self:
        """Altitude and azimuth from degrees."""
        return cls(tag=tag, alt=Angle.from_degrees(alt_degrees), az=Angle.from_degrees(az_degrees))


AnyCoord: TypeAlias = EqCoord | SolarSystemCoord | MinorPlanetCoord | CometCoord | AltAzCoord
Coord: TypeAlias = Annotated[AnyCoord, Discriminator("kind")]
