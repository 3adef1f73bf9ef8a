"""An instance's input over HTTP: bytes as they are, whatever they look like and however often they are sent."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import httpx

from ocs_ray.gateway.app import create_app
from ocs_ray.models.actor_names import PACKAGE_SERVICE, instance_host
from ocs_ray.models.identifiers import Id
from ocs_ray.models.instance_records import InstanceRecord
from ocs_ray.models.package_names import Digest, PackageName, PackageVersion
from ocs_ray.testing.local_observatory import LocalObservatory

from .web_floor import OPEN, URL

PATH = "/api/v1/instances/one/input"
RECORD = InstanceRecord(
    id=Id("one"),
    digest=Digest("sha256:" + "1" * 64),
    name=PackageName("counter"),
    version=PackageVersion("1.0.0"),
    machine="here",
    created_unix_s=0.0,
)


CONTENTS = (b"go on\n", b"[" * 1000, b"\xff\x00{", b'{"a":1}\n{"a":2}\n')
TYPES = ("application/octet-stream", "application/json", "text/plain", "")


def test_given_any_bytes_when_they_are_sent_again_with_their_key_then_the_instance_gets_them_once_as_they_are() -> None:
    given: list[bytes] = []

    async def service(_: object) -> InstanceRecord:
        return RECORD

    async def host(message: Any) -> None:
        given.append(message.data)

    async def story() -> None:
        async with LocalObservatory() as observatory:
            observatory.put(PACKAGE_SERVICE, service)
            observatory.put(instance_host("here"), host)
            transport = httpx.ASGITransport(create_app(OPEN, observatory))
            async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
                for number, (content, content_type) in enumerate(product(CONTENTS, TYPES)):
                    given.clear()
                    headers = {"Idempotency-Key": f"key {number}"}
                    if content_type:
                        headers["Content-Type"] = content_type
                    for _ in range(2):
                        answer = await http.post(PATH, content=content, headers=headers)
                        assert answer.status_code == 204, (content, content_type, answer.text)
                    assert given == [content], content_type
                    other = await http.post(PATH, content=b"more", headers=headers)
                    assert other.json()["type"] == "/api/v1/problems/idempotency-key-reused"

    asyncio.run(story())
