"""The base of every message: frozen, closed, camelCase in JSON, positional in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError
from pydantic.alias_generators import to_camel

from ocs_ray.errors import BadInputError
from ocs_ray.models.wire_problems import first_problem

WholeNumber = Annotated[int, Strict()]  # pydantic alone would take "5" and true for a number
Number = Annotated[float, Strict()]


class WireModel(BaseModel):
    """A value of CSW's or ESW's JSON. ``_type`` is called ``kind`` in Python, where names cannot start with ``_``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        serialize_by_alias=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    def __init__(self, **fields: Any) -> None:
        self.fill(**fields)

    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]  # see plain_init

    def fill(self, **fields: Any) -> None:
        """Set the fields of a new object by their Python names, from a constructor of ours.

        Raises:
            BadInputError: a value does not fit its field.
        """
        try:
            self.__pydantic_validator__.validate_python(fields, self_instance=self, by_alias=False, by_name=True)
        except ValidationError as error:
            path, problem, remedy = first_problem(error, fields)
            raise BadInputError(type(self).__name__ + path, problem, remedy) from None


_Init = TypeVar("_Init", bound=Callable[..., None])


def plain_init(init: _Init) -> _Init:
    """Mark a constructor that only fills fields, so that decoding may go past it and stay in pydantic's Rust.

    pydantic looks for this attribute; without it every decoded object would call the Python constructor.
    """
    init.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]
    return init


def kind_field(name: str) -> Any:
    """The ``_type`` field of a class of this name."""
    return Field(default=name, alias="_type", repr=False)
