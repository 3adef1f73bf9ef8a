"""What the gateway counts about itself."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REQUEST_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
LAG_BOUNDS_S: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class GatewayMetrics:
    """Counters in a registry of their own: nothing of this process's other libraries gets in."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second line for every counter, which nobody reads
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "ocs_http_requests", "Requests that were answered", ["method", "route", "status"], registry=self.registry
        )
        self._durations = Histogram(
            "ocs_http_request_duration_seconds",
            "From a request to the end of its answer",
            ["method", "route"],
            buckets=REQUEST_BOUNDS_S,
            registry=self.registry,
        )
        self.websockets = Gauge("ocs_http_websockets_open", "WebSockets that are open", registry=self.registry)
        self.loop_lag = Histogram(
            "ocs_gateway_event_loop_lag_seconds",
            "How late the gateway's event loop runs what is due",
            buckets=LAG_BOUNDS_S,
            registry=self.registry,
        )

    def request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request was answered.

        Args:
            method: HTTP's; one nobody knows counts as ``other``, so that strangers make no new series.
            route: the template, ``/api/v1/sequencers/{prefix}``, never the path itself.
            status: HTTP's code.
            duration_s: in seconds; not counted for a WebSocket, which stays open as long as somebody looks.
        """
        method = method if method in (*METHODS, "WEBSOCKET") else "other"
        self._requests.labels(method, route, str(status)).inc()
        if method != "WEBSOCKET":
            self._durations.labels(method, route).observe(duration_s)
