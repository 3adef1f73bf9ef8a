"""Commands and sequences of commands. Source: csw commands.scala, Sequence.scala; JSON from command-models.json."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, GetCoreSchemaHandler, RootModel
from pydantic_core import CoreSchema, core_schema

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import CommandName, ObsId
from ocs_ray.models.params import Parameter, ParameterSet, ParamSet, latest_of_each_name
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.wire_model import kind_field, plain_init
from ocs_ray.models.wire_problems import as_pydantic, shown


class _AbsentNotNull:
    """An optional field that JSON leaves out when there is nothing; null is refused. Source: csw codecs."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_refuse_null, handler.generate_schema(ObsId))


def _refuse_null(value: Any) -> Any:
    if value is None:
        raise as_pydantic(BadInputError("", "null is not allowed here", "leave the field out when there is none"))
    return value


def _is_absent(value: Any) -> bool:
    return value is None


MaybeObsId: TypeAlias = Annotated[ObsId | None, _AbsentNotNull(), Field(alias="maybeObsId", exclude_if=_is_absent)]


class _Command(ParameterSet):
    """What all commands share. The fields stand in the subclasses, in the order of CSW's JSON."""

    @property
    def owner(self) -> str:
        return f"command '{getattr(self, 'command_name', '')}'"

    def start(
        self, source: Prefix | str, command_name: str, obs_id: ObsId | str | None, params: Iterable[Parameter[Any]]
    ) -> None:
        """Fill a new command from its constructor's arguments."""
        known: dict[str, Any] = {} if obs_id is None else {"maybe_obs_id": obs_id}
        self.fill(source=source, command_name=command_name, param_set=latest_of_each_name(params), **known)


class Setup(_Command):
    """Move something: ``Setup("ESW.darknight", "preset", obs_id).add(filter_key.set("H"))``.

    Raises:
        BadInputError: a part is not what it should be, for example a prefix without a known subsystem.
    """

    kind: Literal["Setup"] = kind_field("Setup")
    source: Prefix
    command_name: CommandName
    maybe_obs_id: MaybeObsId = None
    param_set: ParamSet

    @plain_init
    def __init__(
        self, source: Prefix | str, command_name: str, obs_id: ObsId | str | None = None, *params: Parameter[Any]
    ) -> None:
        self.start(source, command_name, obs_id, params)


class Observe(_Command):
    """Take data; arguments as for Setup."""

    kind: Literal["Observe"] = kind_field("Observe")
    source: Prefix
    command_name: CommandName
    maybe_obs_id: MaybeObsId = None
    param_set: ParamSet

    @plain_init
    def __init__(
        self, source: Prefix | str, command_name: str, obs_id: ObsId | str | None = None, *params: Parameter[Any]
    ) -> None:
        self.start(source, command_name, obs_id, params)


class Wait(_Command):
    """Let the sequence wait for something; only sequencers take it. Arguments as for Setup."""

    kind: Literal["Wait"] = kind_field("Wait")
    source: Prefix
    command_name: CommandName
    maybe_obs_id: MaybeObsId = None
    param_set: ParamSet

    @plain_init
    def __init__(
        self, source: Prefix | str, command_name: str, obs_id: ObsId | str | None = None, *params: Parameter[Any]
    ) -> None:
        self.start(source, command_name, obs_id, params)


ControlCommand: TypeAlias = Annotated[Setup | Observe, Discriminator("kind")]
SequenceCommand: TypeAlias = Annotated[Setup | Observe | Wait, Discriminator("kind")]


class Sequence(RootModel[tuple[SequenceCommand, ...]]):
    """Commands to run one after the other; in JSON the bare array. An empty one is accepted, as CSW's decoder does.

    Raises:
        BadInputError: one of ``commands`` is no command.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    @plain_init
    def __init__(self, commands: Iterable[Setup | Observe | Wait] = ()) -> None:
        given = tuple(commands)
        for n, command in enumerate(given):
            if not isinstance(command, Setup | Observe | Wait):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise BadInputError(f"Sequence[{n}]", f"found {shown(command)} where a command is expected", "")
        self.__pydantic_validator__.validate_python(given, self_instance=self)

    @classmethod
    def of(cls, *commands: Setup | Observe | Wait) -> Self:
        """A sequence of these commands."""
        return cls(commands)

    @property
    def commands(self) -> tuple[Setup | Observe | Wait, ...]:
        """The commands in order."""
        return self.root

    def __len__(self) -> int:
        return len(self.root)

    def __iter__(self) -> Iterator[Setup | Observe | Wait]:  # type: ignore[override]  # not pydantic's pairs of fields
        return iter(self.root)

    def __getitem__(self, index: int) -> Setup | Observe | Wait:
        return self.root[index]

    def __bool__(self) -> bool:
        return bool(self.root)
