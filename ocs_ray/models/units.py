"""Units of a parameter. JSON spells the member's name; any case is read.

Source: csw Units.scala by way of csw-contract's command-models.json (52 of them, with symbols) and csw-python's
Units.py for the later ones, so that a parameter any CSW client may send can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ocs_ray.models.prefix import NamedEnum


class Units(NamedEnum):
    """What a parameter's numbers are measured in; ``NoUnits`` for plain ones."""

    # SI
    angstrom = "angstrom"
    alpha = "alpha"
    ampere = "ampere"
    arcmin = "arcmin"
    arcsec = "arcsec"
    bar = "bar"
    candela = "candela"
    day = "day"
    degree = "degree"
    degC = "degC"
    degF = "degF"
    elvolt = "elvolt"
    gauss = "gauss"
    gram = "gram"
    hertz = "hertz"
    henry = "henry"
    hour = "hour"
    joule = "joule"
    kelvin = "kelvin"
    kilogram = "kilogram"
    kilometer = "kilometer"
    liter = "liter"
    lm = "lm"
    lsun = "lsun"
    lx = "lx"
    mas = "mas"
    me = "me"
    meter = "meter"
    microarcsec = "microarcsec"
    millimeter = "millimeter"
    millisecond = "millisecond"
    micron = "micron"
    micrometer = "micrometer"
    minute = "minute"
    MJD = "MJD"
    mol = "mol"
    month = "month"
    mmyy = "mmyy"
    mu0 = "mu0"
    muB = "muB"
    nanometer = "nanometer"
    newton = "newton"
    ohm = "ohm"
    pascal = "pascal"
    pi = "pi"
    pc = "pc"
    ppm = "ppm"
    radian = "radian"
    second = "second"
    sday = "sday"
    steradian = "steradian"
    volt = "volt"
    watt = "watt"
    Wb = "Wb"
    week = "week"
    year = "year"
    # CGS
    coulomb = "coulomb"
    centimeter = "centimeter"
    D = "D"
    dyn = "dyn"
    erg = "erg"
    # Astrophysics
    au = "au"
    a0 = "a0"
    c = "c"
    cKayser = "cKayser"
    crab = "crab"
    damas = "damas"
    e = "e"
    earth = "earth"
    F = "F"
    G = "G"
    geoMass = "geoMass"
    hm = "hm"
    hms = "hms"
    hhmmss = "hhmmss"
    jansky = "jansky"
    jd = "jd"
    jovmass = "jovmass"
    lightyear = "lightyear"
    mag = "mag"
    mjup = "mjup"
    mp = "mp"
    minsec = "minsec"
    msun = "msun"
    photon = "photon"
    rgeo = "rgeo"
    rjup = "rjup"
    rsun = "rsun"
    rydberg = "rydberg"
    seimens = "seimens"
    tesla = "tesla"
    u = "u"
    # Imperial
    barn = "barn"
    cal = "cal"
    foot = "foot"
    inch = "inch"
    pound = "pound"
    mile = "mile"
    ounce = "ounce"
    yard = "yard"
    # Engineering
    NoUnits = "NoUnits"
    bit = "bit"
    encoder = "encoder"
    count = "count"  # pyright: ignore[reportAssignmentType]  # str.count is not missed here
    mmhg = "mmhg"
    percent = "percent"
    pix = "pix"
    # Date and time
    tai = "tai"
    utc = "utc"
    date = "date"
    datetime = "datetime"

    @property
    def symbol(self) -> str:
        """How people write the unit, for example ``deg``; ``none`` for NoUnits."""
        return _SYMBOLS.get(self.value, self.value)


_SYMBOLS: Final[Mapping[str, str]] = {  # only where the symbol differs from the name
    "angstrom": "Angstrom",
    "ampere": "A",
    "day": "d",
    "degree": "deg",
    "elvolt": "eV",
    "gram": "g",
    "hertz": "Hz",
    "hour": "h",
    "joule": "J",
    "kelvin": "K",
    "kilogram": "kg",
    "kilometer": "km",
    "liter": "l",
    "meter": "m",
    "microarcsec": "µas",
    "millimeter": "mm",
    "millisecond": "ms",
    "micron": "µm",
    "micrometer": "µm",
    "minute": "min",
    "nanometer": "nm",
    "newton": "N",
    "pascal": "Pa",
    "radian": "rad",
    "second": "s",
    "steradian": "sr",
    "volt": "V",
    "watt": "W",
    "week": "wk",
    "year": "yr",
    "coulomb": "C",
    "centimeter": "cm",
    "D": "Debye",
    "dyn": "dyne",
    "au": "AU",
    "damas": "d:m:s",
    "hhmmss": "HH:MM:SS",
    "jansky": "Jy",
    "jovmass": "jovMass",
    "lightyear": "lyr",
    "mjup": "Mjup",
    "minsec": "m:s",
    "msun": "Msun",
    "rgeo": "Rgeo",
    "rjup": "Rjup",
    "rsun": "Rsun",
    "rydberg": "Rydberg",
    "foot": "ft",
    "pound": "lb",
    "mile": "mi",
    "ounce": "oz",
    "yard": "yd",
    "NoUnits": "none",
    "encoder": "enc",
    "count": "ct",
    "mmhg": "mmHg",
    "tai": "TAI",
    "utc": "UTC",
}
