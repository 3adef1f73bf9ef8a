"""The devices of cluster/local.yaml: every position real sequences name must be there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ocs_ray.config.cluster_config import read_cluster_file
from ocs_ray.models.commands import Setup
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.keys import choice_key
from ocs_ray.models.responses import Accepted
from ocs_ray.testing.local_observatory import LocalObservatory

REPO = Path(__file__).parents[3]
CLUSTER = read_cluster_file(REPO / "cluster" / "local.yaml")
DEVICES: dict[str, DeviceSpec] = {d.prefix: d for devices in CLUSTER.devices.values() for d in devices}

EXPECTED = {  # source: reference observing_scripts.md, "IRIS scripts", "WFOS scripts", "Simulated devices"
    "IRIS.machine1": {
        *("IRIS.imager.filter", "IRIS.ifs.scale", "IRIS.ifs.res", "IRIS.imager.adc"),
        *("IRIS.imager.detector", "IRIS.ifs.detector"),
    },
    "TCS.machine1": {"TCS.PointingKernelAssembly", "TCS.MCSAssembly", "TCS.ENCAssembly"},
    "WFOS.machine1": {"WFOS.blue.filter", "WFOS.red.filter", "WFOS.blue.detector", "WFOS.red.detector"},
}
POSITIONS = [  # source: keys of sequencer-scripts, and the positions in the sample sequences
    ("IRIS.imager.filter", "SELECT", "wheel1", "Z Y J H K Ks CO BrGamma PaBeta H2 FeII HeI"),
    ("IRIS.ifs.scale", "SELECT", "scale", "4 9 25 50"),
    ("IRIS.ifs.res", "GRATING_SELECT", "spectralResolution", "4000-Z 4000-H 4000-K 4000-H+K 8000-Kbb 10000-K Mirror"),
    ("WFOS.blue.filter", "SELECT", "wheel1", "u' g' fused-silica"),
    ("WFOS.red.filter", "SELECT", "wheel1", "r' i' z' fused-silica"),
]


def test_given_the_cluster_file_then_every_machine_has_the_devices_of_its_subsystem() -> None:
    assert {machine: {d.prefix for d in devices} for machine, devices in CLUSTER.devices.items()} == EXPECTED


def test_given_the_embedded_node_then_it_offers_every_machine_s_resource() -> None:
    assert CLUSTER.node is not None
    assert set(CLUSTER.node.resources) == set(CLUSTER.machines.values())


@pytest.mark.parametrize(("prefix", "command", "key", "positions"), POSITIONS)
def test_given_a_wheel_of_the_cluster_file_then_it_has_every_position_sequences_name(
    prefix: str, command: str, key: str, positions: str
) -> None:
    async def scenario() -> None:
        async with LocalObservatory() as observatory:
            await observatory.start_devices([DEVICES[prefix]])
            for position in positions.split():
                wanted = Setup("IRIS.test", command, None, choice_key(key).set(position))
                assert isinstance(await observatory.assembly(prefix).validate(wanted), Accepted), position

    asyncio.run(scenario())


@pytest.mark.parametrize("prefix", ["IRIS.imager.filter", "IRIS.ifs.scale", "IRIS.ifs.res", "IRIS.imager.adc"])
def test_given_the_longest_move_in_real_time_then_it_ends_within_the_ten_seconds_scripts_wait(prefix: str) -> None:
    options = DEVICES[prefix].options
    steps = 1 if "Stage" in DEVICES[prefix].factory else len(options.get("positions", ["IN", "OUT"])) - 1
    assert steps * options.get("step_s", options.get("retract_s")) < 9.0
