"""A sequencer's metrics in Prometheus' text form, made when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from ocs_ray.core.run_tally import STEP_BOUNDS_S, RunTally
from ocs_ray.models.sequencer_messages import SequencerState, SequencerStatus

RUN_RESULTS = ("Completed", "Error", "Cancelled")
"""Always there, so that a rate can be told from the first run on."""


class _SequencerCollector(Collector):
    def __init__(self, status: SequencerStatus, tally: RunTally) -> None:
        self._status, self._tally = status, tally

    def collect(self) -> Iterator[Metric]:
        status = self._status
        names = ["sequencer"]
        state = GaugeMetricFamily("ocs_sequencer_state", "1 for the state it is in", labels=[*names, "state"])
        for each in SequencerState:
            state.add_metric([status.prefix, each], float(each is status.state))
        yield state
        pending = status.steps_total - status.steps_done
        for name, text, value in (
            ("ocs_sequencer_steps_done", "Steps of the present sequence that ended", status.steps_done),
            ("ocs_sequencer_steps", "Steps of the present sequence", status.steps_total),
            ("ocs_sequencer_queue_steps", "Steps of the present sequence that have not ended", pending),
            ("ocs_sequencer_strand_blocked_seconds", "How long the script blocks its strand", status.blocked_s),
        ):
            gauge = GaugeMetricFamily(name, text, labels=names)
            gauge.add_metric([status.prefix], value)
            yield gauge
        yield from self._counted()

    def _counted(self) -> Iterator[Metric]:
        prefix, tally = self._status.prefix, self._tally
        runs = CounterMetricFamily("ocs_sequencer_runs", "Runs that ended", labels=["sequencer", "result"])
        for result in dict.fromkeys((*RUN_RESULTS, *tally.runs)):
            runs.add_metric([prefix, result], tally.runs.get(result, 0))
        yield runs
        steps = HistogramMetricFamily(
            "ocs_sequencer_step_duration_seconds", "From start to end of a step", labels=["sequencer", "outcome"]
        )
        bounds = [*(str(bound) for bound in STEP_BOUNDS_S), "+Inf"]
        for is_good, outcome in ((True, "success"), (False, "failure")):
            counts = [float(count) for count in accumulate(tally.steps[is_good])]
            steps.add_metric([prefix, outcome], list(zip(bounds, counts, strict=True)), tally.seconds[is_good])
        yield steps


def metrics_text(status: SequencerStatus, tally: RunTally) -> str:
    """Prometheus' text form of what a sequencer's status says and of what it has counted."""
    registry = CollectorRegistry()
    registry.register(_SequencerCollector(status, tally))
    return generate_latest(registry).decode()
