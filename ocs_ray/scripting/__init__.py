"""Everything an observing script may use: ``from ocs_ray.scripting import script, par, ScriptContext``."""

from ocs_ray.errors import CommandError, StepFailedError
from ocs_ray.models.alarms import AlarmHealth, AlarmKey, AlarmSeverity, FullAlarmSeverity
from ocs_ray.models.commands import Observe, Sequence, SequenceCommand, Setup, Wait
from ocs_ray.models.component_modes import (
    AcquiringLockFailed,
    LockAcquired,
    LockAlreadyReleased,
    LockReleased,
    ReleasingLockFailed,
)
from ocs_ray.models.events import CurrentState, Event, EventKey, ObserveEvent, SystemEvent
from ocs_ray.models.identifiers import ExposureId, ObsId, ObsMode
from ocs_ray.models.locations import Location, LocationRemoved, LocationUpdated
from ocs_ray.models.observe_events import CoordinateSystem, ObserveEventName
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem
from ocs_ray.models.responses import Cancelled, Completed, Error, Invalid, Locked, Result, Started, SubmitResponse
from ocs_ray.models.times import TAITime, UTCTime
from ocs_ray.scripting.background import Cancellable
from ocs_ray.scripting.command_service import Assembly, Hcd
from ocs_ray.scripting.control import finish_with_error, loop, par, stop_when, wait_for
from ocs_ray.scripting.fsm import Fsm, FsmState
from ocs_ray.scripting.fsm_script import FsmScriptContext, StateContext, fsm_script
from ocs_ray.scripting.fsm_variables import CommandFlag, EventVariable, ParamVariable
from ocs_ray.scripting.script_context import ScriptContext
from ocs_ray.scripting.script_entry import reusable_script, script
from ocs_ray.scripting.sequencer_service import Sequencer
from ocs_ray.scripting.state_params import Params
from ocs_ray.scripting.submit_outcome import completed, fail_if_negative, on_response, result_of
from ocs_ray.scripting.time_service import tai_time_after, tai_time_now, utc_time_after, utc_time_now

__all__ = [
    "AcquiringLockFailed",
    "AlarmHealth",
    "AlarmKey",
    "AlarmSeverity",
    "Assembly",
    "Cancellable",
    "Cancelled",
    "CommandError",
    "CommandFlag",
    "Completed",
    "ComponentType",
    "CoordinateSystem",
    "CurrentState",
    "Error",
    "Event",
    "EventKey",
    "EventVariable",
    "ExposureId",
    "Fsm",
    "FsmScriptContext",
    "FsmState",
    "FullAlarmSeverity",
    "Hcd",
    "Invalid",
    "Location",
    "LocationRemoved",
    "LocationUpdated",
    "LockAcquired",
    "LockAlreadyReleased",
    "LockReleased",
    "Locked",
    "ObsId",
    "ObsMode",
    "Observe",
    "ObserveEvent",
    "ObserveEventName",
    "ParamVariable",
    "Params",
    "Prefix",
    "ReleasingLockFailed",
    "Result",
    "ScriptContext",
    "Sequence",
    "SequenceCommand",
    "Sequencer",
    "Setup",
    "Started",
    "StateContext",
    "StepFailedError",
    "SubmitResponse",
    "Subsystem",
    "SystemEvent",
    "TAITime",
    "UTCTime",
    "Wait",
    "completed",
    "fail_if_negative",
    "finish_with_error",
    "fsm_script",
    "loop",
    "on_response",
    "par",
    "result_of",
    "reusable_script",
    "script",
    "stop_when",
    "tai_time_after",
    "tai_time_now",
    "utc_time_after",
    "utc_time_now",
    "wait_for",
]
