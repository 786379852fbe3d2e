"""Articles beside a ticket: what fits, put into the reply as link or text, marked when there is none."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from pydantic import Field
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeLine
from api.knowledge import counting
from api.knowledge.help import about, published
from api.knowledge.routing import router
from api.knowledge.searching import Found, fitting, search
from models.customers import Customer, OwnedProduct
from models.kit import ids, markdown
from models.kit.refusals import Refusal
from models.knowledge import ArticleGap
from models.messages.knowledge import Audience, GapStatus, Place, Use
from models.messages.tickets import MessageKind
from models.rules.knowledge import masked
from models.tickets import Draft, Ticket

LONGEST_REPLY = 10_000


class Insertion(Input):
    """An article for the reply: an address, or all of its words."""

    article_key: Key
    how: Literal["link", "text"] = "link"


class Missing(Input):
    """What an article should have answered."""

    words: Annotated[MaybeLine, Field(max_length=120)] = ""


@dataclass(frozen=True)
class BesidePage:
    """What fits to a ticket, or what was searched."""

    ticket_id: str
    subject: str
    q: str
    found: tuple[Found, ...]
    gap: GapStatus | None
    is_over: bool

    @property
    def href(self) -> str:
        """The address of this list."""
        return f"/knowledge/tickets/{self.ticket_id}"


@router.get("/knowledge/tickets/{ticket_id}", may=AGENTS, row="ticket")
async def beside(request: Request, desk: Desk, ticket_id: Key, q: MaybeLine = "") -> Response:
    """Show the articles that fit to a ticket by its words and its product, or those that hold other words."""
    ticket = await desk.one(Ticket, ticket_id)
    if q:
        found = await search(desk, q, most=6)
    else:
        found = await fitting(
            desk, f"{ticket.subject} {ticket.description}", await _products(desk, ticket), most=4
        )
    gap = await desk.session.scalar(
        desk.visible(ArticleGap)
        .with_only_columns(col(ArticleGap.status))
        .where(col(ArticleGap.ticket_id) == ticket_id)
    )
    page = BesidePage(ticket_id, ticket.subject, q, found, gap, ticket.is_over)
    drawn = answer(request, "knowledge/beside.html", page, block="article_list")
    if q and not found:
        await counting.nothing_found(request, desk, q, Place.TICKET)
    return drawn


@router.post("/knowledge/tickets/{ticket_id}/insertions", may=AGENTS, row="ticket")
async def put_in(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Insertion] = typed(Insertion)
) -> Response:
    """Put an article into the reply, in the customer's language; only what customers may read."""
    ticket = await desk.one(Ticket, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    article = await published(desk, sent.value.article_key)
    if article.audience is not Audience.CUSTOMERS:
        raise Refusal("article_internal")
    customer = await desk.one(Customer, ticket.customer_id)
    spoken = "en" if customer.locale == "en" else "ko"
    title, body = getattr(article, f"title_{spoken}"), getattr(article, f"body_{spoken}")
    link = f"{request.app.state.settings.public_url}/help/{article.article_key}?{urlencode({'lang': spoken})}"
    text = f"{title}\n{link}"
    if sent.value.how == "text":
        text = f"{title}\n\n{markdown.plain_of(body)}"[:LONGEST_REPLY]
    if not wants_json(request):
        await _into_draft(desk, ticket_id, text)
    await desk.commit()
    await counting.used(request, desk, article.article_key, Use.INSERTED)
    return move_on(request, f"/tickets/{ticket_id}#reply", data={"text": text})


@router.post("/knowledge/tickets/{ticket_id}/gap", may=AGENTS, row="ticket")
async def mark(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Missing] = typed(Missing)
) -> Response:
    """Mark that no article answers this ticket; said again, the newer words count."""
    ticket = await desk.one(Ticket, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    row = {
        "id": ids.fresh("kg"), "ticket_id": ticket.id, "words": masked(sent.value.words),
        "marked_by": desk.person.id, "marked_at": datetime.now(UTC), "status": GapStatus.OPEN,
    }  # fmt: skip
    new = insert(ArticleGap).values(row)
    again = {"words": row["words"], "status": GapStatus.OPEN, "settled_by": None}
    await desk.session.execute(new.on_conflict_do_update(index_elements=["ticket_id"], set_=again))
    await desk.commit()
    if is_fragment(request):
        return await beside(request, desk, ticket_id)
    return move_on(request, f"/tickets/{ticket_id}", data={"status": GapStatus.OPEN})


async def _products(desk: DeskAt, ticket: Ticket) -> tuple[str, ...]:
    """How articles may name the product that a ticket is about."""
    if ticket.owned_product_id is None:
        return ()
    owned = await desk.one(OwnedProduct, ticket.owned_product_id)
    return await about(desk, owned.product_id)


async def _into_draft(desk: DeskAt, ticket_id: str, text: str) -> None:
    """Without scripts: behind what this person had typed."""
    mine = (col(Draft.ticket_id) == ticket_id, col(Draft.account_id) == desk.person.account_id)
    kept: Any = await desk.session.scalar(desk.visible(Draft).where(*mine))
    body = f"{kept.body}\n\n{text}" if kept is not None and kept.body.strip() else text
    row = {
        "ticket_id": ticket_id, "account_id": desk.person.account_id, "kind": MessageKind.REPLY,
        "body": body[:LONGEST_REPLY], "updated_at": datetime.now(UTC),
    }  # fmt: skip
    new = insert(Draft).values(row)
    again = {"kind": row["kind"], "body": row["body"], "updated_at": row["updated_at"]}
    await desk.session.execute(
        new.on_conflict_do_update(index_elements=["ticket_id", "account_id"], set_=again)
    )
