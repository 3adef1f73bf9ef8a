"""A Ray of one's own to measure on, and sequencers and bare actors on it.

Ray reads its environment once, when it is imported: benchmarks have it from here, and the floors get what ours get.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ocs_ray.location.environment import LOOPBACK_ONLY, TUNING

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # workers that may not keep compiled files recompile Ray
for _name, _value in {**TUNING, **LOOPBACK_ONLY, "RAY_AUTH_MODE": "disabled"}.items():
    os.environ.setdefault(_name, _value)

import ray

from benchmarks.bare_actor import Bare
from ocs_ray.actors.placement import release_all
from ocs_ray.actors.spawning import create
from ocs_ray.location.call import RayPort, find, names
from ocs_ray.models.actor_names import NAMESPACE, actor_name
from ocs_ray.models.component_messages import LoadScript, ScriptSource
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.scripting.port import use_default_port

RESOURCES: Final[dict[str, float]] = {
    "machine:ESW.machine1": 1,
    "resource:IRIS": 1,
    "resource:TCS": 1,
    "resource:WFOS": 1,
}
COMPONENT: Final = Prefix("ESW.bench")
DOES_NOTHING: Final = """
from ocs_ray.scripting import *

@script
async def body(ctx: ScriptContext) -> None:
    @ctx.on_setup("nothing")
    async def nothing(command: Setup) -> None:
        pass
"""
"""A script whose only command does nothing."""
START_S: Final = 300.0
"""Longest wait, in seconds, for actors to come up: a hundred at once take a minute and more."""


@contextmanager
def private_ray() -> Iterator[Path]:
    """Ray, and a folder for scripts; both are gone afterwards. Inside another one it is that one, swept."""
    with tempfile.TemporaryDirectory(prefix="ocs-b-") as folder:
        is_outer = not ray.is_initialized()
        if is_outer:
            start_ray(Path(folder) / "ray")
        use_default_port(RayPort())
        try:
            yield Path(folder)
        finally:
            sweep()
            if is_outer:
                ray.shutdown()
                shutil.rmtree(Path(folder) / "ray", ignore_errors=True)


def start_ray(folder: Path) -> None:
    """Start it: ``address="local"`` never joins one that happens to be up."""
    ray.init(
        address="local",
        namespace=NAMESPACE,
        resources=RESOURCES,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        _temp_dir=str(folder),
    )


def sweep() -> None:
    """End all named actors and give all resources back."""
    for name in names():
        ray.kill(find(name))
    release_all()


def begin_sequencers(prefixes: list[str]) -> list[Any]:
    """Sequencers' actors, as a sequence component creates them; they are coming up."""
    return [
        create(
            "Sequencer",
            actor_name(prefix, ComponentType.Sequencer),
            Prefix(prefix),
            ObsMode.from_prefix(prefix),
            COMPONENT,
            resource=None,
            restarts=0,
        )
        for prefix in prefixes
    ]


def load(prefixes: list[str], handles: list[Any], script: Path | None) -> None:
    """Load the same script in all of them.

    Args:
        script: None for the simulated one.
    """
    source = None if script is None else ScriptSource(file=str(script), root=str(script.parent))
    pending = [
        handle.ask.remote(
            LoadScript(prefix=Prefix(prefix), obs_mode=ObsMode.from_prefix(prefix), script=source, time_factor=1.0)
        )
        for prefix, handle in zip(prefixes, handles, strict=True)
    ]
    ray.get(pending, timeout=START_S)


def start_sequencers(prefixes: list[str], script: Path | None) -> list[Any]:
    """Sequencers with their script loaded; gives their handles."""
    handles = begin_sequencers(prefixes)
    load(prefixes, handles, script)
    return handles


def begin_bare(names_of_them: list[str]) -> list[Any]:
    """As many bare actors, created with the same options; they are coming up."""
    kind = ray.remote(Bare)
    options = {"namespace": NAMESPACE, "lifetime": "detached", "num_cpus": 0, "max_concurrency": 10_000}
    return [kind.options(name=name, **options).remote() for name in names_of_them]


def start_bare(names_of_them: list[str]) -> list[Any]:
    """Bare actors that have answered."""
    handles = begin_bare(names_of_them)
    ray.get([handle.ask.remote(None) for handle in handles], timeout=START_S)
    return handles
