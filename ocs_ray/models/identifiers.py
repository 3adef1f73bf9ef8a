"""Names of observations, exposures, observing modes and commands, and what they make of a sequencer's prefix.

Source: csw ObsId.scala, ExposureIdType.scala, TYPLevel.scala, CommandName.scala, Id.scala; esw ObsMode.scala,
Variation.scala, VariationInfo.scala.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Self

from ocs_ray.errors import BadInputError
from ocs_ray.models.prefix import NamedEnum, Prefix, Subsystem, check_name, known_subsystem
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_problems import advice, shown

_OBS_ID = re.compile(r"([0-9]{4})([ABab])-([0-9]{1,3})-([0-9]{1,3})")
_EXPOSURE_ID = re.compile(
    r"([0-9]{4}[ABab]-[0-9]{1,3}-[0-9]{1,3}|[0-9]{8}-[0-9]{6})"
    r"-([^-]+)-([^-\s]+)-([A-Za-z]{3})([0-9])-([0-9]{4})(?:-([0-9]{2}))?"
)
_EXAMPLE_EXPOSURE = "write it as 2020A-001-123-WFOS-IMG-SCI1-0001 or 20200706-190204-WFOS-IMG-SCI1-0001"
_LAST_CALIBRATION_LEVEL = 4


class Id(ValidatedText):
    """Identifies a run, a step or an event; usually a UUID, but any text is allowed."""

    __slots__ = ()
    noun = "an id"
    repeats = False


class CommandName(ValidatedText):
    """Name of a command; any text but none."""

    __slots__ = ()
    noun = "a command name"


class ObsId(ValidatedText):
    """An observation: semester, program and observation number, for example ``2020A-001-123``.

    Raises:
        BadInputError: another form, or a number outside 1..999.
    """

    __slots__ = ()
    noun = "an observation id"

    @classmethod
    def canonical(cls, text: str) -> str:
        match = _OBS_ID.fullmatch(text)
        if not match:
            remedy = "write <year><A or B>-<program>-<observation>, for example 2020A-001-123"
            raise BadInputError("", f"{shown(text)} is not an observation id", remedy)
        year, semester, program, number = match[1], match[2].upper(), int(match[3]), int(match[4])
        for value, noun in ((program, "program"), (number, "observation")):
            if value < 1:
                raise BadInputError("", f"the {noun} number of {shown(text)} is 0", "use 1 to 999")
        return f"{year}{semester}-{program:03}-{number:03}"

    @property
    def year(self) -> int:
        """Year of the semester."""
        return int(self[:4])

    @property
    def semester(self) -> str:
        """``A`` or ``B``."""
        return self[4]

    @property
    def program_number(self) -> int:
        """1 to 999."""
        return int(self[6:9])

    @property
    def observation_number(self) -> int:
        """1 to 999."""
        return int(self[10:13])


class ExposureType(NamedEnum):
    """What an exposure is for. Source: csw TYPLevel.scala."""

    SCI = "SCI"
    CAL = "CAL"
    ARC = "ARC"
    IDP = "IDP"
    DRK = "DRK"
    MDK = "MDK"
    FFD = "FFD"
    NFF = "NFF"
    BIA = "BIA"
    TEL = "TEL"
    FLX = "FLX"
    SKY = "SKY"


class ExposureId(ValidatedText):
    """One exposure, of an observation or standalone (then it starts with the UTC time it was made).

    ``2020A-001-123-WFOS-IMG-SCI1-0001`` or ``20200706-190204-WFOS-IMG-SCI1-0001``, both with an optional
    two-digit sub-array at the end.

    Raises:
        BadInputError: another form, or a part that does not exist.
    """

    __slots__ = ()
    noun = "an exposure id"
    repeats = False

    @classmethod
    def canonical(cls, text: str) -> str:
        match = _EXPOSURE_ID.fullmatch(text)
        if not match:
            raise BadInputError("", f"{shown(text)} is not an exposure id", _EXAMPLE_EXPOSURE)
        start, subsystem, detector, type_name, level, number, sub_array = match.groups()
        owner = ObsId(start) if start[4].isalpha() else _standalone_time(start, text)
        kind = _exposure_type(type_name, text)
        if int(level) > _LAST_CALIBRATION_LEVEL:
            raise BadInputError("", f"{shown(text)} has calibration level {level}", "use 0 to 4")
        end = f"-{sub_array}" if sub_array else ""
        return f"{owner}-{known_subsystem(subsystem, text)}-{detector}-{kind}{level}-{number}{end}"

    @classmethod
    def of(
        cls,
        obs_id: ObsId | str,
        subsystem: Subsystem | str,
        detector: str,
        exposure_type: ExposureType | str,
        level: int,
        number: int,
    ) -> Self:
        """The id of an exposure that belongs to an observation.

        Args:
            level: calibration level, 0 (raw) to 4.
            number: exposure number, 0 to 9999.
        """
        return cls(f"{ObsId(obs_id)}-{subsystem}-{detector}-{exposure_type}{level}-{number:04}")

    @property
    def obs_id(self) -> ObsId | None:
        """The observation; None for a standalone exposure."""
        return None if self._is_standalone else ObsId("-".join(self._parts[:3]))

    @property
    def subsystem(self) -> Subsystem:
        """Who made the exposure."""
        return Subsystem(self._tail[0])

    @property
    def detector(self) -> str:
        """Name of the detector, for example ``IMG``."""
        return self._tail[1]

    @property
    def exposure_type(self) -> ExposureType:
        """What it is for, for example ``SCI``."""
        return ExposureType(self._tail[2][:3])

    @property
    def calibration_level(self) -> int:
        """0 (raw) to 4 (science product after analysis)."""
        return int(self._tail[2][3])

    @property
    def exposure_number(self) -> int:
        """Number in its series."""
        return int(self._tail[3])

    @property
    def sub_array(self) -> int | None:
        """Number of the sub-array, when there is one."""
        return int(self._tail[4]) if len(self._tail) > len("SDTN") else None

    @property
    def _parts(self) -> list[str]:
        return self.split("-")

    @property
    def _is_standalone(self) -> bool:
        return self[4].isdigit()

    @property
    def _tail(self) -> list[str]:
        return self._parts[2 if self._is_standalone else 3 :]


class Variation(ValidatedText):
    """Which of several sequencers of a subsystem in one mode; may hold dots, for example ``IRIS_IFS.ONE``."""

    __slots__ = ()
    noun = "a variation"

    @classmethod
    def canonical(cls, text: str) -> str:
        check_name(text, "variation", text)
        return text


class ObsMode(ValidatedText):
    """Name of an observing mode. It ends at the first dot of a sequencer's name, so it holds none itself."""

    __slots__ = ()
    noun = "an observing mode"

    @classmethod
    def canonical(cls, text: str) -> str:
        check_name(text, "observing mode", text, dots_allowed=False)
        return text

    @classmethod
    def from_prefix(cls, prefix: Prefix | str) -> Self:
        """The mode a sequencer with this prefix runs. Source: esw ObsMode.from."""
        return cls(Prefix(prefix).component_name.partition(".")[0])


class VariationInfo(ValidatedText):
    """A sequencer of a mode without naming the mode: ``IRIS`` or ``IRIS.variation``."""

    __slots__ = ()
    noun = "a subsystem with or without variation"

    @classmethod
    def canonical(cls, text: str) -> str:
        head, dot, rest = text.partition(".")
        return f"{known_subsystem(head, text)}.{Variation(rest)}" if dot else str(known_subsystem(head, text))

    @property
    def subsystem(self) -> Subsystem:
        """The part before the first dot."""
        return Subsystem(self.partition(".")[0])

    @property
    def variation(self) -> Variation | None:
        """Everything after the first dot, when there is one."""
        _, dot, rest = self.partition(".")
        return Variation(rest) if dot else None

    def sequencer_prefix(self, obs_mode: ObsMode | str) -> Prefix:
        """Prefix of this sequencer in a mode."""
        return sequencer_prefix(self.subsystem, obs_mode, self.variation)


def sequencer_prefix(
    subsystem: Subsystem | str, obs_mode: ObsMode | str, variation: Variation | str | None = None
) -> Prefix:
    """``SUBSYSTEM.mode`` or ``SUBSYSTEM.mode.variation``. Source: esw Variation.prefix.

    Raises:
        BadInputError: one of the parts is not what it should be.
    """
    name = ObsMode(obs_mode)
    return Prefix.of(subsystem, f"{name}.{Variation(variation)}" if variation is not None else name)


def _standalone_time(start: str, whole: str) -> str:
    try:
        datetime.strptime(start, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise BadInputError("", f"{shown(whole)} starts with no date and time that exists", _EXAMPLE_EXPOSURE) from None
    return start


def _exposure_type(name: str, whole: str) -> ExposureType:
    try:
        return ExposureType(name)
    except ValueError:
        problem = f"unknown exposure type {shown(name)} in {shown(whole)}"
        raise BadInputError("", problem, advice(name, list(ExposureType))) from None
