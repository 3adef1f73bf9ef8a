"""What carries parameters - commands, events, results, current states - and how it is read and extended.

Source: csw ParameterSetType.scala, ParameterSetKeyData.scala.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, TypeVar, cast

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ocs_ray.errors import BadInputError, MissingKeyError
from ocs_ray.models.keys import Key
from ocs_ray.models.parameter import Parameter, parameter_from_wire, parameter_to_wire
from ocs_ray.models.wire_model import WireModel
from ocs_ray.models.wire_problems import as_pydantic, shown

__all__ = ["ParamSet", "Parameter", "ParameterSet", "latest_of_each_name"]

T = TypeVar("T")


class _ParamSetSchema:
    """One call into Python for a whole paramSet; one per parameter costs a quarter more."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(_to_wire)
        return core_schema.no_info_plain_validator_function(_from_wire, serialization=written)


ParamSet: TypeAlias = Annotated[tuple[Parameter[Any], ...], _ParamSetSchema(), Field(alias="paramSet")]


def _to_wire(params: tuple[Parameter[Any], ...]) -> list[Any]:
    return [parameter_to_wire(parameter) for parameter in params]


def _from_wire(raw: Any) -> tuple[Parameter[Any], ...]:
    n, places = 0, dict[str, int]()
    try:
        if type(raw) is not list and type(raw) is not tuple:
            raise as_pydantic(BadInputError("", f"found {shown(raw)} where a list of parameters is expected", ""))
        params: list[Parameter[Any]] = []
        for n, item in enumerate(cast("list[Any]", raw)):
            parameter = parameter_from_wire(item)
            if places.setdefault(parameter.key_name, n) != n:
                problem = f"'{parameter.key_name}' is given twice, first in parameter {places[parameter.key_name]}"
                raise BadInputError(f"{parameter.key_type}.keyName", problem, "a name may appear once in a paramSet")
            params.append(parameter)
        return tuple(params)
    except BadInputError as refused:
        joint = "." if refused.where and refused.where[0] not in ".[" else ""
        place = f"[{n}]{joint}{refused.where}"
        raise as_pydantic(BadInputError(place, refused.problem, refused.remedy)) from None


def latest_of_each_name(params: Iterable[Parameter[Any]]) -> tuple[Parameter[Any], ...]:
    """The parameters without those that a later one of the same name replaces.

    Raises:
        BadInputError: one of them is no parameter.
    """
    by_name: dict[str, Parameter[Any]] = {}
    for parameter in params:
        if not isinstance(parameter, Parameter):  # pyright: ignore[reportUnnecessaryIsInstance]  # scripts
            remedy = "make it with a key: key.set(value)"
            raise BadInputError("", f"found {shown(parameter)} where a parameter is expected", remedy)
        by_name[parameter.key_name] = parameter
    return tuple(by_name.values())


class ParameterSet(WireModel):
    """A frozen set of parameters, at most one of each name; their order carries no meaning.

    A subclass declares ``param_set: ParamSet`` as its last field, so that JSON reads in CSW's order.
    """

    if TYPE_CHECKING:
        param_set: ParamSet

    @property
    def owner(self) -> str:
        """What this is, for messages about a missing key."""
        return type(self).__name__

    def add(self, *params: Parameter[Any]) -> Self:
        """The same with these parameters too; one of the same name is replaced, the last wins.

        Raises:
            BadInputError: an argument is no parameter.
        """
        return self._with(latest_of_each_name((*self.param_set, *params)))

    def remove(self, *keys: Key[Any]) -> Self:
        """The same without the parameters of these keys; a key that is not there changes nothing."""
        gone = {(key.name, key.key_type) for key in keys}
        return self._with(tuple(p for p in self.param_set if (p.key_name, p.key_type) not in gone))

    def get(self, key: Key[T]) -> Parameter[T] | None:
        """The parameter with this key's name and type, if there is one."""
        for parameter in self.param_set:
            if parameter.key_name == key.name and parameter.key_type is key.key_type:
                return parameter
        return None

    def exists(self, key: Key[Any]) -> bool:
        """Whether there is a parameter with this key's name and type."""
        return self.get(key) is not None

    def __getitem__(self, key: Key[T]) -> Parameter[T]:
        """The parameter with this key's name and type.

        Raises:
            MissingKeyError: there is none.
        """
        found = self.get(key)
        if found is None:
            raise MissingKeyError(key_name=key.name, key_type=key.key_type.value, owner=self.owner)
        return found

    def __contains__(self, key: Key[Any]) -> bool:
        return self.get(key) is not None

    def _with(self, params: tuple[Parameter[Any], ...]) -> Self:
        return self.model_copy(update={"param_set": params})

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = dict(self.__dict__), dict(other.__dict__)
        return frozenset(mine.pop("param_set")) == frozenset(theirs.pop("param_set")) and mine == theirs

    def __hash__(self) -> int:
        others = tuple(value for name, value in self.__dict__.items() if name != "param_set")
        return hash((type(self), others, frozenset(self.param_set)))
