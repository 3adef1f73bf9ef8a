"""Configuration files in a script. Source: reference esw_sequencer.md 2.9, Config."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ocs_ray.client import Configuration
from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import Prefix
from ocs_ray.scripting import ScriptContext
from ocs_ray.scripting.time_scale import TimeScale
from ocs_ray.testing.local_observatory import LocalObservatory


def context(observatory: LocalObservatory) -> ScriptContext:
    return ScriptContext(Prefix("IRIS.Dark"), ObsMode("Dark"), observatory, TimeScale())


def test_given_a_configuration_folder_then_a_script_reads_the_active_version_and_people_change_it(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with LocalObservatory(config=tmp_path) as observatory:
            config, people = context(observatory).config, Configuration(observatory)
            assert await config.get("iris/filters.conf") is None
            assert not await config.exists("iris/filters.conf")
            one = await people.put("iris/filters.conf", b"K")
            two = await people.put("iris/filters.conf", "\u00b5m".encode())
            assert await config.get("iris/filters.conf") == "K"
            await people.set_active("iris/filters.conf", two.version)
            assert await config.get("iris/filters.conf") == "\u00b5m"
            assert await config.get("iris/filters.conf", one.version) == "K"
            assert await config.exists("iris/filters.conf", one.version)
            assert not await config.exists("iris/filters.conf", "other")
            assert [v.active for v in await people.history("iris/filters.conf")] == [False, True]
            assert [entry.path for entry in await people.list()] == ["iris/filters.conf"]

    asyncio.run(story())


def test_given_a_file_that_is_no_text_then_its_bytes_are_there_and_its_text_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "dark.fits").write_bytes(b"\xff\x00")
        async with LocalObservatory(config=tmp_path) as observatory:
            config = context(observatory).config
            assert await config.get_bytes("dark.fits") == b"\xff\x00"
            with pytest.raises(BadInputError, match=r"dark\.fits: it is not UTF-8 text"):
                await config.get("dark.fits")
            with pytest.raises(BadInputError, match="not below the configuration folder"):
                await config.get("/etc/passwd")

    asyncio.run(story())


def test_given_a_cluster_without_a_configuration_folder_when_asked_then_it_says_how_to_get_one() -> None:
    async def story() -> None:
        async with LocalObservatory() as observatory:
            with pytest.raises(UnreachableError, match=r"without a configuration folder \(make config/ in the project"):
                await context(observatory).config.get("iris/filters.conf")

    asyncio.run(story())
