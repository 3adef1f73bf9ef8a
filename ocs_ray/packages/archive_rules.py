"""What an archive may hold. Everything else is refused, with a reason a program can read.

``tarfile``'s own ``filter="data"`` is not enough: it writes outside its target on Python 3.11.7 (CVE-2025-4517), and a
header can make it loop (CVE-2025-8194). So nothing of ``tarfile`` is used on what others sent.

This file and those beside it that the unpacking child imports need nothing but the standard library: a child is up in
tens of milliseconds.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final, NamedTuple, NoReturn

from ocs_ray.errors import PackageRefusedError

MIB: Final = 1 << 20
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_ODD_CATEGORIES: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_ODD_CHARACTERS: Final = frozenset('\\:*?"<>|')


class Reason(StrEnum):
    """Why an archive is refused."""

    NOT_GZIP = "not_gzip"
    NOT_TAR = "not_tar"
    TRUNCATED = "truncated"
    TRAILING_DATA = "trailing_data"
    HEADER = "header"
    LINK = "link"
    SPECIAL_FILE = "special_file"
    ABSOLUTE_PATH = "absolute_path"
    PARENT_PATH = "parent_path"
    ODD_NAME = "odd_name"
    DUPLICATE = "duplicate"
    SET_UID = "set_uid"
    BYTES = "bytes"
    RATIO = "ratio"
    MEMBERS = "members"
    DEPTH = "depth"
    NAME_LENGTH = "name_length"
    MANIFEST = "manifest"
    MAIN = "main"
    SYNTAX = "syntax"
    IMPORT = "import"
    ENTRY = "entry"
    HANDLERS = "handlers"
    LIMIT = "limit"  # the child that looked at it used up its time or memory


class Caps(NamedTuple):
    """How big an archive may be.

    Args:
        archive_bytes: as sent.
        unpacked_bytes: of the whole tar inside, headers and padding too.
        ratio: unpacked to sent; the first ``ratio_free_bytes`` are not counted, small text compresses well.
        members: files and folders, folders nobody listed too.
        python_bytes: of all ``.py`` files together: reading their syntax takes a second for each 8 MiB or so.
        depth: folders above a file, and the file.
        name_bytes: one step of a path, as UTF-8.
        path_bytes: a whole path, as UTF-8.
    """

    archive_bytes: int = 64 * MIB
    unpacked_bytes: int = 256 * MIB
    ratio: int = 100
    ratio_free_bytes: int = MIB
    members: int = 10_000
    python_bytes: int = 12 * MIB
    depth: int = 16
    name_bytes: int = 255
    path_bytes: int = 1024


HOUSE_CAPS: Final = Caps()


def refuse(reason: Reason, where: str, problem: str, remedy: str = "") -> NoReturn:
    """Raise the refusal.

    Args:
        where: the member; its name may be hostile, so it is shown escaped and short.
    """
    raise PackageRefusedError(where=where, problem=problem, remedy=remedy, reason=reason.value)


def shown_name(name: str) -> str:
    """A member's name, safe to print."""
    return ascii(name if len(name) <= 80 else name[:80] + "...")


def checked_path(name: str, caps: Caps) -> tuple[str, ...]:
    """The steps of a member's path, below the package's root; empty for the root itself.

    A leading ``./`` is what plain ``tar czf x.tar.gz .`` writes and is fine. Names come back in Unicode's composed
    form: macOS writes them decomposed.

    Raises:
        PackageRefusedError: absolute, ``..``, odd, too long or too deep.
    """
    where = shown_name(name)
    if name.startswith("/"):
        refuse(Reason.ABSOLUTE_PATH, where, "the path is absolute", "pack with paths relative to the folder")
    if not name:
        refuse(Reason.ODD_NAME, where, "the name is empty")
    if len(name.encode(errors="surrogatepass")) > caps.path_bytes:
        refuse(Reason.NAME_LENGTH, where, f"the path is longer than {caps.path_bytes} bytes", "shorten it")
    path = unicodedata.normalize("NFC", name).removesuffix("/")
    if path == ".":
        return ()
    steps = tuple(path.removeprefix("./").split("/"))
    for step in steps:
        _check_step(step, where, caps)
    if len(steps) > caps.depth:
        refuse(Reason.DEPTH, where, f"it lies {len(steps)} levels deep, {caps.depth} are allowed", "flatten it")
    return steps


def _check_step(step: str, where: str, caps: Caps) -> None:
    if step == "..":
        refuse(Reason.PARENT_PATH, where, "the path has a '..'", "pack with paths below the folder")
    if step in ("", "."):
        refuse(Reason.ODD_NAME, where, "the path has an empty step or a '.' inside")
    if len(step.encode(errors="surrogatepass")) > caps.name_bytes:
        refuse(Reason.NAME_LENGTH, where, f"a name in it is longer than {caps.name_bytes} bytes", "shorten it")
    if any(c in _ODD_CHARACTERS or unicodedata.category(c) in _ODD_CATEGORIES for c in step):
        refuse(Reason.ODD_NAME, where, 'a name holds a control character or one of \\ : * ? " < > |', "rename it")
    if step[-1] in ". " or step[0] == " ":
        refuse(Reason.ODD_NAME, where, "a name begins with a blank or ends with a blank or a dot", "rename it")
    if _RESERVED.fullmatch(step):
        refuse(Reason.ODD_NAME, where, "the name is reserved on some systems", "rename it")


class KnownPaths:
    """The paths of one archive so far: nothing twice, nothing both file and folder, whatever the case of the letters.

    Args:
        caps: how many there may be.
    """

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._folders: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._listed: set[tuple[str, ...]] = set()
        self._files: set[tuple[str, ...]] = set()

    def add(self, steps: tuple[str, ...], *, is_folder: bool) -> tuple[tuple[str, ...], ...]:
        """Take note of a member.

        Returns:
            the folders that have to be made for it, the outermost first.
        Raises:
            PackageRefusedError: the path is taken, or there are too many.
        """
        where = shown_name("/".join(steps))
        folders = [self._folder(steps[:n], where) for n in range(1, len(steps) + is_folder)]
        key = _folded(steps)
        if key in self._listed or key in self._files or (not is_folder and key in self._folders):
            refuse(Reason.DUPLICATE, where, "the path comes twice (upper and lower case count as one)", "rename one")
        (self._listed if is_folder else self._files).add(key)
        if len(self._folders) + len(self._files) > self._caps.members:
            refuse(Reason.MEMBERS, where, f"there are more than {self._caps.members} files and folders")
        return tuple(folder for folder in folders if folder)

    def _folder(self, steps: tuple[str, ...], where: str) -> tuple[str, ...]:
        """The folder when it is new, else nothing."""
        key = _folded(steps)
        if key in self._files:
            refuse(Reason.DUPLICATE, where, "a step of its path is a file already", "rename one")
        spelt = self._folders.setdefault(key, steps)
        if spelt is steps:
            return steps
        if spelt != steps:
            problem = "a folder comes in two spellings that differ in upper and lower case only"
            refuse(Reason.DUPLICATE, where, problem, "rename one")
        return ()


def _folded(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFKC", step).casefold() for step in steps)
