"""Messages that many get: made once, and pickled once."""

from __future__ import annotations

import pickle
from typing import Any

from pydantic import PrivateAttr

from ocs_ray.models.message import Message


class _Pickled:
    """The pickled form of a message, and what it is made of: a copy of the message with other fields is another."""

    def __init__(self) -> None:
        self.data = b""
        self.made_of: dict[str, Any] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pickled)  # whether it was sent already makes no message another

    def __hash__(self) -> int:
        return 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _Pickled, ()


class SharedMessage(Message):
    """A message that many are sent at the same time: 200 subscribers of 2,000 steps cost one pickling, not 200."""

    _pickled: _Pickled = PrivateAttr(default_factory=_Pickled)

    def __reduce__(self) -> tuple[Any, ...]:
        kept = self._pickled
        if kept.made_of is not vars(self):
            kept.data = pickle.dumps((type(self), self.__getstate__()), protocol=5)
            kept.made_of = vars(self)
        return _unpickled, (kept.data,)


def _unpickled(data: bytes) -> SharedMessage:
    kind, state = pickle.loads(data)
    made: SharedMessage = kind.__new__(kind)
    made.__setstate__(state)
    return made
