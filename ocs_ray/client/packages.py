"""Script packages for Python callers: ``Packages().start("counter", [3000, 10])``, or ``Packages().sync``."""

from __future__ import annotations

from ocs_ray.client.package_calls import PackageCalls
from ocs_ray.client.sync_packages import SyncPackages


class Packages(PackageCalls):
    """The packages of the platform, and their instances.

    Args:
        port: the door to use; that of ``connect()`` when left out.
    """

    @property
    def sync(self) -> SyncPackages:
        """The same, blocking, for code without ``await``."""
        return SyncPackages(self._port)
