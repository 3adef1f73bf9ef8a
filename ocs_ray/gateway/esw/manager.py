"""The Sequence Manager for ESW's clients: their twelve requests, and its replies in their words.

Source: esw SequenceManagerRequestHandler.scala; reference esw_sm 1, 7.4.
"""

from __future__ import annotations

from ocs_ray.client.sequence_manager import SequenceManager
from ocs_ray.models import esw_manager as esw
from ocs_ray.models import manager_replies as replies
from ocs_ray.models import sequencer_replies
from ocs_ray.models.wire_model import WireModel


async def answer(manager: SequenceManager, request: esw.ManagerRequest) -> WireModel:
    """Carry out a request and give the answer as ESW's clients expect it."""
    match request:
        case esw.Provision(config=config):
            components = {each.agent_prefix: each.count_of_seq_comps for each in config.config}
            return as_esw(await manager.provision(components))
        case esw.Configure(obs_mode=mode):
            return as_esw(await manager.configure(mode))
        case esw.GetObsModesDetails():
            return details_as_esw(await manager.obs_modes_details())
        case esw.GetResources():
            return resources_as_esw(await manager.resources())
        case esw.StartSequencer(subsystem=subsystem, obs_mode=mode):
            return _started(await manager.start_sequencer(subsystem, mode, request.the_variation))
        case esw.RestartSequencer(subsystem=subsystem, obs_mode=mode):
            return as_esw(await manager.restart_sequencer(subsystem, mode, request.the_variation))
        case esw.ShutdownSequencer(subsystem=subsystem, obs_mode=mode):
            return as_esw(await manager.shutdown_sequencer(subsystem, mode, request.the_variation))
        case esw.ShutdownSubsystemSequencers(subsystem=subsystem):
            return as_esw(await manager.shutdown_subsystem_sequencers(subsystem))
        case esw.ShutdownObsModeSequencers(obs_mode=mode):
            return as_esw(await manager.shutdown_obs_mode(mode))
        case esw.ShutdownAllSequencers():
            return as_esw(await manager.shutdown_all_sequencers())
        case esw.ShutdownSequenceComponent(prefix=prefix):
            return as_esw(await manager.shutdown_sequence_component(prefix))
        case esw.ShutdownAllSequenceComponents():
            return as_esw(await manager.shutdown_all_sequence_components())


def as_esw(reply: object) -> WireModel:
    """A reply in ESW's words; what is ours in it is left out.

    Raises:
        TypeError: it is no reply of the Sequence Manager that ESW knows.
    """
    match reply:
        case replies.Success(master_sequencer=top) if top is not None:
            return esw.ConfigureSuccess(master_sequencer_component_id=top)
        case replies.Success(component_id=sequencer) if sequencer is not None:
            return esw.RestartSuccess(component_id=sequencer)
        case replies.Success():
            return esw.Success()
        case replies.SequencerStarted(component_id=sequencer):
            return esw.Started(component_id=sequencer)
        case replies.AlreadyRunning(component_id=sequencer):
            return esw.AlreadyRunning(component_id=sequencer)
        case replies.ConfigurationMissing(obs_mode=mode):
            return esw.ConfigurationMissing(obs_mode=mode)
        case replies.ConflictingResourcesWithRunningObsMode(running_obs_modes=running):
            return esw.ConflictingResourcesWithRunningObsMode(running_obs_mode=running)
        case replies.SequenceComponentNotAvailable(variation_infos=missing, msg=msg):
            return esw.SequenceComponentNotAvailable(variation_infos=missing, msg=msg)
        case replies.FailedToStartSequencers(reasons=reasons):
            return esw.FailedToStartSequencers(reasons=reasons)
        case replies.LoadScriptError(reason=reason):
            return esw.LoadScriptError(reason=reason)
        case replies.LocationServiceError(reason=reason):
            return esw.LocationServiceError(reason=reason)
        case replies.FailedResponse(reason=reason):
            return esw.FailedResponse(reason=reason)
        case replies.CouldNotFindMachines(machines=machines):
            return esw.CouldNotFindMachines(prefix=machines)
        case replies.SpawningSequenceComponentsFailed(failure_responses=failures):
            return esw.SpawningSequenceComponentsFailed(failure_responses=failures)
        case sequencer_replies.Unhandled(state=state, message_type=message_type, msg=msg):
            return esw.Unhandled(state=state, message_type=message_type, msg=msg)
        case _:
            raise TypeError(f"ESW knows no {type(reply).__name__}")


def _started(reply: object) -> WireModel:
    """ESW starts a sequencer without looking at the mode's resources, so its clients do not know these refusals."""
    match reply:
        case replies.ConfigurationMissing(obs_mode=mode):
            return esw.FailedResponse(reason=f"Failed to configure: configuration missing for {mode}")
        case replies.ConflictingResourcesWithRunningObsMode(running_obs_modes=running):
            return esw.FailedResponse(reason=f"Failed to configure: conflicting resources with {', '.join(running)}")
        case _:
            return as_esw(reply)


def details_as_esw(reply: object) -> WireModel:
    """What GetObsModesDetails is answered with."""
    match reply:
        case replies.ObsModesDetails(obs_modes=modes):
            return esw.ObsModesDetailsSuccess(obs_modes=tuple(map(_mode, modes)))
        case replies.FailedResponse(reason=reason):  # ESW knows no other failure here
            return esw.LocationServiceError(reason=reason)
        case _:
            return as_esw(reply)


def _mode(mode: replies.ObsModeDetails) -> esw.ObsModeDetails:
    match mode.status:
        case "Configured":
            status = esw.Configured()
        case "Configurable":
            status = esw.Configurable()
        case "NonConfigurable":
            status = esw.NonConfigurable(missing_sequence_components_for=mode.missing)
    return esw.ObsModeDetails(
        obs_mode=mode.obs_mode, status=status, resources=mode.resources, sequencers=mode.sequencers
    )


def resources_as_esw(reply: object) -> WireModel:
    """What GetResources is answered with."""
    match reply:
        case replies.ResourcesStatus(resources=resources):
            return esw.ResourcesStatusSuccess(
                resources_status=tuple(
                    esw.ResourceStatus(
                        resource=each.resource, status=esw.ResourceState(kind=each.status), obs_mode=each.obs_mode
                    )
                    for each in resources
                )
            )
        case replies.LocationServiceError(reason=reason) | replies.FailedResponse(reason=reason):
            return esw.Failed(msg=reason)
        case _:
            return as_esw(reply)
