"""Who somebody is: subsystem, prefix, component type, component id.

Source: csw Prefix.scala, Subsystem.scala, ComponentType.scala; names from csw-contract's location-models.json.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Self, TypeVar

from ocs_ray.errors import BadInputError
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_model import WireModel, plain_init
from ocs_ray.models.wire_problems import advice, shown


class NamedEnum(StrEnum):
    """An enumeration that is written exactly and read in any case. Source: csw CommonCodecs.scala, enumCodec."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return _by_lower_name(cls).get(value.lower()) if isinstance(value, str) else None


_Enum = TypeVar("_Enum", bound=NamedEnum)


@cache
def _by_lower_name(enum: type[_Enum]) -> dict[str, _Enum]:
    return {member.value.lower(): member for member in enum}


class Subsystem(NamedEnum):
    """The closed list of TMT subsystems. Source: csw Subsystem.scala."""

    AOESW = "AOESW"
    APS = "APS"
    CIS = "CIS"
    CLN = "CLN"
    CRYO = "CRYO"
    CSW = "CSW"
    DMS = "DMS"
    DPS = "DPS"
    ENC = "ENC"
    ESEN = "ESEN"
    ESW = "ESW"
    HNDL = "HNDL"
    HQ = "HQ"
    IRIS = "IRIS"
    LGSF = "LGSF"
    M1COAT = "M1COAT"
    M1CS = "M1CS"
    M1S = "M1S"
    M2COAT = "M2COAT"
    M2S = "M2S"
    M3S = "M3S"
    MODHIS = "MODHIS"
    NFIRAOS = "NFIRAOS"
    OSS = "OSS"
    REFR = "REFR"
    SCMS = "SCMS"
    SER = "SER"
    SOSS = "SOSS"
    STR = "STR"
    SUM = "SUM"
    TCS = "TCS"
    TINS = "TINS"
    WFOS = "WFOS"
    Container = "Container"


class ComponentType(NamedEnum):
    """What kind of component somebody is. Source: csw ComponentType.scala."""

    Container = "Container"
    HCD = "HCD"
    Assembly = "Assembly"
    Sequencer = "Sequencer"
    SequenceComponent = "SequenceComponent"
    Service = "Service"
    Machine = "Machine"


def known_subsystem(text: str, whole: str) -> Subsystem:
    """The subsystem of this name.

    Args:
        whole: the text it was found in, for the message.
    Raises:
        BadInputError: there is no such subsystem.
    """
    try:
        return Subsystem(text)
    except ValueError:
        inside = "" if text == whole else f" in {shown(whole)}"
        raise BadInputError("", f"unknown subsystem {shown(text)}{inside}", advice(text, list(Subsystem))) from None


def check_name(name: str, noun: str, whole: str, *, dots_allowed: bool = True) -> None:
    """Refuse a name that is empty, has blanks at its ends, or holds a character that separates names.

    Raises:
        BadInputError: the first of these rules that is broken.
    """
    if not name:
        raise BadInputError("", f"{shown(whole)} has an empty {noun}", "")
    if name != name.strip():
        raise BadInputError("", f"the {noun} in {shown(whole)} has blanks at its ends", "remove the blanks")
    if "-" in name:
        raise BadInputError("", f"the {noun} in {shown(whole)} holds a '-'", "use '_' or '.' instead of '-'")
    if not dots_allowed and "." in name:
        raise BadInputError("", f"the {noun} in {shown(whole)} holds a '.'", "use '_' instead of '.'")


class Prefix(ValidatedText):
    """``SUBSYSTEM.componentName``, split at the first dot; the name may hold dots but no ``-``.

    Raises:
        BadInputError: no dot, an unknown subsystem, or a bad component name.
    Source: csw Prefix.scala.
    """

    __slots__ = ()
    noun = "a prefix"

    @classmethod
    def canonical(cls, text: str) -> str:
        head, dot, name = text.partition(".")
        if not dot:
            remedy = "write SUBSYSTEM.name, for example ESW.darknight"
            raise BadInputError("", f"{shown(text)} is not a prefix: it has no '.'", remedy)
        subsystem = known_subsystem(head, text)
        check_name(name, "component name", text)
        return f"{subsystem.value}.{name}"

    @classmethod
    def of(cls, subsystem: Subsystem | str, name: str) -> Self:
        """The prefix of a component called ``name`` in ``subsystem``."""
        return cls(f"{subsystem}.{name}")

    @property
    def subsystem(self) -> Subsystem:
        """The part before the first dot."""
        return Subsystem(self.partition(".")[0])

    @property
    def component_name(self) -> str:
        """Everything after the first dot."""
        return self.partition(".")[2]


class ComponentId(WireModel):
    """A component's prefix and type; its text form ``prefix-type`` is the name of its actor.

    Source: csw ComponentId.scala.
    """

    prefix: Prefix
    component_type: ComponentType

    @plain_init
    def __init__(self, prefix: Prefix | str, component_type: ComponentType | str) -> None:
        self.fill(prefix=prefix, component_type=component_type)

    def __str__(self) -> str:
        return f"{self.prefix}-{self.component_type}"
