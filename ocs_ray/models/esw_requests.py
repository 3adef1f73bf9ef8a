"""All that one port takes: ``_type`` says which of ESW's services a request is for; no two of them share one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Discriminator

from ocs_ray.models.esw_agent import AgentRequest
from ocs_ray.models.esw_location import LocationRequest, Track
from ocs_ray.models.esw_manager import ManagerRequest
from ocs_ray.models.esw_sequencer import SequencerCommand, SequencerStreamCommand

PostRequest: TypeAlias = Annotated[
    LocationRequest | ManagerRequest | AgentRequest | SequencerCommand, Discriminator("kind")
]
"""By ``POST /post-endpoint``."""
StreamRequest: TypeAlias = Annotated[Track | SequencerStreamCommand, Discriminator("kind")]
"""By WebSocket, ``/websocket-endpoint``."""
