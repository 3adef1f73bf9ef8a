"""Everything an observing script may use: ``from ocs_ray.scripting import script, par, ScriptContext``."""

from ocs_ray.models.commands import Observe, Sequence, Setup, Wait
from ocs_ray.models.events import Event, EventKey
from ocs_ray.models.identifiers import ExposureId, ObsId, ObsMode
from ocs_ray.models.observe_events import ObserveEventName
from ocs_ray.models.prefix import Prefix, Subsystem
from ocs_ray.scripting.command_service import Assembly, Hcd
from ocs_ray.scripting.control import finish_with_error, par, wait_for
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_loading import script
from ocs_ray.scripting.sequencer_service import Sequencer

__all__ = [
    "Assembly",
    "Event",
    "EventKey",
    "ExposureId",
    "Hcd",
    "ObsId",
    "ObsMode",
    "Observe",
    "ObserveEventName",
    "Prefix",
    "ScriptContext",
    "Sequence",
    "Sequencer",
    "Setup",
    "Subsystem",
    "Wait",
    "finish_with_error",
    "par",
    "script",
    "wait_for",
]
