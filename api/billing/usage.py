"""What was metered comes in: each event counts once, however often its source sends it."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import JSONResponse, Response

from api.billing.routing import router
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.routes import FINANCE
from api.kit.texts import Key, Line
from models.billing import UsageRecord
from models.kit.refusals import Refusal
from models.subscriptions import Subscription

MOST = 500


class Event(Input):
    """One metered event under its source's own id."""

    submission_key: Key
    subscription_id: Key
    meter: Line
    quantity: Annotated[int, Field(ge=0, le=10**12)]
    used_on: date


class Metered(Input):
    """Events of one source."""

    source: Line
    events: Annotated[list[Event], Field(min_length=1, max_length=MOST)]


@router.post("/billing/usage", may=FINANCE)
async def take_in(request: Request, desk: Desk, sent: Typed[Metered] = typed(Metered)) -> Response:
    """Store metered events; those that are there already are left as they are. Answers how many were new."""
    if sent.value is None:
        raise Refusal("invalid_form")
    given, now = sent.value, datetime.now(UTC)
    wanted = {one.subscription_id for one in given.events}
    query = desk.visible(Subscription).where(col(Subscription.id).in_(wanted))
    if len(list(await desk.session.scalars(query))) != len(wanted):
        raise Refusal("not_found")
    rows: list[dict[str, Any]] = [
        {"source": given.source, "source_id": one.submission_key, "subscription_id": one.subscription_id,
         "meter": one.meter, "quantity": one.quantity, "used_on": one.used_on, "received_at": now}
        for one in given.events
    ]  # fmt: skip
    statement = insert(UsageRecord).values(rows).on_conflict_do_nothing().returning(col(UsageRecord.id))
    made = len((await desk.session.execute(statement)).all())
    await desk.commit()
    return JSONResponse({"taken": made, "known": len(rows) - made})
