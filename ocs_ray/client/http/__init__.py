"""The observatory from a machine without Ray, through the gateway: ``from ocs_ray.client.http import connect``.

After ``connect("http://127.0.0.1:8090")`` the classes of ``ocs_ray.client`` work as on the cluster: ``Sequencer``,
``SequenceManager``, ``Agent``, ``Packages``, ``Instance``, ``Locations``, ``Events``, ``Alarms``, ``Assembly``.
"""

from ocs_ray.client.http.connection import connect
from ocs_ray.client.http.http_port import HttpPort

__all__ = ["HttpPort", "connect"]
