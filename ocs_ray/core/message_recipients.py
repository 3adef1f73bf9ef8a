"""Who understands which message: a door that takes messages from outside asks before it passes one on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ocs_ray.models import actor_names
from ocs_ray.models.message_kinds import MESSAGES
from ocs_ray.models.prefix import ComponentType

_SEQUENCER: Final = frozenset((ComponentType.Sequencer,))
_MACHINE: Final = frozenset((ComponentType.Machine,))
_DEVICE: Final = frozenset((ComponentType.Assembly, ComponentType.HCD))
_HOSTS: Final = "CSW.instances_"
"""How the names of the hosts of instances begin; the rest is the machine."""

_TYPES: Final[Mapping[str, frozenset[ComponentType]]] = {
    "Query": _SEQUENCER | _DEVICE,
    "QueryFinal": _SEQUENCER | _DEVICE,
    "SetTimeFactor": _SEQUENCER | _DEVICE | _MACHINE,
    "GetComponentStatus": _DEVICE | {ComponentType.SequenceComponent},
    "GetStatus": _SEQUENCER,
}
"""Messages that other types understand than their module says."""
_TYPES_OF_MODULE: Final[Mapping[str, frozenset[ComponentType]]] = {
    "agent_messages": _MACHINE,
    "component_messages": _DEVICE,
    "component_modes": _DEVICE,
    "editor_messages": _SEQUENCER,
    "procedure_messages": _SEQUENCER,
    "sequencer_messages": _SEQUENCER,
}
_SERVICE_OF_MODULE: Final[Mapping[str, str]] = {
    "alarm_messages": actor_names.ALARM_SERVICE,
    "config_messages": actor_names.CONFIG_SERVICE,
    "event_messages": actor_names.EVENT_SERVICE,
    "instance_messages": actor_names.PACKAGE_SERVICE,
    "manager_messages": actor_names.SEQUENCE_MANAGER,
    "package_messages": actor_names.PACKAGE_SERVICE,
}
_TO_HOSTS: Final = frozenset(("read_channel", "send_input", "send_event", "get_health"))
_WITH_STATUS: Final = frozenset(
    (
        actor_names.ALARM_SERVICE,
        actor_names.CONFIG_SERVICE,
        actor_names.EVENT_SERVICE,
        actor_names.GATEWAY,
        actor_names.PACKAGE_SERVICE,
    )
)


def understands(name: str, kind: str) -> bool:
    """Whether the component called ``name`` understands messages of this kind; False for one nobody knows."""
    component, message = actor_names.component_of(name), MESSAGES.get(kind)
    if component is None or message is None:
        return False
    prefix, component_type = component
    if kind in _TO_HOSTS:
        return component_type is ComponentType.Service and prefix.startswith(_HOSTS)
    module = message.__module__.rpartition(".")[2]
    if module in _SERVICE_OF_MODULE:
        return name == _SERVICE_OF_MODULE[module]
    if kind == "GetStatus" and component_type is ComponentType.Service:
        return name in _WITH_STATUS or prefix.startswith(_HOSTS)
    return component_type in _TYPES.get(kind, _TYPES_OF_MODULE[module])
