"""A whole platform in one event loop: package service, host and client are real, and so are keepers and programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from ocs_ray.actors.instance_host_shell import InstanceHostShell
from ocs_ray.actors.package_service_shell import PackageServiceShell
from ocs_ray.client.instance import Instance
from ocs_ray.client.packages import Packages
from ocs_ray.core.instance_limits import PlatformLimits
from ocs_ray.errors import LostReplyError, RefusedError, UnreachableError
from ocs_ray.models.actor_names import PACKAGE_SERVICE, instance_host
from ocs_ray.models.instance_records import InstanceStatus
from ocs_ray.packages.pack import pack

MACHINE = "here"
SEED_PROGRAM = """
def count(initial_number=0, length=1000):
    for i in range(initial_number, initial_number + length):
        yield i
"""


class OneMachine:
    """Room on one machine with a number of CPUs."""

    def __init__(self, platform: Platform, cpus: float) -> None:
        self.platform, self.free = platform, {"CPU": cpus}
        self.held: dict[str, Mapping[str, float]] = {}
        self.away = False
        """Ray has lost the machine; its processes run on."""

    def machines(self) -> list[str]:
        return [] if self.away else [MACHINE]

    async def take(self, id_: str, resources: Mapping[str, float]) -> str:
        if any(self.free.get(name, 0) < amount for name, amount in resources.items()):
            raise RefusedError("no room", "start", "no machine has CPU: 1 free")
        for name, amount in resources.items():
            self.free[name] -= amount
        self.held[id_] = resources
        return MACHINE

    async def give_back(self, id_: str) -> None:
        for name, amount in self.held.pop(id_, {}).items():
            self.free[name] += amount

    async def host(self, machine: str) -> str:
        name = instance_host(machine)
        if self.away:
            raise UnreachableError(name=f"machine {machine}", reason="is not there", remedy="see: ocs agents")
        if name not in self.platform.shells:
            shell = InstanceHostShell(machine, self.platform.data, self.platform)
            self.platform.shells[name] = shell
            await shell.start()
        return name


class Platform:
    """The doors to everything, and ways to break it."""

    def __init__(self, data: Path, sources: Path, limits: PlatformLimits, cpus: float = 4) -> None:
        self.data, self._sources, self._limits = data, sources, limits
        self.shells: dict[str, Any] = {}
        self.room = OneMachine(self, cpus)
        self.packages = Packages(self)

    def names(self) -> list[str]:
        return sorted(self.shells)

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        if name not in self.shells:
            raise UnreachableError(name=name, reason="is not running", remedy="")
        try:
            return await asyncio.wait_for(self.shells[name].ask(message), timeout_s)
        except TimeoutError:
            raise LostReplyError(name=name, reason=f"did not answer within {timeout_s:g} s", remedy="") from None

    async def start_service(self) -> None:
        shell = PackageServiceShell(self.data, self.room, self, self._limits)
        self.shells[PACKAGE_SERVICE] = shell
        await shell.start()

    def lose(self, name: str) -> None:
        """The process of a shell dies."""
        self.shells.pop(name).close()

    def close(self) -> None:
        for name in list(self.shells):
            self.lose(name)

    def instance(self, id_: str) -> Instance:
        return Instance(id_, self)

    def status_of(self, instance: Instance) -> InstanceStatus:
        """As the package service knows it, without a question on the way."""
        return self.shells[PACKAGE_SERVICE].instances.book.get(instance.id).status

    def package(self, program: str = SEED_PROGRAM, **fields: Any) -> Path:
        """A packed package."""
        name = fields.get("name", "counter")
        folder = self._sources / f"{name}-{len(list(self._sources.iterdir()))}"
        folder.mkdir()
        manifest = {"name": name, "version": "0.1.1", "main": "index.py", **fields}
        (folder / "index.py").write_text(program)
        (folder / "package.json").write_text(json.dumps(manifest))
        return pack(folder, folder.with_suffix(".tar.gz")).file

    async def send(self, program: str = SEED_PROGRAM, **fields: Any) -> str:
        """Pack and send; the package's name."""
        sent = await self.packages.send(self.package(program, **fields))
        return str(sent.record.name)


@pytest.fixture
def run_story(tmp_path: Path) -> Callable[..., None]:
    """Run a story on a platform of its own; whatever is alive at its end is killed."""

    def run(story: Callable[[Platform], Coroutine[Any, Any, None]], **limits: Any) -> None:
        sources = tmp_path / "sources"
        sources.mkdir()

        async def whole() -> None:
            cpus = limits.pop("cpus", 4)
            platform = Platform(tmp_path / "data", sources, PlatformLimits(**limits), cpus)
            try:
                await platform.start_service()
                await asyncio.wait_for(story(platform), 60)
            finally:
                if PACKAGE_SERVICE in platform.shells:
                    for record in await platform.packages.instances(all=True):
                        with contextlib.suppress(Exception):
                            if not record.status.is_final:
                                await platform.instance(record.id).kill()
                platform.close()

        asyncio.run(whole())

    return run
