"""What the config service understands. Source: csw ConfigService.scala; content-addressed versions are ours."""

from __future__ import annotations

from typing import Final, Literal

from ocs_ray.errors import BadInputError
from ocs_ray.models.message import Message
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_problems import shown

LONGEST_PART: Final = 200
"""Bytes a part of a path may have; the usual limit of a file system is 255."""


class ConfigPath(ValidatedText):
    """Where a file is below the configuration folder: ``iris/filters.conf``.

    Raises:
        BadInputError: absolute, outside of the folder, or a part that begins with a dot.
    """

    __slots__ = ()
    noun = "a configuration path"

    @classmethod
    def canonical(cls, text: str) -> str:
        def refused(problem: str) -> BadInputError:
            return BadInputError("", f"{shown(text)} {problem}", "write it like iris/filters.conf")

        if text.startswith("/"):
            raise refused("is not below the configuration folder: it begins with '/'")
        if "\\" in text or not text.isprintable():
            raise refused("holds a character no configuration path may have")
        for part in text.split("/"):
            if not part:
                raise refused("has a part without a name")
            if len(part.encode()) > LONGEST_PART:
                raise refused("has a part that is too long for a file name")
            if part.startswith("."):
                raise refused(f"has the part '{part}'; none may begin with a dot")
        return text


class ConfigExists(Message):
    """Whether a file has an active version, or has the version that is given."""

    kind: Literal["ConfigExists"] = "ConfigExists"
    path: ConfigPath
    version: str | None = None


class GetConfig(Message):
    """The content of a file, of its active version when none is given; None when there is none."""

    kind: Literal["GetConfig"] = "GetConfig"
    path: ConfigPath
    version: str | None = None


class PutConfig(Message):
    """Keep a content as a version of a file. The first one is active; later ones are once they are made so."""

    kind: Literal["PutConfig"] = "PutConfig"
    path: ConfigPath
    content: bytes


class SetActiveConfig(Message):
    """Make a version the active one."""

    kind: Literal["SetActiveConfig"] = "SetActiveConfig"
    path: ConfigPath
    version: str


class ListConfigs(Message):
    """All files."""

    kind: Literal["ListConfigs"] = "ListConfigs"


class GetConfigHistory(Message):
    """All versions of a file, the oldest first."""

    kind: Literal["GetConfigHistory"] = "GetConfigHistory"
    path: ConfigPath


class ConfigVersion(Message):
    """One version of a file.

    Args:
        version: made from its content: the same content is the same version.
        number: 1 for the oldest.
        stored_at: Unix time in seconds.
    """

    version: str
    number: int
    size_bytes: int
    stored_at: float
    active: bool


class ConfigEntry(Message):
    """A file of the folder; ``active`` is None when its versions are kept and none of them is in use."""

    path: ConfigPath
    active: str | None
    versions: int
