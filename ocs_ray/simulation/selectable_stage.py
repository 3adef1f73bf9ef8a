"""A stage that goes straight to where it is told: the IFS plate scale."""

from __future__ import annotations

from collections.abc import Sequence

from ocs_ray.simulation.filter_wheel import FilterWheel


class SelectableStage(FilterWheel):
    """A wheel whose every move takes one step. Its options are a wheel's.

    Source: esw-observing-simulation ScaleLevel.scala, whose next position is the target itself.
    """

    def path_to(self, target: str) -> Sequence[str]:
        return () if target == self.position else (target,)
