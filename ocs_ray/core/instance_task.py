"""What a machine's host is told to run when somebody starts a package."""

from __future__ import annotations

from ocs_ray.errors import BadInputError
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import InstanceTask, StartInstance
from ocs_ray.models.instance_records import ChannelRules, InstanceRecord
from ocs_ray.models.package_records import PackageRecord


def task_for(message: StartInstance, package: PackageRecord, id_: Id, now_unix_s: float) -> InstanceTask:
    """The first run of a package.

    Args:
        id_: of the instance.
        now_unix_s: the start was asked for, in seconds since 1970.
    Raises:
        BadInputError: it is the script of a sequencer.
    """
    manifest, observatory = package.manifest, package.manifest.observatory
    if manifest.kind == "script":
        problem = f"{package.label} is the script of the sequencer {observatory.sequencer_prefix}, not a program"
        raise BadInputError("", problem, "it is loaded when its observing mode is configured")
    args = message.args if message.args is not None else (() if message.named else manifest.args)
    record = InstanceRecord(
        id=id_,
        digest=package.digest,
        name=package.name,
        version=package.version,
        args=tuple(args),
        created_unix_s=now_unix_s,
    )
    rules = ChannelRules(
        backpressure=observatory.backpressure,
        retention_s=observatory.retention_s,
        retention_bytes=observatory.retention_bytes,
    )
    return InstanceTask(
        record=record,
        main=str(manifest.main),
        args=tuple(args),
        named=message.named,
        config=message.config,
        rules=rules,
        input=observatory.input,
        limits=observatory.limits,
        resources=observatory.resources,
    )
