"""Whether this process lives, whether it is ready, and its numbers."""

from fastapi import Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from api.kit import people
from api.kit.headers import LOOPBACK
from api.kit.routes import ANYONE, Router
from models.kit.refusals import Refusal
from models.messages.staff import Role

router = Router()


@router.get("/health/live", may=ANYONE)
async def live() -> Response:
    """The process answers."""
    return JSONResponse({"status": "live"})


@router.get("/health/ready", may=ANYONE)
async def ready(request: Request) -> Response:
    """The database answers; Temporal is only told about, because pages work without it."""
    async with request.app.state.engine.connect() as connection:
        await connection.execute(text("select 1"))
    return JSONResponse({"status": "ready", "temporal": request.app.state.client is not None})


@router.get("/metrics", may=ANYONE)
async def metrics(request: Request) -> Response:
    """Prometheus reads from this very machine; people need to be administrators."""
    here = request.client is not None and request.client.host in LOOPBACK | {"::1"}
    is_forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    if (not here or is_forwarded) and Role.ADMIN not in people.person(request).roles:
        raise Refusal("not_found")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
