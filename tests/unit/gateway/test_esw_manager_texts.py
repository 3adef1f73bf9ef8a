"""What ESW's clients read when the Sequence Manager fails. Source: reference esw_sm 1.1, cases 21, 24, 39."""

from __future__ import annotations

import asyncio
from typing import Any

from ocs_ray.actors.manager_sequencers import not_found
from ocs_ray.client import SequenceManager
from ocs_ray.gateway.esw.manager import answer
from ocs_ray.models import esw_manager as esw
from ocs_ray.models.identifiers import ObsMode
from ocs_ray.models.manager_replies import FailedResponse, LocationServiceError
from ocs_ray.models.message import Message
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem


class Door:
    """The Sequence Manager's door; it says what it was told to say."""

    def __init__(self, reply: Message) -> None:
        self.reply = reply

    def names(self) -> list[str]:
        return []

    async def ask(self, name: str, message: object, timeout_s: float) -> Any:
        return self.reply


def told(reply: Message, request: esw.ManagerRequest) -> object:
    return asyncio.run(answer(SequenceManager(Door(reply)), request))


def test_given_somebody_who_is_not_there_when_esw_s_client_asks_then_the_text_is_esw_s() -> None:  # cases 21, 24
    text = "Could not find location matching connection: PekkoConnection(ComponentId({}))"
    restart = esw.RestartSequencer(subsystem=Subsystem.ESW, obs_mode=ObsMode("IRIS_Darknight"), variation=())
    reply = not_found(Prefix("ESW.IRIS_Darknight"), ComponentType.Sequencer)
    assert told(reply, restart) == esw.LocationServiceError(reason=text.format("ESW.IRIS_Darknight,Sequencer"))
    shutdown = esw.ShutdownSequenceComponent(prefix=Prefix("IRIS.IRIS_9"))
    reply = not_found(Prefix("IRIS.IRIS_9"), ComponentType.SequenceComponent)
    assert told(reply, shutdown) == esw.LocationServiceError(reason=text.format("IRIS.IRIS_9,SequenceComponent"))


def test_given_resources_that_cannot_be_read_when_esw_s_client_asks_then_failed_with_the_reason() -> None:  # case 39
    for reply in (FailedResponse(reason="no route"), LocationServiceError(reason="no route")):
        assert told(reply, esw.GetResources()) == esw.Failed(msg="no route")
