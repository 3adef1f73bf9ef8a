"""A private Ray for the tests of the actors: one for the whole folder, ended with it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from ocs_ray.actors.placement import release_all
from ocs_ray.location.call import RayPort, find, names
from ocs_ray.models.actor_names import NAMESPACE
from ocs_ray.scripting.port import use_default_port
from tests.cluster.whole_observatory import WholeObservatory

RESOURCES: dict[str, float] = {
    "machine:ESW.m": 1,
    "machine:IRIS.m": 1,
    "resource:IRIS": 1,
    "resource:TCS": 1,
    "resource:WFOS": 1,
}


@pytest.fixture(scope="session")
def private_ray() -> Iterator[None]:
    """Ray with the resources of two machines."""
    folder = Path(tempfile.mkdtemp(prefix="ocs-"))
    ray.init(
        address="local",
        namespace=NAMESPACE,
        resources=RESOURCES,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        _temp_dir=str(folder),
    )
    use_default_port(RayPort())
    yield
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_ray(private_ray: None) -> Iterator[None]:
    """The same Ray without any of our actors, before and after."""
    yield
    for name in names():
        ray.kill(find(name))
    release_all()


@pytest.fixture(scope="module")
def launched_whole(private_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeObservatory]:
    """An observatory with four machines, for all tests of a file."""
    yield WholeObservatory(tmp_path_factory.mktemp("obsmodes"))
    for name in names():
        ray.kill(find(name))
    release_all()


@pytest.fixture
def whole(launched_whole: WholeObservatory) -> WholeObservatory:
    """The same with nothing configured."""
    asyncio.run(launched_whole.clear())
    return launched_whole


@pytest.fixture
def three(whole: WholeObservatory) -> WholeObservatory:
    """The same with one component of ESW, one of IRIS, one of TCS, all idle."""
    asyncio.run(whole.made_of("ESW.ESW_1", "IRIS.IRIS_1", "TCS.TCS_1"))
    return whole


@pytest.fixture
def four(whole: WholeObservatory) -> WholeObservatory:
    """The same with two components of ESW, one of IRIS, one of TCS, all idle."""
    asyncio.run(whole.made_of("ESW.ESW_1", "ESW.ESW_2", "IRIS.IRIS_1", "TCS.TCS_1"))
    return whole


@pytest.fixture
def eventually() -> Callable[[Callable[[], Coroutine[Any, Any, bool]]], None]:
    """Wait until a condition holds, at most 20 s."""

    def wait(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        async def poll() -> None:
            async with asyncio.timeout(20):
                while not await condition():  # noqa: ASYNC110 - what is waited for happens in other processes
                    await asyncio.sleep(0.02)

        asyncio.run(poll())

    return wait
