"""A sequencer's metrics, made when somebody looks: nothing is counted while steps run."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ocs_ray.models.sequencer_messages import SequencerState, SequencerStatus


class _StatusCollector(Collector):
    def __init__(self, status: SequencerStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[GaugeMetricFamily]:
        status = self._status
        names = ["sequencer"]
        state = GaugeMetricFamily("ocs_sequencer_state", "1 for the state it is in", labels=[*names, "state"])
        for each in SequencerState:
            state.add_metric([status.prefix, each], float(each is status.state))
        yield state
        for name, text, value in (
            ("ocs_sequencer_steps_done", "Steps of the present sequence that ended", status.steps_done),
            ("ocs_sequencer_steps", "Steps of the present sequence", status.steps_total),
            ("ocs_sequencer_strand_blocked_seconds", "How long the script blocks its strand", status.blocked_s),
        ):
            gauge = GaugeMetricFamily(name, text, labels=names)
            gauge.add_metric([status.prefix], value)
            yield gauge


def metrics_text(status: SequencerStatus) -> str:
    """Prometheus' text form of what a sequencer's status says."""
    registry = CollectorRegistry()
    registry.register(_StatusCollector(status))
    return generate_latest(registry).decode()
