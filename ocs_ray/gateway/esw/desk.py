"""Which service a request is for: ``_type`` says it, and each answers in ESW's words."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final, cast, get_args

from ocs_ray.client.sequence_manager import SequenceManager
from ocs_ray.gateway.esw import manager, sequencer
from ocs_ray.gateway.esw.agent_service import AgentService
from ocs_ray.gateway.esw.answers import STREAM_OVER
from ocs_ray.gateway.esw.location_book import LocationBook
from ocs_ray.gateway.esw.state_hub import StateHub
from ocs_ray.models.esw_agent import AgentRequest
from ocs_ray.models.esw_location import LocationRequest, Track
from ocs_ray.models.esw_manager import ManagerRequest
from ocs_ray.models.esw_requests import PostRequest, StreamRequest
from ocs_ray.models.esw_sequencer import (
    InvalidComponent,
    QueryFinal,
    SequencerCommand,
    SequencerRequest,
    SequencerStreamRequest,
)
from ocs_ray.models.gateway_settings import GATEWAY_PORT, GatewaySettings
from ocs_ray.models.locations import Connection, ConnectionType
from ocs_ray.models.prefix import ComponentId, ComponentType
from ocs_ray.scripting.port import Port
from ocs_ray.scripting.sequencer_service import Sequencer

RESOLVE_S: Final = 3.0
"""How long a sequencer that is not there is waited for, in seconds. Source: esw GatewayWiring, 3 s."""


def _classes(union: object) -> tuple[type, ...]:
    return get_args(get_args(union)[0])


LOCATION_REQUESTS: Final = _classes(LocationRequest)
MANAGER_REQUESTS: Final = _classes(ManagerRequest)
AGENT_REQUESTS: Final = _classes(AgentRequest)


class Desk:
    """Answers requests.

    Args:
        port: the door to the observatory.
        settings: where the gateway listens.
    """

    def __init__(self, port: Port, settings: GatewaySettings) -> None:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        base = settings.url or f"http://{host}:{GATEWAY_PORT if settings.port is None else settings.port}"
        self._port = port
        oidc = settings.access.oidc
        self._locations = LocationBook(port, base, "" if oidc is None else oidc.issuer)
        self._manager = SequenceManager(port)
        self._agents = AgentService(port, settings.catalogue, settings.simulation)
        self._states = StateHub(port)

    async def answer(self, request: PostRequest) -> object:
        """The answer to a posted request, to be encoded.

        Raises:
            BadInputError: something in it is wrong after all.
            OcsError: nobody answered.
        """
        if isinstance(request, SequencerCommand):
            return await self.sequencer_answer(request.component_id, request.command)
        if isinstance(request, MANAGER_REQUESTS):
            return await manager.answer(self._manager, cast("ManagerRequest", request))
        if isinstance(request, AGENT_REQUESTS):
            return await self._agents.answer(cast("AgentRequest", request))
        return await self._locations.answer(cast("LocationRequest", request))

    async def sequencer_answer(self, component: ComponentId, request: SequencerRequest) -> object:
        """The same from one sequencer."""
        if (absent := await self._absent(component)) is not None:
            return absent
        return await sequencer.answer(Sequencer.at(component.prefix, port=self._port), request)

    async def frames(self, request: StreamRequest) -> AsyncGenerator[object, None]:
        """What a WebSocket's request is answered with, one frame after another: text as it is, else to be encoded.

        ``STREAM_OVER`` stands for the end of the socket.

        Raises:
            OcsError: nobody answers any more.
            TimeoutError: a run did not end in time.
        """
        if isinstance(request, Track):
            async for event in self._locations.track(request.connection):
                yield event
        else:
            async for frame in self.sequencer_frames(request.component_id, request.command):
                yield frame

    async def sequencer_frames(
        self, component: ComponentId, request: SequencerStreamRequest
    ) -> AsyncGenerator[object, None]:
        """The same from one sequencer."""
        if (absent := await self._absent(component)) is not None:
            yield absent
        elif isinstance(request, QueryFinal):
            yield await sequencer.final_response(Sequencer.at(component.prefix, port=self._port), request)
        else:
            async for frame in self._states.follow(component.prefix):
                yield frame
            yield STREAM_OVER

    async def _absent(self, component: ComponentId) -> InvalidComponent | None:
        """ESW's refusal, when there is no such sequencer, nor comes one in a moment."""
        if component.component_type is not ComponentType.Sequencer:
            return InvalidComponent(msg=f"{component} is no sequencer")
        connection = Connection(component.prefix, component.component_type, ConnectionType.pekko)
        if await self._locations.resolve(connection, RESOLVE_S) is not None:
            return None
        return InvalidComponent(msg=f"Could not find location matching connection: {connection.name}")
