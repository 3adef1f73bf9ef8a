"""The floor of the gateway: an application with one route that does nothing, served by the same actor."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI


def create_app(settings: Any, port: Any) -> FastAPI:
    """The application; it needs neither settings nor the observatory."""
    app = FastAPI()

    @app.get("/")
    async def nothing() -> None:
        return

    return app
