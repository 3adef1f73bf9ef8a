"""Text that has been checked: a ``str`` subclass whose every instance is valid and in canonical spelling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Self, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ocs_ray.errors import BadInputError
from ocs_ray.models.wire_problems import as_pydantic, shown


class ValidatedText(str):
    """Base of Prefix, ObsId, UTCTime and the like. Equal to, hashed as and written as plain text.

    Raises:
        BadInputError: the text does not follow the subclass's rule.
    """

    __slots__ = ()
    noun: ClassVar[str] = "text"
    repeats: ClassVar[bool] = True  # few different values come again and again: remember the parsed ones

    def __new__(cls, text: str) -> Self:
        if type(text) is cls:
            return text
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # scripts are not type-checked
            raise BadInputError("", f"found {shown(text)} where {cls.noun} is expected", "write it as text")
        clear = str(text)
        if not clear.isascii() and clear.encode(errors="ignore").decode() != clear:
            raise BadInputError("", f"{shown(clear)} holds half a character (a lone surrogate)", "")
        return str.__new__(cls, cls.canonical(clear))

    @classmethod
    def canonical(cls, text: str) -> str:
        """The one spelling of this value, or a BadInputError."""
        if not text:
            raise BadInputError("", f"{cls.noun} is empty", "")
        return text

    @classmethod
    def from_wire(cls, text: str) -> Self:
        """As the constructor, for pydantic: a refusal becomes an error with a place in the document."""
        try:
            return _remembered(cls, text) if cls.repeats else cls(text)
        except BadInputError as refused:
            raise as_pydantic(refused) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = core_schema.str_schema(strict=True)
        written = core_schema.to_string_ser_schema()
        return core_schema.no_info_after_validator_function(cls.from_wire, plain, serialization=written)


_Text = TypeVar("_Text", bound=ValidatedText)


@lru_cache(maxsize=4096)
def _remembered(cls: type[_Text], text: str) -> _Text:
    return cls(text)
