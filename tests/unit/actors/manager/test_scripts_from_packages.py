"""Observing scripts that come from packages: prefix -> tag -> digest. Source: reference scramjet.md, section 8."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.manager_reading import Observatory
from ocs_ray.actors.package_desk import PackageDesk
from ocs_ray.actors.sequencer_shell import SequencerShell
from ocs_ray.config.mode_entry import ModeEntry
from ocs_ray.errors import BadInputError, OcsError, UnknownPackageError
from ocs_ray.models.actor_names import PACKAGE_SERVICE
from ocs_ray.models.commands import Sequence, Setup
from ocs_ray.models.component_messages import LoadScript, ScriptSource
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.package_messages import ResolveScript, RollBackPackage
from ocs_ray.models.package_names import PackageName, Tag
from ocs_ray.models.prefix import Prefix
from ocs_ray.models.sequencer_messages import GetRuns, QueryFinal, SubmitSequence
from ocs_ray.packages.pack import pack

PREFIX = Prefix("ESW.Night")
SCRIPT = """
from ocs_ray.scripting import *
from shared_words import VERSION

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("tell")
    async def tell(command: Setup) -> None:
        ctx.log.info(VERSION)
"""


class Store:
    """A package service that only resolves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.desk = PackageDesk(folder / "store", check=lambda tree, manifest: None)
        self.desk.open()

    def names(self) -> list[str]:
        return [PACKAGE_SERVICE]

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        assert name == PACKAGE_SERVICE
        assert isinstance(message, ResolveScript)
        return self.desk.script(message)

    def send(self, version: str, prefix: str = PREFIX) -> str:
        """Send the script in a version; its digest."""
        source = self._folder / f"{prefix}-{version}"
        source.mkdir()
        (source / "night.py").write_text(SCRIPT)
        (source / "shared_words.py").write_text(f"VERSION = {version!r}\n")
        manifest = {"name": "night", "version": version, "main": "night.py", "observatory": {"prefix": prefix}}
        (source / "package.json").write_text(json.dumps(manifest))
        with pack(source, source.with_suffix(f".{version}.tar.gz")).file.open("rb") as file:
            return str(self.desk.store.send(file).record.digest)

    def resolve(self, value: str, prefix: Prefix = PREFIX) -> LoadScript | OcsError:
        script = ScriptSource(file=value, root="/obsmodes")
        message = LoadScript(prefix=prefix, obs_mode=ObsMode("Night"), script=script)
        return asyncio.run(Observatory(self, None).resolve(message))  # pyright: ignore[reportArgumentType]

    def digest(self, value: str) -> str:
        found = self.resolve(value)
        assert isinstance(found, LoadScript), found
        assert found.script is not None
        return found.script.digest


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_given_a_mode_that_names_a_package_when_read_then_it_is_no_path(tmp_path: Path) -> None:
    entry = ModeEntry.model_validate({"resources": [], "sequencers": {"ESW": "package:night@prod", "TCS": "tcs.py"}})
    read = entry.to_mode(ObsMode("Night"), tmp_path, tmp_path)
    assert read.sequencers[VariationInfo("ESW")] == "package:night@prod"
    assert read.sequencers[VariationInfo("TCS")] == str(tmp_path.resolve() / "tcs.py")


def test_given_versions_when_resolved_then_name_tag_version_and_prefix_all_lead_to_a_digest(store: Store) -> None:
    old, new = store.send("1.0.0"), store.send("1.1.0")
    store.desk.store.move_tag("night", "prod", old)
    assert store.digest("package:night") == new
    assert store.digest("package:night@prod") == old
    assert store.digest("package:night@1.0.0") == old
    assert store.digest("package:") == new
    assert store.digest("package:@prod") == old


def test_given_a_bad_night_when_the_tag_is_rolled_back_then_the_script_before_is_loaded(store: Store) -> None:
    old, new = store.send("1.0.0"), store.send("1.1.0")
    for digest in (old, new):
        store.desk.store.move_tag("night", "prod", digest)
    store.desk.roll_back(RollBackPackage(name=PackageName("night"), tag=Tag("prod")))
    assert store.digest("package:night@prod") == old


def test_given_no_package_or_that_of_another_sequencer_when_resolved_then_that_is_said(store: Store) -> None:
    assert isinstance(store.resolve("package:night"), UnknownPackageError)
    store.send("1.0.0")
    refused = store.resolve("package:night", Prefix("TCS.Night"))
    assert isinstance(refused, BadInputError)
    assert "is the script of ESW.Night, not of TCS.Night" in str(refused)
    assert isinstance(store.resolve("package:", Prefix("TCS.Night")), UnknownPackageError)


def test_given_a_script_from_a_package_when_a_sequence_ran_then_its_record_has_the_digest(store: Store) -> None:
    digest = store.send("1.0.0")
    found = store.resolve("package:night")
    assert isinstance(found, LoadScript)

    async def story() -> None:
        shell = SequencerShell(PREFIX, ObsMode("Night"), Prefix("ESW.ESW_1"), store)
        await shell.start(found.script, 1.0)
        run = await shell.ask(SubmitSequence(sequence=Sequence.of(Setup(PREFIX, "tell"))))
        await shell.ask(QueryFinal(run_id=run.run_id, timeout_s=10))
        (record,) = await shell.ask(GetRuns())
        assert record.digest == digest

    asyncio.run(story())
