"""One question a file: ``just bench NAME``."""

from typing import Final

SHARING: Final = (
    "channel_append",
    "gateway",
    "hold_latency",
    "instances",
    "locate",
    "many_sequencers",
    "query_while_busy",
    "relay",
    "scaling",
    "step_throughput",
    "submit_latency",
)
"""Benchmarks that can run on a Ray that is there already."""
ALONE: Final = ("configure", "night", "start_up")
"""Those that start a cluster of their own."""
