"""How a component's prefix and type become the name of its Ray actor.

A name is ``<prefix>-<ComponentType>``. A prefix holds no ``-``, so the name splits back without doubt.
All actors live in one Ray namespace. Source: esw ComponentId.scala; the namespace is ours.
"""

from __future__ import annotations

from typing import Final

from ocs_ray.errors import BadInputError
from ocs_ray.models.prefix import ComponentType, Prefix

NAMESPACE: Final = "ocs"


def actor_name(prefix: str, component_type: ComponentType) -> str:
    """Name of the actor that stands for a component, for example ``IRIS.machine1-Machine``."""
    return f"{Prefix(prefix)}-{component_type}"


def parse_actor_name(name: str) -> tuple[Prefix, ComponentType]:
    """Split an actor name into prefix and type.

    Raises:
        BadInputError: the prefix is none.
        ValueError: the name does not end with ``-<ComponentType>``.
    """
    prefix, _, component_type = name.rpartition("-")
    return Prefix(prefix), ComponentType(component_type)


def component_of(name: str) -> tuple[Prefix, ComponentType] | None:
    """The same; None for a name that is none of a component: anybody may register an actor in our namespace."""
    try:
        return parse_actor_name(name)
    except (BadInputError, ValueError):
        return None


ALARM_SERVICE: Final = actor_name("CSW.alarm_service", ComponentType.Service)
CONFIG_SERVICE: Final = actor_name("CSW.config_service", ComponentType.Service)
EVENT_SERVICE: Final = actor_name("CSW.event_service", ComponentType.Service)
PACKAGE_SERVICE: Final = actor_name("CSW.package_service", ComponentType.Service)
SEQUENCE_MANAGER: Final = actor_name("ESW.sequence_manager", ComponentType.Service)
OF_EVERY_CLUSTER: Final = frozenset((ALARM_SERVICE, EVENT_SERVICE, PACKAGE_SERVICE, SEQUENCE_MANAGER))
"""Every cluster has them: ``ocs up`` starts them again."""


def instance_host(machine: str) -> str:
    """Name of the actor that runs the instances of one machine, from the machine's host name."""
    plain = "".join(char if char.isalnum() and char.isascii() else "_" for char in machine)
    return actor_name(f"CSW.instances_{plain}", ComponentType.Service)
