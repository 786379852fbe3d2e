"""What fits to what: rules that offer a thing to whoever owns another, with the reason in both languages."""

from typing import Any

from fastapi import Request
from sqlalchemy import update
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.index import NewPage, again, new_page
from api.catalogue.routing import router
from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import move_on
from api.kit.routes import ADMINS
from api.kit.texts import Key, Line
from models.catalogue import CrossSell
from models.kit import ids
from models.kit.refusals import Refusal


class NewRule(Input):
    """Who owns or pays for this may add that."""

    owns: Line
    offers: Line
    reason_ko: Line
    reason_en: Line


class Activity(Input):
    """Whether a rule counts."""

    is_active: bool


@router.post("/catalogue/rules", may=ADMINS)
async def create(request: Request, desk: Desk, sent: Typed[NewRule] = typed(NewRule)) -> Response:
    """Add a rule."""
    page, new = await new_page(desk, "rule"), sent.value
    if new is None:
        return await again(request, desk, sent.form, "rule")
    columns = columns_of(new, page)
    if columns is None:
        wrong = sent.wrong(
            "offers", _("Please choose one thing that is owned and another one that fits to it.")
        )
        return await again(request, desk, wrong, "rule")
    rule_id = ids.fresh("xs")
    desk.session.add(CrossSell(id=rule_id, reason_ko=new.reason_ko, reason_en=new.reason_en, **columns))
    await desk.session.flush()
    await noted(desk, "made", rule_id, owns=new.owns, offers=new.offers)
    await desk.commit()
    return move_on(request, "/catalogue#rules", data={"cross_sell_id": rule_id}, status=201)


@router.post("/catalogue/rules/{cross_sell_id}/activity", may=ADMINS, row="cross_sell")
async def switch(
    request: Request, desk: Desk, cross_sell_id: Key, sent: Typed[Activity] = typed(Activity)
) -> Response:
    """Let a rule count, or rest."""
    await desk.one(CrossSell, cross_sell_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    changed = update(CrossSell).where(col(CrossSell.id) == cross_sell_id)
    changed = changed.values(is_active=sent.value.is_active)
    await desk.session.execute(changed.execution_options(synchronize_session=False))
    await noted(desk, "switched", cross_sell_id, is_active=sent.value.is_active)
    await desk.commit()
    return move_on(request, "/catalogue#rules")


def columns_of(new: NewRule, page: NewPage) -> dict[str, Any] | None:
    """The rule's columns; nothing when something is not there or fits only to itself."""
    if new.owns not in dict(page.owned) or new.offers not in dict(page.offered) or new.owns == new.offers:
        return None
    owns, _colon, owned = new.owns.partition(":")
    offers, _colon, offered = new.offers.partition(":")
    asks = {"product": "owns_product_id", "plan": "has_plan_id", "category": "owns_category"}[owns]
    return {asks: owned, f"offers_{offers}_id": offered}


async def noted(desk: DeskAt, act: str, rule_id: str, **details: object) -> None:
    """One line in the audit log."""
    who = desk.person
    await signing.note(
        desk.session, who.id, who.address, f"catalogue.rule.{act}", f"rule:{rule_id}", **details
    )
