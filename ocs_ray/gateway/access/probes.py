"""``/healthz``, ``/readyz`` and ``/metrics``: what watches the gateway asks these."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector
from starlette.responses import JSONResponse, Response

from ocs_ray.client import SequenceManager
from ocs_ray.errors import OcsError
from ocs_ray.gateway.access.cluster_metrics import ClusterMetrics
from ocs_ray.gateway.access.gate import allow
from ocs_ray.models.actor_names import EVENT_SERVICE, SEQUENCE_MANAGER
from ocs_ray.models.event_messages import GetEvent
from ocs_ray.scripting.port import Port
from ocs_ray.telemetry.gateway_metrics import GatewayMetrics

READY_S: Final = 2.0
"""Longest wait for what the gateway cannot do without, in seconds."""


class _Listed(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def routes(port: Port, metrics: GatewayMetrics, cluster: ClusterMetrics | None = None) -> APIRouter:
    """The three paths.

    Args:
        port: the door to the observatory.
        metrics: what the gateway counts about itself.
        cluster: what gathers the observatory's.
    """
    router = APIRouter(include_in_schema=False)
    gather = cluster or ClusterMetrics(port)

    @router.get("/healthz")
    async def healthz() -> Response:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> Response:  # pyright: ignore[reportUnusedFunction]
        missing = await _missing(port)
        status = "ok" if not missing else "unavailable"
        return JSONResponse({"status": status, "missing": missing}, 200 if not missing else 503)

    @router.get("/metrics")
    async def all_metrics(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        allow(request, "GetMetrics")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Listed(await gather.families()))
        text = generate_latest(metrics.registry) + generate_latest(registry)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return router


async def _missing(port: Port) -> dict[str, str]:
    """What does not answer, and why."""
    questions: dict[str, Any] = {
        SEQUENCE_MANAGER: SequenceManager(port).state(),
        EVENT_SERVICE: port.ask(EVENT_SERVICE, GetEvent(keys=()), READY_S),
    }
    replies = await asyncio.gather(*(_reason(asked) for asked in questions.values()))
    return {name: reason for name, reason in zip(questions, replies, strict=True) if reason}


async def _reason(question: Any) -> str:
    try:
        await asyncio.wait_for(question, READY_S)
    except TimeoutError:
        return f"did not answer within {READY_S:g} s"
    except OcsError as failure:
        return str(failure)
    return ""
