"""``/components``: who is there. Ray's table of named actors is the location service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from ocs_ray.client import Locations
from ocs_ray.errors import BadInputError, UnreachableError
from ocs_ray.gateway.access import needs
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.models.actor_names import actor_name, parse_actor_name
from ocs_ray.models.prefix import ComponentType, Prefix, Subsystem


def routes(port: Any) -> APIRouter:
    """``/components``."""
    router = APIRouter(prefix="/components", route_class=ApiRoute, tags=["components"])

    @router.get(
        "",
        operation_id="listComponents",
        summary="Components that run",
        dependencies=[Depends(needs("ListEntries"))],
    )
    async def components(
        type: Annotated[ComponentType | None, Query(examples=["Sequencer"])] = None,
        subsystem: Annotated[Subsystem | None, Query(examples=["IRIS"])] = None,
        prefix_start: Annotated[str, Query(max_length=200, examples=["IRIS.imager"])] = "",
    ) -> Response:
        found = await Locations(port).list(type, subsystem, prefix_start=prefix_start)
        return json_response(
            {"items": [_shown(each.connection.prefix, each.connection.component_type) for each in found]}
        )

    @router.get(
        "/{name}",
        operation_id="getComponent",
        summary="Whether a component runs",
        dependencies=[Depends(needs("Find"))],
    )
    async def component(
        name: Annotated[str, Path(examples=["IRIS.imager.filter-Assembly"], max_length=300)],
    ) -> Response:
        try:
            prefix, component_type = parse_actor_name(name)
        except ValueError:
            remedy = "write it like IRIS.imager.filter-Assembly"
            raise BadInputError("name", f"'{name}' is no name of a component", remedy) from None
        if await Locations(port).find(prefix, component_type) is None:
            raise UnreachableError(name=name, reason="is not running", remedy="see what runs: GET /api/v1/components")
        return json_response(_shown(prefix, component_type))

    return router


def _shown(prefix: Prefix, component_type: ComponentType) -> dict[str, str]:
    return {"name": actor_name(prefix, component_type), "prefix": prefix, "type": component_type.value}
