"""A gzip file without anything of its place and time in it. Source: RFC 1952.

The same content gives the same bytes with the same build of zlib: RFC 1951 leaves it to the compressor which of many
valid forms it writes, and zlib-ng chooses others than zlib. Stored blocks would not depend on it, but source would be
four times as big.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import BinaryIO, Final

from ocs_ray.errors import BadInputError

_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""No name, no time, unknown system."""
_LEVEL: Final = 9
_WORD: Final = 1 << 32


class PlainGzip:
    """Compresses what is written to it.

    Args:
        sink: where the compressed bytes go; it stays open.
        most_bytes: how many they may be.
    """

    def __init__(self, sink: BinaryIO, most_bytes: int) -> None:
        self._sink, self._most_bytes = sink, most_bytes
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._hash = hashlib.sha256()
        self._checksum = self._in = self._out = 0
        self._put(_HEADER)

    def write(self, piece: bytes) -> None:
        """Add content.

        Raises:
            BadInputError: the file would become too big.
        """
        self._checksum = zlib.crc32(piece, self._checksum)
        self._in += len(piece)
        self._put(self._deflate.compress(piece))

    def close(self) -> tuple[str, int]:
        """End the file.

        Returns:
            its digest, ``sha256:...``, and its size in bytes.
        """
        self._put(self._deflate.flush() + struct.pack("<II", self._checksum, self._in % _WORD))
        return f"sha256:{self._hash.hexdigest()}", self._out

    def _put(self, packed: bytes) -> None:
        self._hash.update(packed)
        self._out += len(packed)
        if self._out > self._most_bytes:
            problem = f"the package gets bigger than {self._most_bytes} bytes"
            raise BadInputError("", problem, "leave out what the program does not need with .seqignore")
        self._sink.write(packed)
