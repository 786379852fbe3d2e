"""The outside world: `uvicorn sandbox.main:app`. It imports nothing of the house and keeps its own book."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, RedirectResponse
from starlette.types import ASGIApp

from sandbox import (
    alimtalk,
    bank,
    billing_keys,
    carrier,
    credit,
    directory,
    hr,
    mail,
    office,
    phones,
    provisioning,
    sms,
    stock,
    tax,
)
from sandbox.book import Book, place
from sandbox.checkout import checkout
from sandbox.faults import Failing, Switchboard, switches
from sandbox.gateway import Gateway, api, controls
from sandbox.marketing import marketing
from sandbox.pages import HERE
from sandbox.post import Post
from sandbox.webhooks import Webhooks


def build(book: Book, board: Switchboard, secret: str, token: str) -> FastAPI:
    """Put the outside systems behind one address."""
    webhooks, scans = Webhooks(book), Webhooks(book, "carrier_webhook")
    notices, arrivals = Webhooks(book, "bank_webhook"), Webhooks(book, "stock_webhook")
    written, rung = Webhooks(book, "sms_webhook"), Webhooks(book, "telephony_webhook")
    every = (webhooks, scans, notices, arrivals, written, rung)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        postmen = [asyncio.create_task(hooks.run()) for hooks in every]
        yield
        for postman in postmen:
            postman.cancel()
        book.close()

    app = FastAPI(title="Sandbox", lifespan=running, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Failing, board=board)
    gateway, post = Gateway(book, webhooks), Post(book, token)
    app.include_router(checkout(gateway))
    app.include_router(api(gateway, secret))
    app.include_router(controls(book, webhooks))
    cards = billing_keys.Cards(gateway)
    app.include_router(billing_keys.form(cards))
    app.include_router(billing_keys.key_api(cards, secret))
    app.include_router(mail.mail(post))
    for router in (
        phones.texts(book, written), phones.telephony(book, rung), phones.devices(book), sms.sms(post),
        alimtalk.alimtalk(post), marketing(book, token), stock.stock(book, arrivals, token),
        carrier.carrier(book, scans, token), credit.credit(book, token), bank.bank(book, notices, token),
        provisioning.service(book, token), tax.tax(book, token), hr.hr(book, token),
        office.office(book, token),
    ):  # fmt: skip
        app.include_router(router)
    accounts = directory.Directory(book, token)
    app.include_router(directory.controls(accounts))
    app.mount("/directory/scim", cast(ASGIApp, accounts))
    app.include_router(switches(board))
    app.include_router(house_keeping(book, board, *every))
    return app


def house_keeping(book: Book, board: Switchboard, *webhooks: Webhooks) -> APIRouter:
    """Health, clock, and a clean slate."""
    router = APIRouter()

    @router.get("/")
    async def home() -> RedirectResponse:
        return RedirectResponse("/mail", 303)

    @router.get("/style.css")
    async def style() -> FileResponse:
        return FileResponse(HERE / "style.css", headers={"cache-control": "max-age=3600"})

    @router.get("/health/ready")
    async def ready() -> dict[str, str]:
        book.row("select 1 as one")
        return {"state": "ready"}

    @router.put("/control/clock")
    async def clock(offset_seconds: float) -> dict[str, float]:
        """Move the outside world's clock, so that keys run out."""
        book.remember("clock_offset", str(offset_seconds))
        return {"now": book.now()}

    @router.api_route("/control/reset", methods=["GET", "POST"])
    async def reset() -> dict[str, str]:
        """Forget every charge, message, failure and setting."""
        book.reset()
        board.clear()
        for hooks in webhooks:
            hooks.hook = {}
        return {"state": "empty"}

    return router


def secret(name: str) -> str:
    """A secret from the environment, or from the file that NAME_FILE points to."""
    if path := os.environ.get(f"{name}_FILE"):
        with open(path) as file:
            return file.read().strip()
    if not (value := os.environ.get(name)):
        raise SystemExit(f"The setting {name} (or {name}_FILE) is missing; docs/settings.md explains it.")
    return value


app = build(Book(place()), Switchboard(), secret("GATEWAY_SECRET"), secret("SYSTEMS_TOKEN"))
