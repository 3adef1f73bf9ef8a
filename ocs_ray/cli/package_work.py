"""The work of ``ocs seq``."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ocs_ray.cli import cluster_session, last_used, terminal
from ocs_ray.cli import package_report as report
from ocs_ray.cli.failures import FAILED, OK
from ocs_ray.client import Packages
from ocs_ray.errors import BadInputError, RefusedError
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.package_messages import PackageInfo, PackagesDeleted, PackageSent
from ocs_ray.models.package_names import parse_ref
from ocs_ray.packages.argument_binding import parse_words
from ocs_ray.packages.manifest_peek import peek_manifest
from ocs_ray.packages.pack import Packed

T = TypeVar("T")


class Given(NamedTuple):
    """What a start was given on the command line."""

    words: list[str]
    args: str | None
    config_file: Path | None
    config_json: str | None
    inst_id: str | None

    def arguments(self) -> tuple[list[Any] | None, Mapping[str, Any]]:
        """In order, and by name.

        Raises:
            BadInputError: words and ``--args`` together, or no JSON.
        """
        if self.args is None:
            return (parse_words(self.words) or None), {}
        if self.words:
            raise BadInputError("--args", "arguments are given twice, as words and as JSON", "keep one of the two")
        parsed = _json(self.args, "--args")
        if not isinstance(parsed, list | dict):
            raise BadInputError("--args", "this is neither a list nor an object", "write it like --args '[3000, 10]'")
        return (parsed, {}) if isinstance(parsed, list) else (None, parsed)

    def config(self) -> dict[str, Any]:
        """What the program finds as ``ctx.config``.

        Raises:
            BadInputError: both ways of giving it, no JSON, or no object.
        """
        if self.config_file is not None and self.config_json is not None:
            raise BadInputError("--config-json", "the configuration is given twice", "keep one of the two")
        where, text = "--config-json", self.config_json
        if self.config_file is not None:
            where = str(self.config_file)
            try:
                text = self.config_file.read_text(encoding="utf-8")
            except OSError as failure:
                raise BadInputError(where, failure.strerror or str(failure), "") from None
        parsed = {} if text is None else _json(text, where)
        if not isinstance(parsed, dict):
            raise BadInputError(where, "this is no JSON object", 'write it like {"night": "2026-11-21"}')
        return parsed


def pack(folder: Path, out: Path | None, as_json: bool) -> int:
    """Make a package."""
    packed = _packed(folder, out)
    if as_json:
        document = {"file": str(packed.file), "digest": packed.digest, "size_bytes": packed.size_bytes}
        terminal.put_document({**document, "files": list(packed.paths)})
    else:
        label = f"{packed.manifest.name}@{packed.manifest.version}"
        terminal.say(f"{packed.file}: {label}, {report.size(packed.size_bytes)}, {packed.digest}")
    return OK


def send(source: str, as_json: bool) -> int:
    """Send a package."""
    return _tell_sent(_send(source), as_json)


def start(ref: str, given: Given, as_json: bool) -> int:
    """Start an instance."""
    args, named = given.arguments()
    config = given.config()
    wanted = last_used.meant("sequence", ref)

    async def started() -> InstanceRecord:
        instance = await Packages().start(wanted, args, named, config=config, id=given.inst_id)
        return await instance.info()

    record = cluster_session.ask(started)
    last_used.remember("sequence", wanted)
    last_used.remember("instance", str(record.id))
    if as_json:
        terminal.put_document(report.document(record))
    else:
        terminal.say(f"{record.id}: {record.name}@{record.version} is {record.status} on {record.machine}")
    return OK


def deploy(source: str, given: Given, as_json: bool) -> int:
    """Pack, send, start."""
    given.arguments()  # before anything is sent
    given.config()
    sent = _send(source)
    return start(str(sent.record.digest), given, as_json)


def use(ref: str) -> int:
    """Let - mean a package."""
    info = _ask(lambda packages: packages.info(ref))
    last_used.remember("sequence", ref)
    terminal.say(f"- is {info.record.label} now ({info.record.digest})")
    return OK


def list_all(name: str, as_json: bool) -> int:
    """The packages."""
    found = _ask(lambda packages: packages.list(name))
    if as_json:
        terminal.put_document({"packages": [report.document(info) for info in found]})
    else:
        terminal.console().print(report.packages_table(found))
    return OK


def info(ref: str, as_json: bool) -> int:
    """One package."""
    found = _ask(lambda packages: packages.info(last_used.meant("sequence", ref)))
    return _tell_info(found, as_json)


def update(ref: str, source: str, as_json: bool) -> int:
    """Send a newer package and move the tag there."""
    wanted = last_used.meant("sequence", ref)
    before = _ask(lambda packages: packages.info(wanted))
    meant = parse_ref(wanted)
    file = _file(source)
    if (name := peek_manifest(file).name) != before.record.name:
        problem = f"it is called {name}, not {before.record.name}"
        raise BadInputError(source, problem, "nothing was sent; to have it under its own name: ocs seq send")
    if before.instances:
        text = f"{before.record.label} has {len(before.instances)} instances that are alive; end them first"
        raise RefusedError("in use", "update", text)
    sent = _send(str(file))
    if meant.by == "tag":
        _ask(lambda packages: packages.tag(meant.name, meant.text, str(sent.record.digest)))
    return _tell_sent(sent, as_json)


def delete(ref: str, force: bool, deadline_s: float, as_json: bool) -> int:
    """Forget a package."""
    wanted = last_used.meant("sequence", ref)
    with terminal.working(f"deleting {wanted}"):
        gone = _ask(lambda packages: packages.delete(wanted, force=force, deadline_s=deadline_s))
    return _tell_deleted(gone, as_json)


def prune(force: bool, deadline_s: float, as_json: bool) -> int:
    """Forget what nobody uses."""
    with terminal.working("deleting packages"):
        gone = _ask(lambda packages: packages.prune(force=force, deadline_s=deadline_s))
    return _tell_deleted(gone, as_json)


def tag(ref: str, tag: str, as_json: bool) -> int:
    """Point a tag at a package."""
    wanted = last_used.meant("sequence", ref)

    async def moved() -> PackageInfo:
        record = (await Packages().info(wanted)).record
        return await Packages().tag(record.name, tag, record.digest)

    return _tell_info(cluster_session.ask(moved), as_json)


def history(name: str, as_json: bool) -> int:
    """Every move of a tag."""
    wanted = _tag_of(name)
    found = _ask(lambda packages: packages.history(*wanted))
    if as_json:
        terminal.put_document(report.document(found))
    else:
        terminal.console().print(report.moves_table(found.moves))
    return OK


def rollback(name: str, as_json: bool) -> int:
    """Point a tag where it was before."""
    wanted = _tag_of(name)
    return _tell_info(_ask(lambda packages: packages.rollback(*wanted)), as_json)


def _packed(folder: Path, out: Path | None) -> Packed:
    with terminal.progress_bar(f"packing {folder}") as bar:
        packed = Packages.pack(folder, out, lambda at: bar("files", at.done_bytes, at.total_bytes))
    last_used.remember("package", str(packed.file.resolve()))
    return packed


def _file(source: str) -> Path:
    """The package somebody means; a folder is packed first."""
    file = Path(last_used.meant("package", source))
    return _packed(file, None).file if file.is_dir() else file


def _send(source: str) -> PackageSent:
    file = _file(source)
    with terminal.progress_bar(f"sending {file}") as bar:
        sent = _ask(lambda packages: packages.send(file, bar))
    last_used.remember("package", str(file.resolve()))
    last_used.remember("sequence", str(sent.record.digest))
    return sent


def _ask(work: Callable[[Packages], Coroutine[Any, Any, T]]) -> T:
    return cluster_session.ask(lambda: work(Packages()))


def _tell_sent(sent: PackageSent, as_json: bool) -> int:
    if as_json:
        terminal.put_document(report.document(sent))
    else:
        how = "was there already" if sent.existing else "was sent"
        terminal.say(f"{sent.record.digest}: {sent.record.label} {how}")
    return OK


def _tell_info(found: PackageInfo, as_json: bool) -> int:
    if as_json:
        terminal.put_document(report.document(found))
    else:
        terminal.console().print(report.package_table(found))
    return OK


def _tell_deleted(gone: PackagesDeleted, as_json: bool) -> int:
    if as_json:
        terminal.put_document(report.document(gone))
    else:
        for record in gone.deleted:
            terminal.say(f"{record.digest}: {record.label} was deleted")
        for info in gone.in_use:
            why = f"{', '.join(gone.unsure)} may run it and does not answer: see ocs status"
            if info.sequencers:
                why = f"it is the script of {', '.join(info.sequencers)}"
            if info.instances:
                why = f"{len(info.instances)} instances are alive"
            terminal.problem(f"{info.record.label} stays: {why}")
    return FAILED if gone.in_use else OK


def _tag_of(name: str) -> tuple[str, str]:
    ref = parse_ref(name)
    if ref.by != "tag":
        raise BadInputError("", f"{name} names no tag", "write NAME or NAME@TAG")
    return ref.name, ref.text


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as failure:
        raise BadInputError(where, f"this is no JSON: {failure}", "") from None
