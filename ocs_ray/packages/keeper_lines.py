"""Lines of JSON over a socket that never holds up its reader: what a keeper says to the host, and hears from it."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any, Final

MOST_WAITING_BYTES: Final = 1 << 24
_PIECE: Final = 1 << 18


class KeeperConnection:
    """One connection of a keeper.

    Args:
        sock: connected.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)
        self._heard, self._unsent = bytearray(), bytearray()
        self.closed = False

    @property
    def wants_to_write(self) -> bool:
        """Something could not be sent yet."""
        return bool(self._unsent) and not self.closed

    def say(self, said: dict[str, Any]) -> None:
        """Send a line, now or when there is room."""
        self._unsent += json.dumps(said).encode() + b"\n"
        if len(self._unsent) > MOST_WAITING_BYTES:
            self.close()
        self.push()

    def push(self) -> None:
        """Send what waits, as far as there is room."""
        while self._unsent and not self.closed:
            try:
                sent = self.sock.send(self._unsent[:_PIECE])
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            del self._unsent[:sent]

    def hear(self) -> list[dict[str, Any]]:
        """The lines that are complete."""
        try:
            while piece := self.sock.recv(_PIECE):
                self._heard += piece
            self.close()
        except BlockingIOError:
            pass
        except OSError:
            self.close()
        *lines, rest = bytes(self._heard).split(b"\n")
        self._heard = bytearray(rest)
        return [json.loads(line) for line in lines]

    def finish(self) -> None:
        """Send what waits, with a little patience, and close."""
        if not self.closed:
            self.sock.settimeout(1.0)
            with contextlib.suppress(OSError):
                self.sock.sendall(self._unsent)
            self.close()

    def close(self) -> None:
        """Nothing more is said or heard."""
        self.closed = True
        self.sock.close()
