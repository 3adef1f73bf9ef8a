"""The environment Ray must find when it is imported. It reads these once, so this module does not import it.

Source: reference ray_facts.md section 1; every name was found in the binaries of Ray 2.60.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CLUSTER_MARK: Final = "OCS_CLUSTER"
"""Every process of a cluster carries its id in this variable, so ``ocs down`` can find exactly those."""

TUNING: Final = {
    "RAY_worker_niceness": "0",  # the default of 15 starves sequencers as soon as anything else runs
    "RAY_core_worker_internal_heartbeat_ms": "50",  # a dead actor is noticed in 0.05 s instead of 1.4 s
    "RAY_timeout_ms_task_wait_for_death_info": "20",
    # A node whose processes died is seen in 2 s instead of 13 s; one that only hangs is given 12 s and more.
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_USAGE_STATS_ENABLED": "0",  # a control network does not phone home
    "RAY_LOG_TO_DRIVER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_worker_maximum_startup_concurrency": "64",  # many actors starting at once is what we do: no warning
    "RAY_raylet_report_resources_period_milliseconds": "10",  # 100: what was released is granted again 0.1 s later
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # looking for plugins, of which there are none, takes each process 8 ms
}


LOOPBACK_ONLY: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Despite its name: an embedded node binds to 127.0.0.1 and nothing else, and its clients look for it there."""


def node_environment(token_file: Path, cluster_id: str) -> dict[str, str]:
    """The environment of a node of ours: tuned, token-protected, marked."""
    environment = {**os.environ, **TUNING, **client_settings(token_file), CLUSTER_MARK: cluster_id}
    # Without compiled files every worker compiles Ray again: three times slower.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def client_settings(token_file: Path) -> dict[str, str]:
    """What a client of an embedded cluster needs before it imports Ray."""
    return {
        **LOOPBACK_ONLY,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
