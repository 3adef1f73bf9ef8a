"""Packages on machines other than the package service's. Source: issue 6; reference scramjet.md, section 8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.instance_host_shell import InstanceHostShell
from ocs_ray.actors.package_fetch import COPIES, ScriptsHere
from ocs_ray.errors import OcsError, PackageRefusedError, RefusedError, UnknownPackageError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.component_messages import ScriptSource, SequenceComponentStatus
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_messages import InstanceTask, ReadChannel
from ocs_ray.models.instance_records import Channel, InstanceRecord
from ocs_ray.models.package_messages import ArchivePiece, FetchArchive, PackageInfo, ResolveScript
from ocs_ray.models.prefix import Prefix

from .conftest import Platform

Story = Callable[..., None]
PREFIX = Prefix("WFOS.Far")
SCRIPT = "from ocs_ray.scripting import *\n\n@script\nasync def body(ctx: ScriptContext) -> None: ...\n"
OF_FAR: dict[str, Any] = {"name": "far", "observatory": {"prefix": PREFIX}}


class Garbling:
    """A way to the package service on which one byte of an archive changes."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def names(self) -> list[str]:
        return self._platform.names()

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        reply = await self._platform.ask(name, message, timeout_s)
        if isinstance(message, FetchArchive) and reply.data:
            return ArchivePiece(data=reply.data[:-1] + bytes([reply.data[-1] ^ 1]))
        return reply


async def resolved(on: Platform, copies: Path) -> ScriptSource:
    """The script of the sequencer, as the Sequence Manager hands it to a component elsewhere."""
    found = await on.ask(PACKAGE_SERVICE, ResolveScript(prefix=PREFIX), 5)
    return ScriptSource(file=found.file, root=found.root, digest=found.digest, node="head", copies=str(copies))


class Component:
    """A sequence component with a package's script in it."""

    def __init__(self, digest: str) -> None:
        self.digest = digest

    async def ask(self, message: object) -> SequenceComponentStatus:
        machine, loaded = Prefix("WFOS.m"), PREFIX if self.digest else None
        return SequenceComponentStatus(
            prefix=Prefix("WFOS.WFOS_1"),
            machine=machine,
            state="Running",
            loaded=loaded,
            sequencer=None,
            pid=1,
            digest=self.digest,
        )

    def close(self) -> None: ...


def test_given_a_package_of_another_machine_when_an_instance_starts_then_it_is_fetched_once(
    run_story: Story, tmp_path: Path
) -> None:
    async def output_of(host: InstanceHostShell, info: PackageInfo, id_: str) -> bytes:
        record = InstanceRecord(
            id=Id(id_), digest=info.record.digest, name=info.record.name, version=info.record.version, created_unix_s=0
        )
        await host.ask(InstanceTask(record=record, main=str(info.record.manifest.main), args=(3, 2)))
        output, ended = b"", False
        while not ended:
            read = ReadChannel(id=Id(id_), channel=Channel.OUTPUT, offset=len(output), wait_s=5)
            piece = await host.ask(read)
            output, ended = output + piece.data, piece.ended
        return output

    async def story(on: Platform) -> None:
        info = await on.packages.info(await on.send())
        far = InstanceHostShell("far", tmp_path / "far", on)
        await far.start()
        try:
            assert await output_of(far, info, "one") == b"3\n4\n"
            copies = list((tmp_path / "far" / COPIES / "unpacked").iterdir())
            assert [copy.name for copy in copies] == [info.record.digest.hex]
            on.lose(PACKAGE_SERVICE)  # it is not needed any more
            assert await output_of(far, info, "two") == b"3\n4\n"
        finally:
            far.close()

    run_story(story)


def test_given_a_package_that_was_deleted_and_sent_anew_when_fetched_then_its_bytes_are_the_new_ones(
    run_story: Story, tmp_path: Path
) -> None:
    kept: list[tuple[ScriptSource, ScriptSource]] = []
    copies = tmp_path / COPIES

    async def story(on: Platform) -> None:
        scripts = ScriptsHere("far", on)
        await on.send(SCRIPT, **OF_FAR)
        old = await scripts.here(await resolved(on, copies))
        await on.packages.delete("far")
        await on.send(SCRIPT + "# the same version\n", **OF_FAR)
        new = await scripts.here(await resolved(on, copies))
        kept.append((old, new))
        assert await ScriptsHere("head", on).here(await resolved(on, copies)) == await resolved(on, copies)

    run_story(story)
    ((old, new),) = kept
    assert "the same version" in Path(new.file).read_text()
    assert Path(new.root).parent.parent == copies
    assert not Path(old.root).exists()  # nobody can need it any more


def test_given_bytes_that_change_on_their_way_when_fetched_then_nothing_of_them_is_kept(
    run_story: Story, tmp_path: Path
) -> None:
    async def story(on: Platform) -> None:
        await on.send(SCRIPT, **OF_FAR)
        source = await resolved(on, tmp_path / COPIES)
        with pytest.raises(PackageRefusedError, match=f"{source.digest} was asked for"):
            await ScriptsHere("far", Garbling(on)).here(source)
        assert list((tmp_path / COPIES / "unpacked").iterdir()) == []
        assert list((tmp_path / COPIES / "incoming").iterdir()) == []
        unknown = source.model_copy(update={"digest": "sha256:" + "0" * 64})
        with pytest.raises(UnknownPackageError):
            await ScriptsHere("far", on).here(unknown)

    run_story(story)


def test_given_a_script_a_sequencer_runs_when_deleted_or_pruned_then_it_stays_until_that_is_shut_down(
    run_story: Story,
) -> None:
    async def story(on: Platform) -> None:
        await on.send(SCRIPT, **OF_FAR)
        await on.send()
        digest = (await on.packages.info("far")).record.digest
        component = on.shells["WFOS.WFOS_1-SequenceComponent"] = Component(digest)
        assert (await on.packages.info("far")).sequencers == (PREFIX,)
        for force in (False, True):
            with pytest.raises(RefusedError, match=r"far@0.1.1 is the script of WFOS\.Far"):
                await on.packages.delete("far", force=force)
        pruned = await on.packages.prune(force=True)
        assert [record.label for record in pruned.deleted] == ["counter@0.1.1"]
        assert [(info.record.label, info.sequencers) for info in pruned.in_use] == [("far@0.1.1", (PREFIX,))]
        component.digest = ""
        await on.packages.delete("far")
        with pytest.raises(OcsError):
            await on.packages.info("far")

    run_story(story)
