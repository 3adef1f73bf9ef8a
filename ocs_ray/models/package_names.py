"""How packages are called: name, version, tag, digest, and the one text that refers to any of them.

Source: npm's rules for name and version, for package.json comes from there; tag and digest as container registries have
them.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from ocs_ray.errors import BadInputError
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire_problems import shown

LATEST: Final = "latest"
VENDORED: Final = "__pypackages__"
"""Folder of a package's own dependencies, below its root. Source: transform-hub, ``pip install -t __pypackages__``."""
_MAX_NAME_CHARS: Final = 214
_NAME: Final = re.compile(r"(?:@[A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*")
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,8})"
_LABELS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_LABELS})?(?:\+{_LABELS})?")
_MAX_VERSION_CHARS: Final = 128
_TAG: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DIGEST_START: Final = re.compile(r"sha256:[0-9a-f]{8,64}")
_HOW_TO_REFER: Final = "write name, name@version, name@tag or sha256:<8 to 64 hex digits>"


class PackageName(ValidatedText):
    """``my-sequence`` or ``@scope/my-sequence``."""

    __slots__ = ()
    noun = "a package name"

    @classmethod
    def canonical(cls, text: str) -> str:
        if len(text) > _MAX_NAME_CHARS or not _NAME.fullmatch(text):
            remedy = (
                f"use letters, digits, '.', '_' and '-', at most {_MAX_NAME_CHARS}, for example @example/my-sequence"
            )
            raise BadInputError("", f"{shown(text)} is not a package name", remedy)
        return text


class PackageVersion(ValidatedText):
    """A semantic version, ``1.2.3`` with an optional ``-label`` and ``+build``. Source: semver.org 2.0.0."""

    __slots__ = ()
    noun = "a version"

    @classmethod
    def canonical(cls, text: str) -> str:
        if len(text) > _MAX_VERSION_CHARS or not _VERSION.fullmatch(text):
            raise BadInputError("", f"{shown(text)} is not a version", "write three numbers, for example 0.1.1")
        return text


class Tag(ValidatedText):
    """A name that can be moved from one version to another: ``latest``, ``prod``, ``night-2026-11-21``.

    It starts with a letter or ``_``, so that it is never taken for a version.
    """

    __slots__ = ()
    noun = "a tag"

    @classmethod
    def canonical(cls, text: str) -> str:
        if not _TAG.fullmatch(text):
            remedy = "start with a letter, then letters, digits, '.', '_' and '-', at most 128"
            raise BadInputError("", f"{shown(text)} is not a tag", remedy)
        return text


class Digest(ValidatedText):
    """``sha256:`` and 64 hex digits: what a package is called by what is in it."""

    __slots__ = ()
    noun = "a digest"

    @classmethod
    def canonical(cls, text: str) -> str:
        if not _DIGEST.fullmatch(text):
            raise BadInputError("", f"{shown(text)} is not a digest", "write sha256: and 64 hex digits")
        return text

    @property
    def hex(self) -> str:
        """The 64 hex digits alone."""
        return self.partition(":")[2]


class PackageRef(NamedTuple):
    """What somebody means by ``name@version``, ``name@tag``, ``name`` or ``sha256:...``.

    Args:
        name: empty when the reference is a digest.
        by: which of the three ``text`` is.
        text: version, tag, or the digest's beginning.
    """

    name: str
    by: Literal["version", "tag", "digest"]
    text: str

    def __str__(self) -> str:
        return self.text if self.by == "digest" else f"{self.name}@{self.text}"


def parse_ref(text: str) -> PackageRef:
    """Read a reference; a name alone means its ``latest``.

    Raises:
        BadInputError: it has none of the forms.
    """
    if text.startswith("sha256:"):
        if not _DIGEST_START.fullmatch(text):
            raise BadInputError("", f"{shown(text)} is not a digest", _HOW_TO_REFER)
        return PackageRef("", "digest", text)
    head, at, tail = text.rpartition("@")
    if not at or not head:  # no '@', or only the one of a scope
        return PackageRef(_name(text), "tag", LATEST)
    if _VERSION.fullmatch(tail):
        return PackageRef(_name(head), "version", tail)
    if _TAG.fullmatch(tail):
        return PackageRef(_name(head), "tag", tail)
    raise BadInputError("", f"{shown(tail)} in {shown(text)} is neither a version nor a tag", _HOW_TO_REFER)


def _name(text: str) -> str:
    try:
        return str(PackageName(text))
    except BadInputError as refused:
        raise BadInputError("", refused.problem, _HOW_TO_REFER) from None
