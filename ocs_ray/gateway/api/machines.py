"""``/machines``: the agents, what runs on each, starting and ending sequence components."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from ocs_ray.client import Agent, Locations, SequenceManager
from ocs_ray.errors import BadInputError
from ocs_ray.gateway.access import needs
from ocs_ray.gateway.api.idempotency import keyed
from ocs_ray.gateway.api.problems import accepted
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.models.actor_names import parse_actor_name
from ocs_ray.models.agent_messages import AgentStatus, Spawned
from ocs_ray.models.manager_messages import Provision
from ocs_ray.models.message_kinds import message_of
from ocs_ray.models.prefix import ComponentType, Prefix

Machine = Annotated[str, Path(description="Prefix of the machine.", examples=["IRIS.machine1"], max_length=200)]
MACHINE = {"ESW.machine1": 2, "IRIS.machine1": 1}


def routes(port: Any) -> APIRouter:
    """``/machines`` and ``/provision``."""
    router = APIRouter(route_class=ApiRoute, tags=["machines"])

    @router.get(
        "/machines",
        operation_id="listMachines",
        summary="Machines whose agent runs",
        dependencies=[Depends(needs("ListEntries"))],
    )
    async def machines() -> Response:
        found = await Locations(port).list(ComponentType.Machine)
        return json_response({"items": [{"prefix": each.connection.prefix} for each in found]})

    @router.get(
        "/machines/{machine}",
        operation_id="getMachine",
        summary="What runs on a machine",
        response_model=AgentStatus,
        dependencies=[Depends(needs("GetAgentStatus"))],
    )
    async def machine_status(machine: Machine) -> Response:
        return json_response(await Agent(machine, port).status())

    @router.post(
        "/machines/{machine}/components",
        operation_id="spawnSequenceComponent",
        summary="Start a sequence component",
        status_code=201,
        response_model=Spawned,
        dependencies=[Depends(needs("SpawnSequenceComponent"))],
    )
    async def spawn(
        request: Request,
        machine: Machine,
        name: Annotated[str | None, Body(embed=True, max_length=200, examples=["IRIS_5"])] = None,
    ) -> Response:
        return json_response(accepted(await Agent(machine, keyed(port, request)).spawn_sequence_component(name)), 201)

    @router.delete(
        "/machines/{machine}/components/{component}",
        operation_id="killComponent",
        summary="End a component of a machine for certain",
        dependencies=[Depends(needs("KillComponent"))],
    )
    async def kill(
        machine: Machine,
        component: Annotated[str, Path(examples=["IRIS.IRIS_1-SequenceComponent"], max_length=200)],
    ) -> Response:
        try:
            prefix, component_type = parse_actor_name(component)
        except ValueError:
            remedy = "write it like IRIS.IRIS_1-SequenceComponent"
            raise BadInputError("component", f"'{component}' is no name of a component", remedy) from None
        return json_response(accepted(await Agent(machine, port).kill(prefix, component_type)))

    @router.post(
        "/provision",
        operation_id="provision",
        summary="Start sequence components on machines; those that run are replaced",
        dependencies=[Depends(needs("Provision"))],
    )
    async def provision(
        request: Request,
        components: Annotated[dict[str, int], Body(embed=True, examples=[MACHINE])],
    ) -> Response:
        wanted = message_of(Provision, {"components": components})
        counts = {Prefix(machine): count for machine, count in wanted.components.items()}
        return json_response(accepted(await SequenceManager(keyed(port, request)).provision(counts)))

    return router
