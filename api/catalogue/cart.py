"""What somebody put aside: rows under the hash of a random cookie, or under the customer who signed in."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import delete, func, text, update
from sqlmodel import col, select
from starlette.responses import Response

from api.kit.desk import DeskAt
from api.kit.people import Kind, Person, token_hash
from models.kit.records import from_record, to_record
from models.kit.refusals import Refusal
from models.messages.catalogue import CartLine
from models.orders import CartItem
from models.rules.catalogue import MOST

KEPT_SECONDS = 30 * 24 * 3600
MOST_LINES = 30


@dataclass(frozen=True)
class Placed:
    """One line of a cart at its place; a place is never given to another line."""

    position: int
    line: CartLine


def customers_key(customer_id: str) -> str:
    """The key of a signed-in customer's cart."""
    return f"customer:{customer_id}"


def cookie_name(request: Request) -> str:
    """`__Host-` forbids other hosts to set it, and needs https."""
    return "__Host-ieum_cart" if request.app.state.settings.is_secure else "ieum_cart"


def cart_key(request: Request, person: Person) -> str:
    """The key of the asker's cart; empty while they have none."""
    if person.kind is Kind.CUSTOMER and person.customer_id:
        return customers_key(person.customer_id)
    return token_hash(request.cookies.get(cookie_name(request), ""))


async def lines_of(desk: DeskAt, key: str) -> tuple[Placed, ...]:
    """What lies in a cart, in the order in which it was put there."""
    if not key:
        return ()
    mine = select(CartItem).where(col(CartItem.cart_key) == key).order_by(col(CartItem.position))
    found = await desk.session.scalars(mine.limit(MOST_LINES))
    return tuple(Placed(item.position, from_record(CartLine, item.line)) for item in found)


async def count_of(desk: DeskAt, key: str) -> int:
    """How many lines lie in a cart."""
    if not key:
        return 0
    mine = select(func.count()).select_from(CartItem).where(col(CartItem.cart_key) == key)
    return int(await desk.session.scalar(mine) or 0)


async def put(desk: DeskAt, key: str, line: CartLine) -> None:
    """Add a line; the same thing once more is a larger quantity."""
    await _lock(desk, key)
    there = await lines_of(desk, key)
    same = next((one for one in there if replace(one.line, quantity=line.quantity) == line), None)
    if same is not None:
        more = min(same.line.quantity + line.quantity, MOST)
        await change(desk, key, same.position, replace(line, quantity=more))
        return
    if len(there) >= MOST_LINES:
        raise Refusal("cart_full")
    position = max((one.position for one in there), default=0) + 1
    desk.session.add(
        CartItem(cart_key=key, position=position, line=to_record(line), updated_at=datetime.now(UTC))
    )
    await desk.session.flush()


async def change(desk: DeskAt, key: str, position: int, line: CartLine) -> None:
    """Replace a line where it lies."""
    mine = (col(CartItem.cart_key) == key, col(CartItem.position) == position)
    changed = update(CartItem).where(*mine).values(line=to_record(line), updated_at=datetime.now(UTC))
    await desk.session.execute(changed.execution_options(synchronize_session=False))


async def take_out(desk: DeskAt, key: str, position: int) -> None:
    """Remove a line; one that is gone already stays gone."""
    mine = (col(CartItem.cart_key) == key, col(CartItem.position) == position)
    await desk.session.execute(delete(CartItem).where(*mine).execution_options(synchronize_session=False))


async def clear(desk: DeskAt, key: str) -> None:
    """Empty a cart, because it became an order."""
    if key:
        mine = delete(CartItem).where(col(CartItem.cart_key) == key)
        await desk.session.execute(mine.execution_options(synchronize_session=False))


async def hand_over(desk: DeskAt, key: str, customer_id: str) -> None:
    """Put what a stranger chose into the cart of the customer whom we know now."""
    if not key or key == customers_key(customer_id):
        return
    for placed in await lines_of(desk, key):
        await put(desk, customers_key(customer_id), placed.line)
    await clear(desk, key)


def key_for_writing(request: Request, person: Person) -> tuple[str, str]:
    """The key of the asker's cart, and the new cookie if they had none yet."""
    key = cart_key(request, person)
    if key:
        return key, ""
    token = secrets.token_urlsafe(24)
    return token_hash(token), token


def remember(request: Request, response: Response, token: str) -> Response:
    """Give the browser the cookie of its new cart."""
    if token:
        response.set_cookie(
            cookie_name(request), token, max_age=KEPT_SECONDS, path="/",
            secure=request.app.state.settings.is_secure, httponly=True, samesite="lax",
        )  # fmt: skip
    return response


async def _lock(desk: DeskAt, key: str) -> None:
    """Two clicks of one browser are taken one after the other."""
    await desk.session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 7))"), {"key": key})
