"""A customer's case handed to another department: the form begins with what the ticket knows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.ahead import Ahead, Asking, approvals_ahead
from api.employee_requests.asking import (
    Answers,
    Filled,
    already_known,
    as_far_as_known,
    checked,
    filled_for,
    with_files,
)
from api.employee_requests.birth import Wish, send
from api.employee_requests.fields import NO, YES, Asked, asked, asked_now
from api.employee_requests.files import chosen
from api.employee_requests.known import is_for, known_for
from api.employee_requests.people import Colleague, me_or_refusal
from api.employee_requests.routing import router
from api.employee_requests.shelf import Tile, one_published, published, tile_of, usual_times
from api.kit.desk import Desk, DeskAt
from api.kit.formats import in_seoul
from api.kit.forms import Typed, typed
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS
from api.kit.texts import Key
from api.tickets.files import MOST_BODY
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.kit import expressions
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import TICKET, Item
from models.messages.tickets import OVER
from models.rules.employee_requests import rights
from models.tickets import Ticket

PLACE = "/employee-requests/handover/{ticket_id}"


@dataclass(frozen=True)
class HandoverPage:
    """The items that a ticket can be handed over by."""

    ticket_id: str
    subject: str
    tiles: tuple[Tile, ...]

    def href(self, tile: Tile) -> str:
        """The form of one of them."""
        return f"/employee-requests/handover/{self.ticket_id}/{tile.key}"


@dataclass(frozen=True)
class HandoverForm:
    """The form of one item, with what the ticket has answered."""

    ticket_id: str
    item: Tile
    key: str
    base: str
    is_confidential: bool
    fields: tuple[Asked, ...]
    answered: tuple[str, ...]  # the questions that the ticket has answered
    ahead: tuple[Ahead, ...]


@router.get(PLACE, may=AGENTS, row="ticket")
async def departments(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Show by which items this ticket can be handed to another department."""
    ticket, me = await open_ticket(desk, ticket_id), await me_or_refusal(desk)
    items = [one for one in await published(desk) if one.from_ticket and is_for(one, me)]
    times = await usual_times(desk, [one.key for one in items])
    tiles = sorted((tile_of(one, times.get(one.key)) for one in items), key=lambda tile: tile.name)
    page = HandoverPage(ticket.id, ticket.subject, tuple(tiles))
    return answer(request, "employee_requests/handover.html", page)


@router.get(f"{PLACE}/{{item_key}}", may=AGENTS, row="ticket")
async def handover_form(request: Request, desk: Desk, ticket_id: Key, item_key: Key) -> Response:
    """Show the form, filled in as far as the ticket knows."""
    ticket = await open_ticket(desk, ticket_id)
    filled = await begun(desk, item_key)
    given = prefilled(filled.item, await facts_of(desk, ticket))
    return await shown(request, desk, ticket, replace(filled, typed=given), uuid4().hex)


@router.post(f"{PLACE}/{{item_key}}", may=AGENTS, row="ticket", max_body=MOST_BODY)
async def hand_over(
    request: Request, desk: Desk, ticket_id: Key, item_key: Key, sent: Typed[Answers] = typed(Answers)
) -> Response:
    """Hand the ticket over; the same form again is the same request."""
    ticket = await open_ticket(desk, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    filled = await begun(desk, item_key)
    sent.value, wrong = await with_files(request, desk, item_key, sent)
    filled = await out_of_ticket(desk, filled.item, filled.me, sent.value.answers)
    answers, errors = checked(filled)
    if errors := errors | wrong:
        form = Form(sent.form.values, errors)
        key = sent.value.submission_key
        return await shown(request, desk, ticket, filled, key, form=form, status=422)
    wish = Wish(sent.value.submission_key, filled.item, filled.me, filled.me.id, answers, ticket.id)
    number = await send(desk, wish)
    return move_on(request, f"/tickets/{ticket.id}", data={"id": number}, status=201)


async def open_ticket(desk: DeskAt, ticket_id: str) -> Ticket:
    """A ticket that somebody still works on."""
    ticket = await desk.one(Ticket, ticket_id)
    if ticket.status in OVER:
        raise Refusal("ticket_closed")
    return ticket


async def begun(desk: DeskAt, item_key: str) -> Filled:
    """The form of an item that may be asked for out of a ticket; any other is not there."""
    me = await me_or_refusal(desk)
    item = await one_published(desk, item_key, me)
    if not item.from_ticket:
        raise Refusal("not_found")
    return await out_of_ticket(desk, item, me, {})


async def out_of_ticket(desk: DeskAt, item: Item, me: Colleague, answers: Mapping[str, str]) -> Filled:
    """What somebody has filled in who works on the ticket."""
    filled = await filled_for(desk, item, me, answers)
    return replace(filled, hats=filled.hats | {rights.TICKET})


async def facts_of(desk: DeskAt, ticket: Ticket) -> dict[str, Any]:
    """What is known of the ticket, its customer and their device, as expressions name it."""
    names = desk.visible(Customer).with_only_columns(col(Customer.name))
    customer = await desk.session.scalar(names.where(col(Customer.id) == ticket.customer_id))
    query = desk.visible(OwnedProduct).where(col(OwnedProduct.id) == (ticket.owned_product_id or ""))
    owned = await desk.session.scalar(query)
    product = await desk.session.get(Product, owned.product_id) if owned is not None else None
    known: dict[str, Any] = {
        "id": ticket.id, "subject": ticket.subject, "description": ticket.description, "customer": customer,
        "product": product.name_ko if product else "", "serial": owned.serial if owned else "",
        "bought_on": owned.bought_on if owned else None,
        "warranty_until": owned.warranty_until if owned else None,
        "reported_on": in_seoul(ticket.created_at).date(),
    }  # fmt: skip
    empty = {"text": "", "date": None}
    return {name: known.get(name) or empty[kind] for name, kind in TICKET.items()}


def prefilled(item: Item, ticket: Mapping[str, Any]) -> dict[str, str]:
    """The answers that the ticket gives, as they would be typed; what it does not know is asked."""
    known = {"ticket": dict(ticket), "today": in_seoul(datetime.now(UTC)).date()}
    given: dict[str, str] = {}
    for name, text in item.from_ticket.items():
        try:
            value = expressions.evaluate(text, known)
        except expressions.Unanswerable:
            continue
        if value is not None and value != "":
            given[name] = as_typed(value)
    return given


def as_typed(value: Any) -> str:
    """A value as somebody would type it into the form."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


async def shown(
    request: Request, desk: DeskAt, ticket: Ticket, filled: Filled, key: str, *, form: Form | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    """The form, with what the ticket or the agent has answered."""
    page = await form_page(desk, ticket, filled, key)
    kept = form or Form({f"answers.{name}": value for name, value in filled.typed.items()})
    return answer(request, "employee_requests/handover_form.html", page, form=kept, status=status)


async def form_page(desk: DeskAt, ticket: Ticket, filled: Filled, key: str) -> HandoverForm:
    """Everything that the form shows before it is sent."""
    item, me, found = filled.item, filled.me, already_known(filled)
    questions = filled.questions
    answers = found | as_far_as_known(filled, questions)
    known = known_for(item, me, me)
    visible = asked_now(questions, answers, known)
    told_now = {name: answers.get(name) for name in (*found, *(field.id for field in visible))}
    ahead = await approvals_ahead(desk, item, Asking(me, me, known.answered(told_now), told_now))
    shown_fields = tuple(
        asked(one, chosen(filled.typed.get(one.id, ""), filled.files)) for one in visible
    )  # fmt: skip
    return HandoverForm(
        ticket.id, tile_of(item, None), key, f"/employee-requests/handover/{ticket.id}/{item.key}",
        item.is_confidential, shown_fields,
        tuple(name for name in item.from_ticket if filled.typed.get(name)), ahead,
    )  # fmt: skip
