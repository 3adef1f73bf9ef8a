"""``package.json``: what a package is called, where it starts, and what the observatory has to know about it.

Source: seed 003 and transform-hub's field table (reference scramjet.md, section 1): fields of other
tools are passed over. ``observatory`` is ours, and there an unknown field is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator
from pydantic.alias_generators import to_camel

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import ObsMode, Variation, sequencer_prefix
from ocs_ray.models.package_names import PackageName, PackageVersion
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.models.validated_text import ValidatedText
from ocs_ray.models.wire import decode_text
from ocs_ray.models.wire_problems import shown

MANIFEST_FILE: Final = "package.json"
DEFAULT_RETENTION_S: Final = 195.0
"""How long output is kept after the end. Source: transform-hub, runnerExitDelay 15 s + lifetime extension 180 s."""


class MainFile(ValidatedText):
    """Path of the Python file a package starts with, below its ``package.json``; ``./index.py`` is ``index.py``."""

    __slots__ = ()
    noun = "the main file"

    @classmethod
    def canonical(cls, text: str) -> str:
        parts = text.removeprefix("./").split("/")
        if any(part in ("", ".", "..") for part in parts) or not text.isprintable() or "\\" in text:
            raise BadInputError("", f"{shown(text)} is not a path inside the package", "write it as folder/file.py")
        if not parts[-1].endswith(".py"):
            raise BadInputError("", f"{shown(text)} is not a Python file", "name a file that ends in .py")
        return "/".join(parts)


class InputKind(StrEnum):
    """What may be sent to an instance's input; the value is the content type."""

    TEXT = "text/plain"
    BYTES = "application/octet-stream"
    JSON_LINES = "application/x-ndjson"


class Backpressure(StrEnum):
    """What happens to a script whose output nobody reads."""

    SPILL = "spill"
    BLOCK = "block"


class _ObservatoryPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InstanceLimits(_ObservatoryPart):
    """What an author grants the instances of a package.

    Args:
        instances: how many may be alive at once; None leaves it to the platform.
        memory_mb: memory of one instance, in MiB.
        cpu_s: processor time of one instance, in seconds.
        open_files: files, sockets and pipes of one instance.
        processes: child processes of one instance.
    """

    instances: PositiveInt | None = None
    memory_mb: PositiveInt | None = None
    cpu_s: PositiveFloat | None = None
    open_files: PositiveInt | None = None
    processes: PositiveInt | None = None


WHOLE_DEVICES: Final = frozenset(("GPU", "TPU", "NPU", "HPU", "RBLN", "neuron_cores"))
"""Resources Ray hands out as whole devices; only of one alone it grants a part."""
_RESERVED: Final = "bundle"


class Observatory(_ObservatoryPart):
    """The part of package.json that is ours.

    Args:
        prefix: of the sequencer this package is the script of; or else ``obsMode``, ``subsystem`` and ``variation``.
        handlers: what the script registers, ``Setup preset``; checked against the script when it is sent.
        resources: what one instance takes from a machine, by Ray's names: ``{"CPU": 1, "machine:IRIS.machine1": 1}``.
        input: what the instance reads.
        retention_s: how long output is kept after the end, in seconds.
        retention_bytes: how much of each channel is kept at most, in bytes; None keeps all.
        limits: of its instances.
        backpressure: ``spill`` writes on to disk, ``block`` makes the script wait for a reader.
    """

    model_config = ConfigDict(populate_by_name=False)

    prefix: Prefix | None = None
    obs_mode: ObsMode | None = Field(default=None, alias=to_camel("obs_mode"))
    subsystem: Subsystem | None = None
    variation: Variation | None = None
    handlers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    resources: dict[str, PositiveFloat] = Field(default_factory=dict)
    input: InputKind = InputKind.JSON_LINES
    retention_s: Annotated[float, Field(ge=0)] = DEFAULT_RETENTION_S
    retention_bytes: PositiveInt | None = None
    limits: InstanceLimits = InstanceLimits()
    backpressure: Backpressure = Backpressure.SPILL

    @model_validator(mode="after")
    def _names_one_sequencer(self) -> Observatory:
        parts = [self.obs_mode, self.subsystem, self.variation]
        if self.prefix is not None and any(parts):
            raise ValueError("it gives both 'prefix' and obsMode, subsystem or variation; keep one of the two")
        if any(parts) and (self.obs_mode is None or self.subsystem is None):
            raise ValueError("obsMode and subsystem belong together; add the one that is missing")
        if self.handlers and self.sequencer_prefix is None:
            raise ValueError("it lists handlers but no sequencer; add 'prefix', or 'obsMode' and 'subsystem'")
        return self

    @property
    def sequencer_prefix(self) -> Prefix | None:
        """Prefix of the sequencer this is the script of; None for a plain program."""
        if self.obs_mode is not None and self.subsystem is not None:
            return sequencer_prefix(self.subsystem, self.obs_mode, self.variation)
        return self.prefix


def _at_most_one(engines: dict[str, str]) -> dict[str, str]:
    if len(engines) > 1:
        raise ValueError(f"it names {len(engines)} engines ({', '.join(sorted(engines))}); name one at most")
    return engines


class PackageManifest(BaseModel):
    """The fields of package.json we read; ``scripts``, ``dependencies`` and other tools' fields are passed over.

    Args:
        main: the Python file an instance starts with.
        author: a line of text, or npm's ``{"name": ..., "email": ...}``.
        repository: a line of text, or npm's ``{"type": ..., "url": ...}``.
        engines: what runs it, ``{"python3": ">=3.11"}``; one at most.
        args: arguments of an instance that is started without any.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: PackageName
    version: PackageVersion
    main: MainFile
    description: str = ""
    author: str | dict[str, str] = ""
    keywords: tuple[str, ...] = ()
    repository: str | dict[str, str] = ""
    engines: Annotated[dict[str, str], AfterValidator(_at_most_one)] = Field(default_factory=dict)
    args: tuple[Any, ...] = ()
    observatory: Observatory = Observatory()

    @property
    def kind(self) -> Literal["script", "program"]:
        """``script``: of a sequencer. ``program``: anything else that runs and ends."""
        return "program" if self.observatory.sequencer_prefix is None else "script"


def read_manifest(text: bytes | str, where: str = MANIFEST_FILE) -> PackageManifest:
    """A manifest from the text of its file.

    Args:
        where: the file, for the message.
    Raises:
        BadInputError: no JSON (line and column), or a field that cannot be used (its JSON path).
    """
    manifest = decode_text(PackageManifest, text, where)
    check_resources(manifest.observatory.resources, f"{where}: $.observatory.resources")
    return manifest


def check_resources(resources: Mapping[str, float], where: str) -> None:
    """Refuse resources Ray never grants; not part of the model, so that a store with an old package can still be read.

    Raises:
        BadInputError: a name or an amount Ray refuses.
    Source: Ray 2.60, bundle_spec.cc: a resource without a name ends the process that asks for it.
    """
    for name, amount in resources.items():
        if not name.strip():
            raise BadInputError(where, "a resource has no name", 'write one, for example "CPU"')
        if name == _RESERVED:
            raise BadInputError(where, f"{name!r} is a name Ray keeps for itself", "choose another one")
        if name in WHOLE_DEVICES and amount > 1 and not amount.is_integer():
            problem = f"more than one {name} is given in whole devices only, not {amount:g}"
            raise BadInputError(where, problem, "write a whole number")
