"""Host configs: what they become, and where a fault is. Source: reference esw_sm section 5.6."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocs_ray.config.host_config import read_host_config
from ocs_ray.errors import BadInputError

EXAMPLE = Path(__file__).parents[3] / "cluster" / "host.example.yaml"
DEVICE = "{prefix: IRIS.a, factory: 'm:A'}"


def test_given_the_example_when_read_then_it_has_a_container_and_a_device_that_stands_alone() -> None:
    container, alone = read_host_config(EXAMPLE)
    assert container.prefix == "Container.imager"
    assert [device.prefix for device in container.components] == ["IRIS.imager.filter", "IRIS.imager.detector"]
    assert alone.prefix is None
    assert [(device.prefix, device.component_type) for device in alone.components] == [("IRIS.ifs.detector", "HCD")]


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("containers:\n  - name: x\n    components: []\n", ":3", "at least 1 item"),
        (f"containers:\n  - name: a-b\n    components: [{DEVICE}]\n", ":1", "holds a '-'"),
        (f"components: [{DEVICE}, {DEVICE}]\n", ":1", "device IRIS.a comes more than once"),
        ("components:\n  - prefix: IRIS.a\n    factroy: m:A\n", ":2", "factory"),
        ("components:\n  - prefix: IRIS.a\n    factory: m:A\n    factroy: m:A\n", ":4", "factroy"),
        ("containers: []\n", ":1", "nothing to start"),
    ],
)
def test_given_a_fault_when_read_then_file_line_and_fault_are_named(
    text: str, where: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "host.yaml"
    file.write_text(text)
    with pytest.raises(BadInputError) as caught:
        read_host_config(file)
    assert caught.value.where == f"{file}{where}"
    assert problem in caught.value.problem
