"""What devices (assemblies, HCDs) and sequence components understand.

Source: csw ComponentMessage / CommandService.scala; esw SequenceComponentMsg.scala.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat

from ocs_ray.models.commands import ControlCommand
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix
from ocs_ray.models.procedure_settings import ProcedureSettings
from ocs_ray.models.sequencer_messages import SequencerStatus
from ocs_ray.models.times import UTCTime


class Validate(Message):
    """Would this command be accepted now? Nothing is run."""

    kind: Literal["Validate"] = "Validate"
    command: ControlCommand


class Oneway(Message):
    """Run a command whose end is of no interest."""

    kind: Literal["Oneway"] = "Oneway"
    command: ControlCommand


class Submit(Message):
    """Run a command; answered with Started when it goes on, or with its final response."""

    kind: Literal["Submit"] = "Submit"
    command: ControlCommand


class GetComponentStatus(Message):
    """Who and what this component is; answered at once."""

    kind: Literal["GetComponentStatus"] = "GetComponentStatus"


class DeviceStatus(Message):
    """A device: its name, type, the commands that run in it, its process.

    Args:
        container: prefix of the container it was started with, None for a stand-alone one.
        since: when this process of the device began.
        restarted: whether Ray had to start it again.
        restarts: how often.
    """

    prefix: Prefix
    component_type: ComponentType
    machine: Prefix
    running: tuple[str, ...] = ()
    pid: int
    container: Prefix | None = None
    since: UTCTime | None = None
    restarted: bool = False
    restarts: NonNegativeInt = 0


class DeviceSpec(Message):
    """A device to start.

    Args:
        factory: ``module:Class`` of its ComponentHandlers.
        options: handed to the handlers as they are.
    """

    prefix: Prefix
    component_type: ComponentType = Field(default=ComponentType.Assembly, alias="type")
    factory: str
    options: dict[str, Any] = Field(default_factory=dict[str, Any])


class ScriptSource(Message):
    """Where a sequencer's script lies.

    Args:
        file: path of the script; of a package's, on the node of the package service.
        root: the folder of the catalogue or package, put on the import path so that scripts share code.
        digest: of the script package it comes from; empty for a plain file.
        node: of the package service, for a package: on any other its sequence component fetches it.
        copies: where the packages that were fetched lie, on every other machine.
    """

    file: str
    root: str
    digest: str = ""
    node: str = ""
    copies: str = ""


class LoadScript(Message):
    """Start a sequencer with a script: sent to an idle sequence component, and by it to the new sequencer.

    Args:
        script: None stands for a simulated one that completes every command at once.
        hook_limit_s: longest a hook of the script may take, in seconds; then it counts as failed.
        procedure: how patient the procedure is with the script, and what suspends it.
    """

    kind: Literal["LoadScript"] = "LoadScript"
    prefix: Prefix
    obs_mode: ObsMode
    script: ScriptSource | None
    time_factor: PositiveFloat = 1.0
    hook_limit_s: PositiveFloat = 60.0
    procedure: ProcedureSettings = ProcedureSettings()


class UnloadScript(Message):
    """Shut the sequencer down; the component is idle again.

    Args:
        prefix: the sequencer that is meant: a component with another one, or none, refuses. None means whichever.
            One that was lost in this component is reported no more.
    """

    kind: Literal["UnloadScript"] = "UnloadScript"
    prefix: Prefix | None = None


class RestartScript(Message):
    """Unload the script and load the same one anew, as its file is now."""

    kind: Literal["RestartScript"] = "RestartScript"


class ShutdownComponent(Message):
    """End the component, and the sequencer in it."""

    kind: Literal["ShutdownComponent"] = "ShutdownComponent"


class ScriptLoaded(Message):
    """The script runs: the new sequencer's prefix."""

    kind: Literal["ScriptLoaded"] = "ScriptLoaded"
    prefix: Prefix


class LoadingScriptFailed(Message):
    """The script did not start; the component is idle. Source: esw ScriptError.LoadingScriptFailed."""

    kind: Literal["LoadingScriptFailed"] = "LoadingScriptFailed"
    msg: str


class LostSequencer(Message):
    """A sequencer whose process died, or whose machine did; what it ran is lost.

    Args:
        sequence_component: the component it was in.
        at: when it was noticed.
    """

    prefix: Prefix
    sequence_component: Prefix | None
    at: UTCTime
    reason: str


class SequenceComponentStatus(Message):
    """A sequence component and the sequencer in it.

    Args:
        state: ``Idle``, ``Loading``, ``Running``, ``Unloading`` or ``Restarting``.
        loaded: prefix of the sequencer, None when idle.
        digest: of the package the sequencer's script comes from; empty for a plain file.
        sequencer: the sequencer's own account, None when idle or when it did not answer in time.
        since: when this process of the component began.
        restarted: whether Ray had to start the component again.
        restarts: how often.
        lost: the sequencer that died in it, until another script is loaded.
    """

    prefix: Prefix
    machine: Prefix
    state: str
    loaded: Prefix | None
    sequencer: SequencerStatus | None
    pid: int
    since: UTCTime | None = None
    restarted: bool = False
    restarts: NonNegativeInt = 0
    lost: LostSequencer | None = None
    digest: str = ""
