"""The observatory's metrics, gathered when Prometheus asks: who does not answer in time is left out and named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from ocs_ray.client import SequenceManager
from ocs_ray.errors import OcsError
from ocs_ray.models.actor_names import SEQUENCE_MANAGER
from ocs_ray.models.manager_replies import ManagerStatus, ResourcesStatus
from ocs_ray.models.prefix import ComponentType
from ocs_ray.models.sequencer_messages import GetMetrics
from ocs_ray.scripting.port import Port

GATHER_S: Final = 2.0
"""Longest a scrape waits for everybody together, in seconds; Prometheus itself gives up after 10."""
KEEP_S: Final = 1.0
"""How long what was gathered is used again, in seconds: many scrapers cost as much as one."""
SEQUENCER: Final = f"-{ComponentType.Sequencer}"
RESOURCES: Final = "resources"
LISTING: Final = "listing"


class Gathered:
    """What came in one gathering.

    Args:
        asked: who was asked.
    """

    def __init__(self, asked: Iterable[str]) -> None:
        self.replies: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}
        self.asked = tuple(asked)


class ClusterMetrics:
    """Asks everybody at once, and nobody for longer than a limit.

    Args:
        port: the door to the observatory.
        limit_s: longest a gathering takes, in seconds.
        keep_s: how long it is used again, in seconds.
    """

    def __init__(self, port: Port, limit_s: float = GATHER_S, keep_s: float = KEEP_S) -> None:
        self._port, self._limit_s, self._keep_s = port, limit_s, keep_s
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[float, list[Metric]] | None = None

    async def families(self) -> list[Metric]:
        """All metrics of the observatory; those of the last second when there are any."""
        async with self._one_at_a_time:
            if self._last is None or time.monotonic() - self._last[0] > self._keep_s:
                began = time.monotonic()
                found = list(_families(await self._gather()))
                found.append(_gauge("ocs_scrape_duration_seconds", "How long it took", (), [((), _since(began))]))
                self._last = time.monotonic(), found
            return self._last[1]

    async def _gather(self) -> Gathered:
        deadline = time.monotonic() + self._limit_s
        listing = await self._within({LISTING: asyncio.to_thread(self._port.names)}, deadline)
        names: list[str] = listing.replies.get(LISTING, [])
        manager = SequenceManager(self._port)
        questions: dict[str, Coroutine[Any, Any, Any]] = {
            SEQUENCE_MANAGER: manager.status(),
            RESOURCES: manager.resources(),
        }
        for name in names:
            if name.endswith(SEQUENCER):
                questions[name] = self._port.ask(name, GetMetrics(), self._limit_s)
        return await self._within(questions, deadline)

    async def _within(self, questions: dict[str, Coroutine[Any, Any, Any]], deadline: float) -> Gathered:
        gathered = Gathered(questions)
        tasks = [asyncio.create_task(self._one(gathered, name, asked)) for name, asked in questions.items()]
        _, late = await asyncio.wait(tasks, timeout=max(0.0, deadline - time.monotonic()))
        for task in late:
            task.cancel()
        return gathered

    async def _one(self, gathered: Gathered, name: str, question: Awaitable[Any]) -> None:
        began = time.monotonic()
        try:
            gathered.replies[name] = await question
        except OcsError:
            return  # it is told as ocs_component_up 0
        gathered.seconds[name] = _since(began)


def _since(began: float) -> float:
    return time.monotonic() - began


def _families(gathered: Gathered) -> Iterator[Metric]:
    components = [name for name in gathered.asked if name != RESOURCES]
    up = [((name,), float(name in gathered.replies)) for name in components]
    yield _gauge("ocs_component_up", "Whether it answered in time", ("component",), up)
    times = [((name,), took_s) for name, took_s in gathered.seconds.items() if name != RESOURCES]
    yield _gauge("ocs_component_answer_seconds", "How long its answer took", ("component",), times)
    yield from _merged(text for name, text in gathered.replies.items() if name.endswith(SEQUENCER))
    status = gathered.replies.get(SEQUENCE_MANAGER)
    if isinstance(status, ManagerStatus):
        yield from _of_manager(status)
    resources = gathered.replies.get(RESOURCES)
    if isinstance(resources, ResourcesStatus):
        held = [
            ((each.resource, each.obs_mode or ""), float(each.obs_mode is not None)) for each in resources.resources
        ]
        yield _gauge("ocs_resource_held", "1 when an observing mode holds it", ("resource", "obs_mode"), held)


def _of_manager(status: ManagerStatus) -> Iterator[Metric]:
    busy = float(status.state == "Processing")
    yield _gauge("ocs_manager_processing", "1 while the Sequence Manager works on an operation", (), [((), busy)])
    running = [((mode,), 1.0) for mode in status.running_obs_modes]
    yield _gauge("ocs_obs_mode_running", "1 for every observing mode that runs", ("obs_mode",), running)
    lost = float(len(status.lost))
    yield _gauge("ocs_sequencers_lost", "Sequencers that died and were not started again", (), [((), lost)])
    agents = [((f"{each.agent}",), 1.0) for each in status.agents]
    silent = [((f"{agent}",), 0.0) for agent in status.silent_agents]
    yield _gauge("ocs_agent_up", "Whether the machine's agent answers", ("machine",), [*agents, *silent])
    lives = list(_lives(status))
    since = [((name,), at) for name, at, _ in lives if at is not None]
    yield _gauge("ocs_component_start_time_seconds", "When its process began, Unix time", ("component",), since)
    again = CounterMetricFamily("ocs_component_restarts", "How often Ray had to start it again", labels=("component",))
    for name, _, restarts in lives:
        again.add_metric((name,), restarts)
    yield again


def _lives(status: ManagerStatus) -> Iterator[tuple[str, float | None, int]]:
    """Everybody with the time his process began, and how many he had before."""
    everybody: list[tuple[str, Any]] = [(SEQUENCE_MANAGER, status)]
    components = [*status.without_agent]
    for agent in status.agents:
        everybody.append((f"{agent.agent}-{ComponentType.Machine}", agent))
        everybody += [(f"{device.prefix}-{device.component_type}", device) for device in agent.devices]
        components += agent.sequence_components
    everybody += [(f"{each.prefix}-{ComponentType.SequenceComponent}", each) for each in components]
    for name, each in everybody:
        yield name, None if each.since is None else each.since.datetime.timestamp(), each.restarts


def _merged(texts: Iterable[str]) -> list[Metric]:
    """The families of several sequencers; one family holds the samples of all."""
    found: dict[str, Metric] = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            kept = found.setdefault(family.name, family)
            if kept is not family:
                kept.samples += family.samples
    return list(found.values())


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
