"""Host config: the devices a machine starts. Source: esw-agent-app's host config and csw's container files.

ESW's host config names files of containers, and the modules to fetch them from; here one file says it all, and a device
is named by its factory.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from ocs_ray.config.yaml_file import read_mapping, validated
from ocs_ray.models.agent_messages import ContainerSpec, SpawnContainers
from ocs_ray.models.component_messages import DeviceSpec
from ocs_ray.models.message import Message


class _Container(Message):
    name: str
    components: tuple[DeviceSpec, ...] = Field(min_length=1)


class _HostFile(Message):
    containers: tuple[_Container, ...] = ()
    components: tuple[DeviceSpec, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> _HostFile:
        if not self.containers and not self.components:
            raise ValueError("it needs 'containers:' or 'components:', else there is nothing to start")
        try:
            SpawnContainers(containers=self.specs())
        except ValidationError as failure:
            raise ValueError(failure.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self

    def specs(self) -> tuple[ContainerSpec, ...]:
        """The containers, and the stand-alone devices as a last one without a name."""
        named = tuple(ContainerSpec(name=found.name, components=found.components) for found in self.containers)
        return (*named, ContainerSpec(components=self.components)) if self.components else named


def read_host_config(path: Path) -> tuple[ContainerSpec, ...]:
    """The containers and the stand-alone devices of a host config, to be sent to an agent with SpawnContainers.

    Raises:
        BadInputError: names the file, the line and the fault.
    """
    data, node = read_mapping(path, "host config")
    return validated(_HostFile, data, node, path).specs()
