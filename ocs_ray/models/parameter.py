"""One parameter: a named, typed list of values with units, and its JSON ``{"IntKey": {"keyName": ...}}``.

Source: csw Parameter.scala, ParamCodecs.scala.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ocs_ray.errors import BadInputError
from ocs_ray.models.key_types import KeyType
from ocs_ray.models.units import Units
from ocs_ray.models.value_rules import RULES
from ocs_ray.models.wire_problems import advice, as_pydantic, shown, step

T_co = TypeVar("T_co", covariant=True)

_BODY: Final = frozenset(("keyName", "values", "units"))
_SEPARATORS: Final = "[]/"  # event service and path syntax use them


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T_co]):
    """Values under a name. Made by ``Key.set`` or by decoding, which check them; equal to its like in any place.

    Args:
        key_name: name within its command, event or result.
        values: at least one when made with a key; an empty list can come from JSON.
    """

    key_name: str
    key_type: KeyType
    values: tuple[T_co, ...]
    units: Units = Units.NoUnits

    def head(self) -> T_co:
        """The first value.

        Raises:
            BadInputError: there is none.
        """
        if not self.values:
            raise BadInputError("", f"the parameter '{self.key_name}' ({self.key_type}) has no values", "")
        return self.values[0]

    def __getitem__(self, index: int) -> T_co:
        return self.values[index]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.values)

    def __bool__(self) -> bool:
        return True  # a parameter that is there is there, even with no values

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(parameter_to_wire)
        return core_schema.no_info_plain_validator_function(_decode_one, serialization=written)


def parameter_to_wire(parameter: Parameter[Any]) -> dict[str, dict[str, Any]]:
    """The parameter as JSON has it; coordinates are still objects, pydantic writes those."""
    body = {"keyName": parameter.key_name, "values": parameter.values, "units": parameter.units.value}
    return {parameter.key_type.value: body}


def parameter_from_wire(raw: Any) -> Parameter[Any]:
    """A parameter from the objects of its JSON.

    Raises:
        BadInputError: it is not one; ``where`` is the path below it, for example ``IntKey.values[2]``.
    """
    if isinstance(raw, Parameter):
        return cast("Parameter[Any]", raw)
    if not isinstance(raw, dict) or len(cast("dict[str, Any]", raw)) != 1:
        raise _not_one_entry(raw)
    ((tag, body),) = cast("dict[str, Any]", raw).items()
    key_type = _key_type(tag)
    if not isinstance(body, dict) or cast("dict[str, Any]", body).keys() != _BODY:
        raise _bad_body(tag, body)
    entry = cast("dict[str, Any]", body)
    try:
        name = check_key_name(entry["keyName"])
    except BadInputError as refused:
        raise BadInputError(f"{tag}.keyName", refused.problem, refused.remedy) from None
    units, values = entry["units"], entry["values"]
    if not isinstance(values, list | tuple):
        raise BadInputError(f"{tag}.values", f"found {shown(values)} where a list is expected", "")
    try:
        return Parameter(name, key_type, RULES[key_type](cast("Sequence[Any]", values)), _units(units))
    except BadInputError as refused:
        part = "units" if refused.where == "units" else f"values{refused.where}"
        raise BadInputError(f"{tag}.{part}", refused.problem, refused.remedy) from None


def check_key_name(name: Any) -> str:
    """The name, when it can name a key.

    Raises:
        BadInputError: it is empty, no text, or holds ``[``, ``]`` or ``/``. Source: csw Key.scala.
    """
    if not isinstance(name, str):
        raise BadInputError("", f"found {shown(name)} where the name of a key is expected", "write it as text")
    return _checked_name(name)


@lru_cache(maxsize=4096)
def _checked_name(name: str) -> str:
    if not name:
        raise BadInputError("", "the name of a key is empty", "")
    if any(separator in name for separator in _SEPARATORS) or not name.isprintable():
        problem = f"the name of the key {shown(name)} holds one of '[', ']', '/' or an unprintable character"
        raise BadInputError("", problem, "use other characters")
    return name


@lru_cache(maxsize=256)
def _key_type(tag: str) -> KeyType:
    try:
        return KeyType(tag)
    except ValueError:
        raise BadInputError(step(tag), f"unknown key type {shown(tag)}", advice(tag, list(KeyType))) from None


def _units(name: Any) -> Units:
    try:
        return Units(name)
    except ValueError:
        problem = f"unknown units {shown(name)}" if isinstance(name, str) else f"found {shown(name)} for units"
        raise BadInputError("units", problem, advice(name, list(Units))) from None


def _not_one_entry(raw: Any) -> BadInputError:
    if not isinstance(raw, dict):
        return BadInputError("", f"found {shown(raw)} where a parameter is expected", _EXAMPLE)
    tags = [shown(str(tag)) for tag in cast("dict[Any, Any]", raw)]
    found = " and ".join(tags[:3]) if tags else "none"
    return BadInputError("", f"a parameter has exactly one key type, found {found}", _EXAMPLE)


_EXAMPLE: Final = 'write {"IntKey": {"keyName": "encoder", "values": [1], "units": "NoUnits"}}'


def _bad_body(tag: str, body: Any) -> BadInputError:
    if not isinstance(body, dict):
        return BadInputError(tag, f"found {shown(body)} where an object is expected", _EXAMPLE)
    names = [str(name) for name in cast("dict[Any, Any]", body)]
    for name in names:
        if name not in _BODY:
            return BadInputError(tag + step(name), f"unknown field {shown(name)}", advice(name, sorted(_BODY)))
    missing = next(name for name in ("keyName", "values", "units") if name not in names)
    return BadInputError(tag, f"the field '{missing}' is missing", f"add '{missing}'")


def _decode_one(raw: Any) -> Parameter[Any]:
    try:
        return parameter_from_wire(raw)
    except BadInputError as refused:
        raise as_pydantic(refused) from None
