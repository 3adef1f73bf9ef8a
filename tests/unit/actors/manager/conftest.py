"""An observatory of puppets around the real manager: every answer, delay and death is the test's to choose."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ocs_ray.actors.manager_shell import ManagerShell
from ocs_ray.core.resource_conflict import check_offered
from ocs_ray.errors import BadInputError, ComponentFailedError, OcsError, UnreachableError
from ocs_ray.models.actor_names import actor_name
from ocs_ray.models.agent_messages import (
    AgentStatus,
    Failed,
    GetAgentStatus,
    KillComponent,
    Killed,
    Spawned,
    SpawnSequenceComponent,
)
from ocs_ray.models.component_messages import (
    GetComponentStatus,
    LoadingScriptFailed,
    LoadScript,
    LostSequencer,
    RestartScript,
    ScriptLoaded,
    SequenceComponentStatus,
    ShutdownComponent,
    UnloadScript,
)
from ocs_ray.models.identifiers import ObsMode, VariationInfo
from ocs_ray.models.obs_mode import ObsModeConfig
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.sequencer_messages import GetSequenceComponent
from ocs_ray.models.sequencer_replies import Ok, Unhandled
from ocs_ray.models.times import UTCTime

NOW = UTCTime("2021-09-17T09:17:08Z")


def mode(name: str, resources: str, *sequencers: str, script: str | None = "script.py") -> ObsModeConfig:
    return ObsModeConfig(
        name=ObsMode(name),
        resources=tuple(map(Subsystem, resources.split())),
        sequencers={VariationInfo(info): script for info in sequencers},
        root="/obsmodes",
    )


class Puppet:
    """One sequence component."""

    def __init__(self, night: Night, prefix: str, machine: str) -> None:
        self.night, self.prefix, self.machine = night, Prefix(prefix), Prefix(machine)
        self.state, self.loaded, self.lost = "Idle", None, None
        self.restarted, self.since, self.digest = False, NOW, ""

    async def ask(self, message: object) -> Any:
        match message:
            case GetComponentStatus():
                return SequenceComponentStatus(
                    prefix=self.prefix,
                    machine=self.machine,
                    state=self.state,
                    loaded=self.loaded,
                    sequencer=None,
                    pid=1,
                    lost=self.lost,
                    since=self.since,
                    restarted=self.restarted,
                    digest=self.digest,
                )
            case LoadScript() if self.state == "Idle":
                self.digest = "" if message.script is None else message.script.digest
                return await self.load(message.prefix, "Loading")
            case RestartScript(load=load) if self.state == "Running":
                if load is not None:
                    self.digest = "" if load.script is None else load.script.digest
                self.night.running.pop(f"{self.loaded}-Sequencer", None)
                assert self.loaded is not None
                return await self.load(self.loaded, "Restarting")
            case UnloadScript(prefix=prefix) if self.lost is not None and self.lost.prefix == prefix:
                self.lost = None
                return Ok()
            case UnloadScript(prefix=prefix) if self.state != "Unloading" and prefix in (None, self.loaded):
                self.night.running.pop(f"{self.loaded}-Sequencer", None)
                self.state, self.loaded = "Idle", None
                return Ok()
            case ShutdownComponent():
                self.night.running.pop(f"{self.loaded}-Sequencer", None)
                self.night.running.pop(actor_name(self.prefix, ComponentType.SequenceComponent), None)
                return Ok()
            case _:
                name = type(message).__name__
                text = f"Sequence Component can not accept '{name}' message in '{self.state}'"
                return Unhandled(state=self.state, message_type=name, msg=text)

    async def load(self, prefix: Prefix, state: str) -> ScriptLoaded | LoadingScriptFailed:
        name, outcome = actor_name(prefix, ComponentType.Sequencer), self.night.scripts.get(prefix)
        self.state, self.loaded, self.lost = state, prefix, None
        fetched = self.night.fetching.get(prefix)
        while fetched is not None and not fetched.is_set():
            if actor_name(self.prefix, ComponentType.SequenceComponent) not in self.night.running:
                raise UnreachableError(name=self.prefix, reason="died", remedy="")
            if self.loaded != prefix:
                return LoadingScriptFailed(msg=f"{prefix} was shut down while its script loaded")
            await asyncio.sleep(0)
        if name in self.night.running:
            outcome = f"{name} is running already"
        else:
            self.night.running[name] = Loaded(self.prefix)
        while isinstance(outcome, asyncio.Event) and not outcome.is_set() and name in self.night.running:  # noqa: ASYNC110 - either ends it
            await asyncio.sleep(0)
        if isinstance(outcome, str) or name not in self.night.running:
            if not str(outcome).endswith("running already"):
                self.night.running.pop(name, None)
            self.state, self.loaded = "Idle", None
            return LoadingScriptFailed(msg=str(outcome))
        self.state = "Running"
        return ScriptLoaded(prefix=prefix)

    def lose(self) -> None:
        """Its sequencer dies, and it notices."""
        assert self.loaded is not None
        self.night.running.pop(f"{self.loaded}-Sequencer")
        self.lost = LostSequencer(prefix=self.loaded, sequence_component=self.prefix, at=NOW, reason="died")
        self.state, self.loaded = "Idle", None


class Loaded:
    """One sequencer: it only knows where it is."""

    def __init__(self, component: Prefix) -> None:
        self.component = component

    async def ask(self, message: object) -> Any:
        assert isinstance(message, GetSequenceComponent), message
        return self.component


class PuppetAgent:
    """One machine."""

    def __init__(self, night: Night, prefix: str) -> None:
        self.night, self.prefix = night, Prefix(prefix)
        self.children: set[str] = set()

    async def ask(self, message: object) -> Any:
        match message:
            case GetAgentStatus():
                mine = [self.night.running[name] for name in sorted(self.children) if name not in self.night.silent]
                return AgentStatus(
                    agent=self.prefix,
                    pid=2,
                    sequence_components=tuple([await component.ask(GetComponentStatus()) for component in mine]),
                    devices=(),
                    children=tuple(sorted(self.children)),
                    silent=tuple(sorted(self.children & self.night.silent)),
                )
            case SpawnSequenceComponent(prefix=prefix):
                assert prefix is not None
                if prefix in self.night.broken:
                    return Failed(msg="out of memory")
                self.night.add_component(prefix, self.prefix)
                return Spawned(prefix=prefix)
            case KillComponent(prefix=prefix, component_type=kind):
                name = actor_name(prefix, kind)
                if name in self.night.immortal:
                    return Failed(msg="no permission")
                gone = self.night.running.pop(name, None)
                if isinstance(gone, Puppet) and name not in self.night.silent:
                    self.night.running.pop(f"{gone.loaded}-Sequencer", None)
                self.children.discard(name)
                return Killed()
            case _:
                raise AssertionError(message)


class Night:
    """Directory and reservations.

    ``scripts``: sequencer -> why it does not load, or the event its load waits for; ``fetching``: the same for an event
    it waits for before it is registered.
    """

    def __init__(self) -> None:
        self.modes = {
            config.name: config
            for config in (
                mode("ClearSkies", "TCS IRIS", "TCS", "IRIS", "ESW"),
                mode("DarkNight", "APS TCS", "ESW", "TCS"),
                mode("Empty", "", "ESW"),
                mode("IRIS_Cal", "IRIS APS NFIRAOS", "IRIS", "ESW", "AOESW"),
                mode("WFOS_Cal", "WFOS", "ESW", "WFOS", "WFOS.blue"),
            )
        }
        self.fault: str | None = None
        self.running: dict[str, Any] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.immortal: set[str] = set()
        self.scripts: dict[str, str | asyncio.Event] = {}
        self.fetching: dict[str, asyncio.Event] = {}
        self.asked: list[tuple[str, object]] = []
        self.held_by: dict[ObsMode, tuple[Subsystem, ...]] = {}
        self.reservations: dict[ObsMode, str] = {}
        self.numbers = itertools.count()
        self.grants = True
        self.not_offered: set[Subsystem] = set()
        self.listing: Exception | None = None

    def read_catalogue(self, _: object) -> dict[ObsMode, ObsModeConfig]:
        if self.fault is not None:
            raise BadInputError(where=self.fault, problem="unknown subsystem NOPE", remedy="correct it")
        return dict(self.modes)

    # -- what the manager uses -----------------------------------------------------------------------------------

    def names(self) -> list[str]:
        if self.listing is not None:
            raise self.listing
        return sorted(self.running)

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        self.asked.append((name, message))
        if name not in self.running:
            raise UnreachableError(name=name, reason="is not running", remedy="")
        if name in self.silent:
            raise UnreachableError(name=name, reason=f"did not answer within {timeout_s:g} s", remedy="")
        try:
            # who asked may lose patience; who was asked goes on all the same, in a process of its own
            return await asyncio.shield(asyncio.ensure_future(self.running[name].ask(message)))
        except OcsError:
            raise
        except Exception as failure:
            raise ComponentFailedError(name=name, reason=repr(failure)) from None

    async def reserve(self, mode: ObsMode, resources: tuple[Subsystem, ...]) -> str | None:
        check_offered(mode, resources, self.offered())
        taken = any(name == mode or set(resources) & set(others) for name, others in self.held_by.items())
        if not self.grants or taken:
            return None
        self.held_by[mode] = resources
        self.reservations[mode] = f"reservation {next(self.numbers)}"
        return self.reservations[mode]

    async def holds(self, mode: ObsMode, reservation: str) -> bool:
        return mode in self.held_by and self.reservations[mode] == reservation

    async def release(self, mode: ObsMode, reservation: str | None = None) -> None:
        if reservation in (None, self.reservations.get(mode)):
            self.held_by.pop(mode, None)

    async def held(self) -> dict[ObsMode, tuple[Subsystem, ...]]:
        return dict(self.held_by)

    def offered(self) -> frozenset[Subsystem]:
        return frozenset(Subsystem) - self.not_offered

    # -- what tests use ------------------------------------------------------------------------------------------

    def add_agents(self, *prefixes: str) -> None:
        for prefix in prefixes:
            self.running[actor_name(prefix, ComponentType.Machine)] = PuppetAgent(self, prefix)

    def add_component(self, prefix: str, machine: str | None) -> Puppet:
        """One more component, of an agent, or of a machine without one."""
        name = actor_name(prefix, ComponentType.SequenceComponent)
        self.running[name] = Puppet(self, prefix, machine or "ESW.nowhere")
        if machine is not None:
            self.running[actor_name(machine, ComponentType.Machine)].children.add(name)
        return self.running[name]

    def add_components(self, *prefixes: str) -> None:
        for prefix in prefixes:
            self.add_component(prefix, f"{Prefix(prefix).subsystem}.primary")

    def component(self, prefix: str) -> Puppet:
        return self.running[actor_name(prefix, ComponentType.SequenceComponent)]

    def home(self, sequencer: str) -> Puppet:
        """The component a sequencer is in."""
        return self.component(self.running[actor_name(sequencer, ComponentType.Sequencer)].component)

    def add_sequencer(self, prefix: str, component: str) -> None:
        """A sequencer that runs since before the manager."""
        self.running[actor_name(prefix, ComponentType.Sequencer)] = Loaded(Prefix(component))
        puppet = self.component(component)
        puppet.state, puppet.loaded = "Running", Prefix(prefix)

    def prefixes(self, kind: str) -> list[str]:
        return [name.rpartition("-")[0] for name in sorted(self.running) if name.endswith(f"-{kind}")]

    @property
    def sequencers(self) -> list[str]:
        return self.prefixes("Sequencer")

    @property
    def components(self) -> list[str]:
        return self.prefixes("SequenceComponent")

    def told(self, *kinds: type) -> list[object]:
        """The messages of these kinds the manager sent."""
        return [message for _, message in self.asked if isinstance(message, kinds)]


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Night:
    """Agents ESW, IRIS, TCS and WFOS, each on its ``primary``; three ESW components and one of each other."""
    made = Night()
    monkeypatch.setattr("ocs_ray.actors.manager_catalogue.read_catalogue", made.read_catalogue)
    made.add_agents("ESW.primary", "IRIS.primary", "TCS.primary", "WFOS.primary")
    made.add_components("ESW.ESW_1", "ESW.ESW_2", "ESW.ESW_3", "IRIS.IRIS_1", "TCS.TCS_1", "WFOS.WFOS_1")
    return made


Story = Callable[[ManagerShell], Awaitable[None]]


@pytest.fixture
def play(night: Night) -> Callable[..., None]:
    """Run a story with a manager that was started, in the loop it belongs to."""

    def run(story: Story, **options: bool) -> None:
        async def whole() -> None:
            manager = ManagerShell(night, night, "/obsmodes", **options)
            await manager.start()
            await story(manager)

        asyncio.run(whole())

    return run


@pytest.fixture
def another(night: Night) -> Callable[..., Awaitable[ManagerShell]]:
    """One more manager of the same observatory, started."""

    async def make(**options: bool) -> ManagerShell:
        manager = ManagerShell(night, night, "/obsmodes", **options)
        await manager.start()
        return manager

    return make


@pytest.fixture
def obs_mode() -> Callable[..., ObsModeConfig]:
    """Make a mode: name, resources, sequencers."""
    return mode
