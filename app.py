"""The web app: reads the settings, opens the engine, mounts every word's routes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware import Middleware
from temporalio.client import Client

from api import (
    billing,
    catalogue,
    channels,
    customers,
    dunning,
    employee_requests,
    field_service,
    home,
    journeys,
    knowledge,
    orders,
    partners,
    payments,
    staff,
    subscriptions,
    systems,
    tickets,
)
from api.kit import health, live, logs
from api.kit.desk import forbid_leaks
from api.kit.headers import Surroundings
from api.kit.language import Language
from api.kit.people import Doors, People
from api.kit.refusals import Failures, handle_refusals
from api.kit.rendering import pages
from api.kit.routes import Router, mount
from api.kit.signing import Passwords
from api.kit.static import Compression, routes
from api.kit.temporal import keep_connecting
from api.kit.throttles import Limits
from models.kit.engine import engine_for
from models.kit.settings import Settings, settings

ROUTERS: tuple[Router, ...] = (
    health.router,
    live.router,
    staff.router,
    home.router,
    tickets.router,
    channels.router,
    customers.router,
    catalogue.router,
    orders.router,
    field_service.router,
    partners.router,
    billing.router,
    payments.router,
    subscriptions.router,
    dunning.router,
    employee_requests.router,
    journeys.router,
    knowledge.router,
    systems.router,
)

PATIENCE = 10  # seconds for one statement of a page


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Seek Temporal and listen for live updates while the app serves; close everything at the end."""
    beside = [
        asyncio.create_task(keep_connecting(app, app.state.settings)),
        asyncio.create_task(app.state.live.run()),
    ]
    with live.ending_with_the_process(app.state.live):
        yield
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await app.state.engine.dispose()


def create_app(
    given: Settings | None = None,
    engine: AsyncEngine | None = None,
    client: Client | None = None,
    passwords: Passwords | None = None,
) -> FastAPI:
    """The whole app; tests hand in what they already have."""
    chosen = given or settings()
    logs.set_up(chosen.log_level)
    engine = engine or engine_for(
        chosen.database_url, pool_size=chosen.pool_size, is_pinged=False, patience=PATIENCE
    )
    forbid_leaks(engine)
    doors = Doors(engine)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        middleware=[
            Middleware(Surroundings, public_url=chosen.public_url),
            Middleware(Failures),
            Middleware(Compression, compresslevel=3),  # the highest costs four times as much for a tenth less
            Middleware(People),
            Middleware(Language, remember=partial(staff.remember, engine, doors)),
        ],
    )
    app.state.settings = chosen
    app.state.engine, app.state.client, app.state.doors = engine, client, doors
    app.state.live, app.state.limits = live.Live(engine), Limits()
    app.state.passwords = passwords or Passwords()
    app.state.pages = pages()
    handle_refusals(app)
    app.router.routes.extend(routes(app.state.pages.statics))
    mount(app, *ROUTERS)
    return app
