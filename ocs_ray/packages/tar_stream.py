"""Reading a ``.tar.gz`` forwards, once, in bounded memory: bytes, headers, contents. No names are judged here.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from ocs_ray.packages.archive_rules import Caps, Reason, refuse, shown_name

BLOCK: Final = 512
_PIECE: Final = 1 << 16
_MAX_EXTENSION_BYTES: Final = 64 * 1024
_MAX_EXTENSIONS: Final = 8
"""Headers about the next header: one of each kind is what tools write."""
_FILE, _OLD_FILE, _FOLDER = b"0", b"\0", b"5"
_PAX, _PAX_GLOBAL, _GNU_NAME = b"x", b"g", b"L"
_LINKS: Final = frozenset((b"1", b"2", b"K"))
_KINDS: Final[dict[bytes, str]] = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"K": "a link with a long target",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a fifo",
    b"S": "a sparse file",
}
_WEIGHTY_KEYS: Final = ("path", "linkpath", "size", "GNU.sparse", "hdrcharset")
"""What may not be set for a whole archive, where a reader could easily see other names than we do."""
_LONGEST_NUMBER: Final = 12
_MAX_PAX_RECORDS: Final = 256


class Member(NamedTuple):
    """A header that was understood.

    Args:
        name: as written, with a leading ``./`` or a trailing ``/``.
        size: of the content, in bytes.
    """

    name: str
    is_folder: bool
    size: int
    mode: int


class TarStream:
    """The members of an archive, one after the other.

    Args:
        source: the compressed bytes.
        caps: where to stop.
    """

    def __init__(self, source: BinaryIO, caps: Caps) -> None:
        self._source, self._caps = source, caps
        self._inflate = zlib.decompressobj(wbits=31)
        self._hash = hashlib.sha256()
        self._ready = bytearray()
        self._in = self._out = 0
        self._left = 0  # of the present member's content, in bytes
        self._padding = 0

    @property
    def digest(self) -> str:
        """``sha256:...`` of what was read; of the whole archive once the members are through."""
        return f"sha256:{self._hash.hexdigest()}"

    @property
    def read_bytes(self) -> int:
        """Compressed bytes read so far."""
        return self._in

    def members(self) -> Iterator[Member]:
        """Every file and folder. Content nobody asked for is skipped.

        Raises:
            PackageRefusedError: not an archive, truncated, too big, or a kind of member that is not allowed.
        """
        long_name: str | None = None
        long_size: int | None = None
        extensions = 0
        while (header := self._header()) is not None:
            kind = header[156:157]
            if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME):
                extensions += 1
                if extensions > _MAX_EXTENSIONS:
                    refuse(Reason.HEADER, "", "one member has too many headers about headers")
                content = self._extension(header)
                if kind == _PAX:
                    pairs = _pax_pairs(content)
                    _refuse_keys(pairs, ("linkpath", "GNU.sparse"))
                    long_name, long_size = pairs.get("path", long_name), _pax_size(pairs, long_size)
                elif kind == _PAX_GLOBAL:
                    _refuse_keys(_pax_pairs(content), _WEIGHTY_KEYS)
                else:
                    long_name = _text(_c_string(content))
                continue
            member = _member(header, kind, long_name, long_size)
            self._left, self._padding = member.size, -member.size % BLOCK
            yield member
            for _ in self.content():
                pass
            self._take(self._padding)
            long_name, long_size, extensions = None, None, 0
        if extensions:
            refuse(Reason.TRUNCATED, "", "the archive ends between a header and what it is about")
        self._expect_nothing_more()

    def content(self) -> Iterator[bytes]:
        """What is left of the present member's content, in pieces."""
        while self._left:
            piece = self._take(min(self._left, _PIECE))
            self._left -= len(piece)
            yield piece

    def _extension(self, header: bytes) -> bytes:
        size = _number(header[124:136], "size")
        if size > _MAX_EXTENSION_BYTES:
            refuse(Reason.HEADER, "", f"a header about a header has {size} bytes")
        content = self._take(size)
        self._take(-size % BLOCK)
        return content

    def _header(self) -> bytes | None:
        block = self._take(BLOCK)
        if not any(block):
            return None
        digits = block[148:156].strip(b"\0 ")
        stored = int(digits, 8) if digits and not digits.strip(b"01234567") else -1
        if stored != sum(block) - sum(block[148:156]) + 8 * ord(" "):
            reason = Reason.NOT_TAR if self._out == BLOCK + len(self._ready) else Reason.HEADER
            refuse(reason, "", "this is no tar archive, or it is damaged: a header's checksum is wrong", "pack it anew")
        return block

    def _expect_nothing_more(self) -> None:
        while True:
            if any(self._ready):
                refuse(Reason.TRAILING_DATA, "", "something follows the end of the archive", "pack it anew")
            self._ready.clear()
            if not self._more():
                break
        if self._inflate.unused_data or self._source.read(1):
            refuse(Reason.TRAILING_DATA, "", "something follows the compressed data", "pack it anew")

    def _take(self, size: int) -> bytes:
        while len(self._ready) < size:
            if not self._more():
                refuse(Reason.TRUNCATED, "", "the archive ends in the middle", "send it again, or pack it anew")
        piece = bytes(self._ready[:size])
        del self._ready[:size]
        return piece

    def _more(self) -> bool:
        """Unpack a little more; False at the end of the compressed data."""
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._read()
            try:
                piece = self._inflate.decompress(packed, _PIECE)
            except zlib.error as failure:
                reason = Reason.HEADER if self._out else Reason.NOT_GZIP
                refuse(reason, "", f"this is no gzip file, or it is damaged: {failure}", "pack it with 'tar czf'")
            self._count(len(piece))
            if piece:
                self._ready += piece
                return True
            if not packed and not self._inflate.eof:
                reason = Reason.TRUNCATED if self._in else Reason.NOT_GZIP
                refuse(reason, "", "the compressed data end in the middle", "send it again, or pack it anew")
        return False

    def _read(self) -> bytes:
        packed = self._source.read(_PIECE)
        self._in += len(packed)
        self._hash.update(packed)
        if self._in > self._caps.archive_bytes:
            refuse(Reason.BYTES, "", f"the archive has more than {self._caps.archive_bytes} bytes")
        return packed

    def _count(self, size: int) -> None:
        self._out += size
        if self._out > self._caps.unpacked_bytes:
            refuse(Reason.BYTES, "", f"it unpacks to more than {self._caps.unpacked_bytes} bytes")
        used = self._in - len(self._inflate.unconsumed_tail)
        if self._out - self._caps.ratio_free_bytes > used * self._caps.ratio:
            refuse(Reason.RATIO, "", f"it unpacks to more than {self._caps.ratio} times its size")


def _member(header: bytes, kind: bytes, long_name: str | None, long_size: int | None) -> Member:
    name = _text(_header_name(header)) if long_name is None else long_name
    where = shown_name(name)
    if kind in _LINKS:
        refuse(Reason.LINK, where, f"it is {_KINDS[kind]}", "pack the file itself ('tar --dereference')")
    if kind not in (_FILE, _OLD_FILE, _FOLDER):
        what = _KINDS.get(kind, f"of the kind {kind!r}")
        refuse(Reason.SPECIAL_FILE, where, f"it is {what}, only files and folders are allowed", "leave it out")
    size = _number(header[124:136], where) if long_size is None else long_size
    is_folder = kind == _FOLDER or (kind == _OLD_FILE and name.endswith("/"))
    if is_folder and size:
        refuse(Reason.HEADER, where, f"it is a folder with {size} bytes of content")
    if not is_folder and name.endswith("/"):
        refuse(Reason.ODD_NAME, where, "it is a file whose name ends with '/'")
    if not is_folder and any(header[157:257]):
        refuse(Reason.LINK, where, "it is a file with a link's target")
    return Member(name, is_folder, size, _number(header[100:108], where))


def _header_name(header: bytes) -> bytes:
    name = _c_string(header[:100])
    prefix = _c_string(header[345:500]) if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _c_string(field: bytes) -> bytes:
    text, _, rest = field.partition(b"\0")
    if any(rest):
        refuse(Reason.ODD_NAME, shown_name(repr(field[:80])), "a name has a NUL inside", "rename it")
    return text


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        refuse(Reason.ODD_NAME, shown_name(repr(raw[:80])), "a name is not UTF-8 text", "rename it")


def _number(field: bytes, where: str) -> int:
    if field[:1] == b"\x80" and len(field) == _LONGEST_NUMBER:  # GNU's form for numbers above 8 GiB
        return int.from_bytes(field[1:], "big")
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if digits and (len(digits) > _LONGEST_NUMBER or digits.strip(b"01234567")):
        refuse(Reason.HEADER, where, f"a number in a header is {field!r}", "pack it anew")
    return int(digits, 8) if digits else 0


def _pax_pairs(content: bytes) -> dict[str, str]:
    pairs: dict[str, str] = {}
    at, end = 0, len(content.rstrip(b"\0"))
    records = 0
    while at < end:
        records += 1
        blank = content.find(b" ", at, at + _LONGEST_NUMBER)
        length = content[at:blank] if blank > at else b""
        stop = at + int(length) if length.isdigit() else at
        key, equals, value = content[blank + 1 : stop].partition(b"=")
        if not at < blank < stop <= end or not equals or not key or not value.endswith(b"\n"):
            refuse(Reason.HEADER, "", "an extended header is damaged", "pack it anew")
        known = key.decode(errors="replace")
        if known in ("path", "size") and (known in pairs or b"\0" in value):
            refuse(Reason.ODD_NAME, "", f"an extended header gives '{known}' twice, or with a NUL inside")
        pairs[known] = _text(value[:-1]) if known in ("path", "size") else ""
        if records > _MAX_PAX_RECORDS:
            refuse(Reason.HEADER, "", f"an extended header has more than {_MAX_PAX_RECORDS} entries")
        at = stop
    return pairs


def _pax_size(pairs: dict[str, str], otherwise: int | None) -> int | None:
    text = pairs.get("size")
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        refuse(Reason.HEADER, "", f"an extended header gives the size {shown_name(text)}")
    return int(text)


def _refuse_keys(pairs: dict[str, str], keys: tuple[str, ...]) -> None:
    for key in pairs:
        if key.startswith(keys):
            reason = Reason.LINK if key == "linkpath" else Reason.HEADER
            refuse(reason, "", f"an extended header sets {shown_name(key)}", "pack it with 'tar czf'")
