"""Packages and instances as tables and documents."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

from ocs_ray.cli.report_table import table
from ocs_ray.core.instance_states import procedure_state
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.message import Message
from ocs_ray.models.package_messages import PackageInfo
from ocs_ray.models.package_records import TagMove

SHORT: Final = 19  # sha256: and 12 digits
SHORT_ID: Final = 8
_STEPS: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def packages_table(packages: Iterable[PackageInfo]) -> Table:
    """One row a package."""
    shown = table("", "name", "version", "tags", "digest", "size", "sent (UTC)", "instances")
    for info in packages:
        record = info.record
        shown.add_row(
            record.name,
            record.version,
            ", ".join(info.tags),
            record.digest[:SHORT],
            size(record.size_bytes),
            moment(record.created_unix_s),
            str(len(info.instances) or ""),
        )
    return shown


def package_table(info: PackageInfo) -> Table:
    """One package, a row each thing."""
    record, manifest = info.record, info.record.manifest
    prefix = manifest.observatory.sequencer_prefix
    rows = {
        "name": record.label,
        "tags": ", ".join(info.tags),
        "digest": record.digest,
        "kind": "program" if prefix is None else f"script of {prefix}",
        "main": manifest.main,
        "description": manifest.description,
        "size": f"{size(record.size_bytes)}, {record.files} files of {size(record.unpacked_bytes)}",
        "sent (UTC)": moment(record.created_unix_s),
        "instances": ", ".join(info.instances),
        "sequencers": ", ".join(info.sequencers),
    }
    return _pairs(rows)


def instances_table(records: Iterable[InstanceRecord]) -> Table:
    """One row an instance."""
    shown = table("", "id", "package", "status", "exit", "run", "machine", "started (UTC)", "arguments")
    for record in records:
        shown.add_row(
            str(record.id),
            f"{record.name}@{record.version}",
            record.status,
            "" if record.terminated is None else str(record.terminated.exit_code),
            str(record.run),
            record.machine,
            moment(record.created_unix_s),
            " ".join(map(str, record.args)),
        )
    return shown


def instance_table(record: InstanceRecord) -> Table:
    """One instance, a row each thing."""
    ended = record.terminated
    rows = {
        "id": str(record.id),
        "package": f"{record.name}@{record.version}",
        "digest": record.digest,
        "status": f"{record.status} ({procedure_state(record.status, ended)})",
        "run": str(record.run),
        "arguments": " ".join(map(str, record.args)),
        "machine": record.machine,
        "process": str(record.process_id or ""),
        "started (UTC)": moment(record.started_unix_s),
        "ended (UTC)": moment(record.ended_unix_s),
        "exit code": "" if ended is None else str(ended.exit_code),
        "reason": "" if ended is None else ended.reason,
        "expires (UTC)": _expiry(record),
    }
    return _pairs(rows)


def moves_table(moves: Sequence[TagMove]) -> Table:
    """One row a move of a tag."""
    shown = table("", "when (UTC)", "from", "to")
    for move in moves:
        shown.add_row(moment(move.at_unix_s), (move.before or "-")[:SHORT], (move.after or "-")[:SHORT])
    return shown


def document(message: Message) -> dict[str, Any]:
    """A message as JSON has it."""
    return message.model_dump(mode="json", by_alias=True)


def size(count: int) -> str:
    """Bytes for people."""
    for step, unit in _STEPS:
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def moment(unix_s: float | None) -> str:
    """A time for people."""
    return "" if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _expiry(record: InstanceRecord) -> str:
    if record.expires_unix_s is None:
        return ""
    gone = " (expired)" if record.expires_unix_s <= time.time() else ""
    return moment(record.expires_unix_s) + gone


def _pairs(rows: dict[str, str]) -> Table:
    shown = table("", "", "")
    shown.show_header = False
    for name, value in rows.items():
        if value:
            shown.add_row(name, value)
    return shown
