"""``/packages``: script packages, sent as a streamed body and kept under their digest."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from ocs_ray.client import Packages
from ocs_ray.gateway.access import needs
from ocs_ray.gateway.api.paging import Cursor, Limit, number_of, page
from ocs_ray.gateway.api.route import ApiRoute, json_response
from ocs_ray.models.package_messages import PackageInfo, PackagesDeleted, TagHistory

Ref = Annotated[
    str,
    Path(description="Name, name@version, name@tag, or the beginning of a digest.", examples=["counter@latest"]),
]
Name = Annotated[str, Path(max_length=214, examples=["counter"])]
TagName = Annotated[str, Path(max_length=128, examples=["stable"])]
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def routes(port: Any) -> APIRouter:
    """``/packages``."""
    router = APIRouter(prefix="/packages", route_class=ApiRoute, tags=["packages"])

    @router.post(
        "",
        operation_id="sendPackage",
        summary="Send a package made by 'ocs seq pack'; the same bytes again change nothing",
        status_code=201,
        openapi_extra=_UPLOAD,
        dependencies=[Depends(needs("send_chunk"))],
    )
    async def send(request: Request) -> Response:
        sent = await Packages(port).send_stream(request.stream())
        place = f"{request.url.path.rstrip('/')}/{sent.record.digest}"
        return json_response(sent, 200 if sent.existing else 201, {"Location": place})

    @router.get(
        "",
        operation_id="listPackages",
        summary="Packages in the order they came",
        dependencies=[Depends(needs("list_packages"))],
    )
    async def packages(
        request: Request,
        name: Annotated[str, Query(max_length=214, examples=["counter"])] = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Response:
        found = await Packages(port).page(name, after=number_of(cursor), limit=limit)
        return page(request, found.packages, found.after)

    # a name may hold a slash (@example/counter), so what is more precise comes first
    @router.put(
        "/{name:path}/tags/{tag}",
        operation_id="tagPackage",
        summary="Point name@tag at a package of this name",
        response_model=PackageInfo,
        dependencies=[Depends(needs("tag_package"))],
    )
    async def tag(
        name: Name, tag: TagName, to: Annotated[str, Body(embed=True, max_length=300, examples=["counter@1.2.0"])]
    ) -> Response:
        return json_response(await Packages(port).tag(name, tag, to))

    @router.get(
        "/{name:path}/tags/{tag}",
        operation_id="getTagHistory",
        summary="Every move of a tag",
        response_model=TagHistory,
        dependencies=[Depends(needs("get_tag_history"))],
    )
    async def history(name: Name, tag: TagName) -> Response:
        return json_response(await Packages(port).history(name, tag))

    @router.post(
        "/{name:path}/tags/{tag}/rollback",
        operation_id="rollBackTag",
        summary="Point a tag where it was before its last move",
        response_model=PackageInfo,
        dependencies=[Depends(needs("roll_back_package"))],
    )
    async def roll_back(name: Name, tag: TagName) -> Response:
        return json_response(await Packages(port).rollback(name, tag))

    @router.get(
        "/{ref:path}",
        operation_id="getPackage",
        summary="One package with its tags and living instances",
        response_model=PackageInfo,
        dependencies=[Depends(needs("get_package"))],
    )
    async def package(ref: Ref) -> Response:
        return json_response(await Packages(port).info(ref))

    @router.delete(
        "/{ref:path}",
        operation_id="deletePackage",
        summary="Forget a package",
        response_model=PackagesDeleted,
        dependencies=[Depends(needs("delete_package"))],
    )
    async def delete(
        ref: Ref,
        force: Annotated[bool, Query(description="End its instances first.")] = False,
        deadline_s: Annotated[float, Query(ge=0, le=300, description="How long they may take, in seconds.")] = 7.0,
    ) -> Response:
        return json_response(await Packages(port).delete(ref, force=force, deadline_s=deadline_s))

    return router
