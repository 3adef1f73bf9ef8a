"""What Python callers use: ``from ocs_ray.client import connect, SequenceManager, Sequencer``."""

from ocs_ray.client.agent import Agent
from ocs_ray.client.connection import connect, disconnect
from ocs_ray.client.instance import Instance
from ocs_ray.client.packages import Packages
from ocs_ray.client.sequence_manager import SequenceManager
from ocs_ray.scripting.alarms import Alarms
from ocs_ray.scripting.command_service import Assembly, Hcd
from ocs_ray.scripting.configuration import Configuration
from ocs_ray.scripting.events import Events
from ocs_ray.scripting.locations import Locations
from ocs_ray.scripting.sequencer_service import Sequencer

__all__ = [
    "Agent",
    "Alarms",
    "Assembly",
    "Configuration",
    "Events",
    "Hcd",
    "Instance",
    "Locations",
    "Packages",
    "SequenceManager",
    "Sequencer",
    "connect",
    "disconnect",
]
