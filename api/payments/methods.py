"""Payment methods of customers: added at the gateway's own form, made the usual one, taken back."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import text
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import say
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_, locale
from api.kit.rendering import answer, fresh_id, move_on
from api.kit.routes import CUSTOMERS
from api.kit.texts import Key, Line, MaybeLine
from api.payments.banks import BANKS
from api.payments.routing import router
from models.kit.ids import fresh
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import Refusal
from models.messages.payments import (
    MethodAuthorised,
    MethodCommand,
    MethodKind,
    MethodOrder,
    MethodStatus,
    method_workflow_id,
)
from models.payments import PaymentMethod, VirtualAccount

labels.register(
    "method",
    {
        MethodStatus.PENDING: Label(N_("Not completed"), "amber"),
        MethodStatus.ACTIVE: Label(N_("Can be used"), "green"),
        MethodStatus.INVALID: Label(N_("Cannot be used"), "red"),
        MethodStatus.REVOKED: Label(N_("Removed"), "gray"),
    },
)
# In words of its own: the app may not even name the column of the billing key, not to fill it with nothing.
STORE = text(
    "insert into payment_methods (id, customer_id, kind, status, provider, customer_key, label, is_default,"
    " created_at, seq) values (:id, :customer, :kind, :status, 'gateway', :key, '', false, :at, 0)"
    " on conflict do nothing"
)
OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.?=&%-]{0,199}")
AUTH_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")


async def active_of(desk: DeskAt, customer_id: str) -> tuple[tuple[str, str], ...]:
    """The customer's active methods as the asker may see them, the usual one first."""
    mine = col(PaymentMethod.customer_id) == customer_id, col(PaymentMethod.status) == MethodStatus.ACTIVE
    query = desk.visible(PaymentMethod).with_only_columns(col(PaymentMethod.id), col(PaymentMethod.label))
    newest = query.where(*mine).order_by(
        col(PaymentMethod.is_default).desc(), col(PaymentMethod.created_at), col(PaymentMethod.id)
    )
    return tuple((row[0], row[1]) for row in await desk.session.execute(newest))


class Adding(Input):
    """The wish to add a payment method, and where to go afterwards."""

    request_key: Key
    return_to: MaybeLine = ""


class FormAnswer(Input):
    """What the gateway's form handed back."""

    auth_key: Line
    return_to: MaybeLine = ""


class Saying(Input):
    """A command about one payment method."""

    command_id: Key


@dataclass(frozen=True)
class Method:
    """One payment method as its customer sees it."""

    id: str
    label: str
    status: MethodStatus
    is_default: bool
    created_at: datetime
    bank: str = ""  # the bank's code, for an account


@dataclass(frozen=True)
class MethodsPage:
    """Every payment method of a customer, and how to add one."""

    methods: tuple[Method, ...]
    request_key: str
    return_to: str
    banks: tuple[str, ...]
    virtual_account: str  # the number that this customer may pay into; empty: none was asked for


@dataclass(frozen=True)
class MethodPage:
    """One payment method that is being added: where its form is, or how it ended."""

    method: Method
    form: str
    is_sent: bool
    has_failed: bool
    return_to: str


@dataclass(frozen=True)
class ReturnPage:
    """The customer is back from the gateway's form; one more press, or a script, completes it."""

    action: str
    auth_key: str
    return_to: str


def own_path(address: str) -> str:
    """An address of our own to go on to; anything else is no address."""
    return address if OWN_PATH.fullmatch(address) else ""


@router.get("/payment-methods", may=CUSTOMERS)
async def index(request: Request, desk: Desk, return_to: str = "") -> Response:
    """List the customer's payment methods."""
    rows = desk.visible(PaymentMethod).where(
        col(PaymentMethod.customer_id) == desk.person.customer_id,
        col(PaymentMethod.status) != MethodStatus.REVOKED,
    )
    found = await desk.session.scalars(rows.order_by(col(PaymentMethod.created_at).desc()))
    own = desk.visible(VirtualAccount).where(col(VirtualAccount.customer_id) == desk.person.customer_id)
    account = (await desk.session.scalars(own)).first()
    page = MethodsPage(
        tuple(as_seen(one) for one in found), fresh_id(), own_path(return_to), tuple(BANKS),
        account.number if account else "",
    )  # fmt: skip
    return answer(request, "payments/index.html", page)


@router.post("/payment-methods", may=CUSTOMERS)
async def add(request: Request, desk: Desk, sent: Typed[Adding] = typed(Adding)) -> Response:
    """Store a method that waits for the gateway's form; sent twice it is one."""
    if sent.value is None or desk.person.customer_id is None:
        raise Refusal("invalid_form")
    method_id = f"pm_{sent.value.request_key}"
    row = {
        "id": method_id, "customer": desk.person.customer_id, "kind": MethodKind.CARD.value,
        "status": MethodStatus.PENDING.value, "key": fresh("ck"), "at": datetime.now(UTC),
    }  # fmt: skip
    await desk.session.execute(STORE, row)
    method = await desk.one(PaymentMethod, method_id)
    order = MethodOrder(method.id, method.customer_id)
    await announce_start(
        desk.session, "PaymentMethod", method_workflow_id(method.id), order,
        summary="A customer adds a payment method",
    )  # fmt: skip
    await desk.commit()
    address = address_of(method_id, own_path(sent.value.return_to))
    return move_on(request, address, data={"method_id": method_id}, status=201)


@router.get("/payment-methods/{method_id}", may=CUSTOMERS, row="method")
async def show(
    request: Request, desk: Desk, method_id: Key, return_to: str = "", code: str = "", sent: str = ""
) -> Response:
    """Lead to the gateway's form; afterwards say how it ended."""
    method = await desk.one(PaymentMethod, method_id)
    back = own_path(return_to)
    page = MethodPage(as_seen(method), form_of(request, method, back), bool(sent), bool(code), back)
    return answer(request, "payments/method.html", page)


@router.get("/payment-methods/{method_id}/authorisation", may=CUSTOMERS, row="method")
async def come_back(
    request: Request, desk: Desk, method_id: Key, auth_key: str = "", return_to: str = ""
) -> Response:
    """Back from the gateway's form. Looking changes nothing, so the page itself sends the answer."""
    method = await desk.one(PaymentMethod, method_id)
    if not AUTH_KEY.fullmatch(auth_key):
        return move_on(request, address_of(method.id, own_path(return_to)))
    page = ReturnPage(f"/payment-methods/{method.id}/authorisation", auth_key, own_path(return_to))
    return answer(request, "payments/authorised.html", page)


@router.post("/payment-methods/{method_id}/authorisation", may=CUSTOMERS, row="method")
async def authorise(
    request: Request, desk: Desk, method_id: Key, sent: Typed[FormAnswer] = typed(FormAnswer)
) -> Response:
    """Hand the form's answer to the method's life; the gateway's own news may have been faster."""
    method = await desk.one(PaymentMethod, method_id)
    if sent.value is None or not AUTH_KEY.fullmatch(sent.value.auth_key):
        raise Refusal("invalid_form")
    await tell(desk, method.id, sent.value.auth_key)
    await desk.commit()
    return move_on(
        request, address_of(method.id, own_path(sent.value.return_to), sent="1"), data={"status": "sent"}
    )


@router.post("/payment-methods/{method_id}/default", may=CUSTOMERS, row="method")
async def make_default(
    request: Request, desk: Desk, method_id: Key, sent: Typed[Saying] = typed(Saying)
) -> Response:
    """The customer wants to pay by this one."""
    return await said(request, desk, method_id, "make_default", sent.value)


@router.post("/payment-methods/{method_id}/revocation", may=CUSTOMERS, row="method")
async def revoke(
    request: Request, desk: Desk, method_id: Key, sent: Typed[Saying] = typed(Saying)
) -> Response:
    """The customer takes it back."""
    return await said(request, desk, method_id, "revoke", sent.value)


async def said(request: Request, desk: DeskAt, method_id: str, name: str, given: Saying | None) -> Response:
    """Say a command about a method that is the person's own and still lives."""
    method = await desk.one(PaymentMethod, method_id)
    if given is None:
        raise Refusal("invalid_form")
    lives = {MethodStatus.ACTIVE, MethodStatus.PENDING} if name == "revoke" else {MethodStatus.ACTIVE}
    if method.status not in lives:
        raise Refusal("method_not_active")
    order = MethodCommand(given.command_id, desk.person.id, datetime.now(UTC))
    told = await say(desk, method_workflow_id(method.id), name, order)
    return move_on(request, "/payment-methods", data={"status": told.value})


async def tell(desk: DeskAt, method_id: str, auth_key: str) -> None:
    """The form's answer, once, whoever brings it first: the browser or the gateway's own news."""
    await announce_signal(
        desk.session, method_workflow_id(method_id), "authorised", MethodAuthorised(method_id, auth_key),
        key=f"authorised:{method_id}",
    )  # fmt: skip


async def hear(desk: DeskAt, customer_key: str, auth_key: str) -> None:
    """What the gateway's news say: found by the random key that only the gateway and we know."""
    await desk.session.execute(text("select set_config('ieum.kind', 'system', true)"))
    found = await desk.session.scalar(text("select system_method(:key)"), {"key": customer_key})
    if found is not None and AUTH_KEY.fullmatch(auth_key):
        await tell(desk, found, auth_key)


def as_seen(method: PaymentMethod) -> Method:
    """What a page may know of a method: never its keys."""
    bank, _, digits = method.label.partition(" ")
    is_account = method.kind is MethodKind.ACCOUNT
    label = digits if is_account else method.label
    return Method(
        method.id, label, method.status, method.is_default, method.created_at, bank if is_account else ""
    )


def address_of(method_id: str, return_to: str, **more: str) -> str:
    """The page of one method."""
    asked = {**({"return_to": return_to} if return_to else {}), **more}
    return f"/payment-methods/{method_id}" + (f"?{urlencode(asked)}" if asked else "")


def form_of(request: Request, method: PaymentMethod, return_to: str) -> str:
    """The address of the gateway's form for this method."""
    settings = request.app.state.settings
    back = f"?{urlencode({'return_to': return_to})}" if return_to else ""
    asked = {
        "customer_key": method.customer_key, "locale": locale(),
        "success_url": f"{settings.public_url}/payment-methods/{method.id}/authorisation{back}",
        "fail_url": f"{settings.public_url}/payment-methods/{method.id}{back}",
    }  # fmt: skip
    return f"{settings.gateway_public_url}/billing?{urlencode(asked)}"
