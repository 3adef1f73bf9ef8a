"""Bytes for a pipe whose reader may not be ready: kept until it takes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable


class Feed:
    """The writing end of a pipe to the program.

    Args:
        descriptor: of the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._waiting: deque[tuple[memoryview, bool, Callable[[], None]]] = deque()
        self._closed = False

    def add(self, data: bytes, end: bool, taken: Callable[[], None]) -> None:
        """Queue bytes.

        Args:
            end: nothing follows.
            taken: called when these bytes are in the pipe, or will never be.
        """
        self._waiting.append((memoryview(data), end, taken))

    def push(self) -> bool:
        """Write as much as there is room for; whether nothing is left."""
        while self._waiting:
            data, end, taken = self._waiting.popleft()
            if not self._closed:
                try:
                    while data:
                        data = data[os.write(self.descriptor, data) :]
                except BlockingIOError:
                    self._waiting.appendleft((data, end, taken))
                    return False
                except OSError:  # the program closed its end: it does not want to know
                    end = True
                if end:
                    self._close()
            taken()
        return True

    def _close(self) -> None:
        self._closed = True
        os.close(self.descriptor)
