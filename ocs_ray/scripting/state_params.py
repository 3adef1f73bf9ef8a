"""What a state is entered with."""

from __future__ import annotations

from ocs_ray.models.params import Parameter, ParameterSet, ParamSet, latest_of_each_name
from ocs_ray.models.wire_model import plain_init


class Params(ParameterSet):
    """Parameters handed to a state or a flag: ``Params(key.set(1))``, read with ``params[key].head()``."""

    param_set: ParamSet

    @plain_init
    def __init__(self, *params: Parameter[object]) -> None:
        self.fill(param_set=latest_of_each_name(params))

    @property
    def owner(self) -> str:
        """What this is, for messages about a missing key."""
        return "state"
