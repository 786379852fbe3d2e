"""Files for the bank as finance sees them, and the customer's consent to debits from an account."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlalchemy import func, select, text
from sqlmodel import col
from starlette.responses import Response

from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import CUSTOMERS, FINANCE
from api.kit.seeing import may_see
from api.kit.texts import Key
from api.payments.routing import router
from models.kit.ids import fresh
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.kit.sealing import Seals
from models.messages.payments import MethodKind, MethodOrder, method_workflow_id
from models.messages.payments.transfers import BatchKind, BatchStatus, RowStatus
from models.payments import PaymentMethod, TransferBatch, TransferOddity, TransferRow
from models.rules.payments.transfers import masked

PAGE, MOST_ROWS = 30, 200
CONSENT = "2026-11"  # the text of the consent that the page shows
labels.register(
    "batch_kind",
    {BatchKind.REGISTRATION: Label(N_("Mandates")), BatchKind.DEBIT: Label(N_("Debits"))},
)
labels.register(
    "batch",
    {
        BatchStatus.FILLING: Label(N_("Being made"), "blue"),
        BatchStatus.READY: Label(N_("Ready"), "blue"),
        BatchStatus.SENT: Label(N_("At the bank"), "indigo"),
        BatchStatus.MISSED: Label(N_("Missed its cut-off"), "red"),
        BatchStatus.DONE: Label(N_("Ended"), "green"),
        BatchStatus.EMPTY: Label(N_("Empty"), "gray"),
    },
)
labels.register(
    "transfer_row",
    {
        RowStatus.WAITING: Label(N_("Waiting for the bank"), "amber"),
        RowStatus.DONE: Label(N_("Done"), "green"),
        RowStatus.REFUSED: Label(N_("Refused"), "red"),
        RowStatus.MISSED: Label(N_("In the next file"), "gray"),
    },
)
labels.register(
    "oddity",
    {
        "unreadable": Label(N_("A line that nobody can read"), "orange"),
        "unknown_row": Label(N_("A row that we never sent"), "red"),
        "wrong_amount": Label(N_("A row with another amount"), "red"),
    },
)
STORE = text(
    "insert into payment_methods (id, customer_id, kind, status, provider, customer_key, billing_key, label,"
    " is_default, created_at, seq) values (:id, :customer, 'account', 'pending', 'bank', :key, :sealed,"
    " :label, false, :at, 0) on conflict do nothing"
)
CONSENTED = text(
    "insert into mandates (method_id, customer_id, bank, consent, consented_at)"
    " values (:id, :customer, :bank, :consent, :at) on conflict do nothing"
)


def _digits(value: object) -> object:
    return value.replace("-", "").replace(" ", "") if isinstance(value, str) else value


class Consenting(Input):
    """A bank account and the consent to debits from it."""

    request_key: Key
    bank: Literal["004", "011", "020", "081", "088", "090"]
    account: Annotated[str, BeforeValidator(_digits), Field(pattern=r"^[0-9]{10,16}$")]
    is_agreed: Literal["true"]


@dataclass(frozen=True)
class Batch:
    """One file with what is in it."""

    id: str
    kind: BatchKind
    day: date
    status: BatchStatus
    cut_off: datetime
    result_due: datetime
    sent_at: datetime | None
    rows: int
    done: int
    refused: int
    amount_minor: int
    done_minor: int


@dataclass(frozen=True)
class BatchesPage:
    """The files, the newest first."""

    batches: tuple[Batch, ...]


@dataclass(frozen=True)
class BatchPage:
    """One file with its rows and what in its result fits none of them."""

    batch: Batch
    rows: tuple[TransferRow, ...]
    oddities: tuple[TransferOddity, ...]


@router.get("/payments/transfers", may=FINANCE)
async def batches(request: Request, desk: Desk) -> Response:
    """List the files for the bank."""
    query = desk.visible(TransferBatch).order_by(col(TransferBatch.day).desc(), col(TransferBatch.id))
    found = [await batch_of(desk, one) for one in await desk.session.scalars(query.limit(PAGE))]
    return answer(request, "payments/transfers.html", BatchesPage(tuple(found)))


@router.get("/payments/transfers/{batch_id}", may=FINANCE, row="batch")
async def batch(request: Request, desk: Desk, batch_id: Key) -> Response:
    """Show one file and its rows."""
    found = await desk.one(TransferBatch, batch_id)
    rows = desk.visible(TransferRow).where(col(TransferRow.batch_id) == found.id)
    odd = desk.visible(TransferOddity).where(col(TransferOddity.batch_id) == found.id)
    page = BatchPage(
        await batch_of(desk, found),
        tuple(await desk.session.scalars(rows.order_by(col(TransferRow.number)).limit(MOST_ROWS))),
        tuple(await desk.session.scalars(odd.order_by(col(TransferOddity.place)))),
    )
    return answer(request, "payments/transfer.html", page)


@router.post("/payment-methods/accounts", may=CUSTOMERS)
async def consent(request: Request, desk: Desk, sent: Typed[Consenting] = typed(Consenting)) -> Response:
    """Store a mandate: the account's number is sealed at once and read by no page again."""
    if sent.value is None or desk.person.customer_id is None:
        raise Refusal("account_invalid" if sent.value is None else "invalid_form")
    given, name = sent.value, f"pm_{sent.value.request_key}"
    seals = Seals(request.app.state.settings.payload_keys)
    row = {
        "id": name, "customer": desk.person.customer_id, "key": fresh("ck"), "at": datetime.now(UTC),
        "sealed": seals.seal(given.account, name), "label": f"{given.bank} {masked(given.account)}",
        "bank": given.bank, "consent": CONSENT,
    }  # fmt: skip
    await desk.session.execute(STORE, row)
    method = await desk.one(PaymentMethod, name)
    if method.kind is not MethodKind.ACCOUNT:
        raise Refusal("invalid_form")
    await desk.session.execute(CONSENTED, row)
    order = MethodOrder(method.id, method.customer_id, is_account=True)
    await announce_start(
        desk.session, "PaymentMethod", method_workflow_id(method.id), order,
        summary="A customer agrees to debits from an account",
    )  # fmt: skip
    await desk.commit()
    return move_on(request, "/payment-methods", data={"method_id": name}, status=201)


async def batch_of(desk: DeskAt, found: TransferBatch) -> Batch:
    """A file with the sums of its rows."""
    status, amount = col(TransferRow.status), col(TransferRow.amount_minor)
    inside = status != RowStatus.MISSED
    query = select(
        func.count().filter(inside), func.count().filter(status == RowStatus.DONE),
        func.count().filter(status == RowStatus.REFUSED),
        func.coalesce(func.sum(amount).filter(inside), 0),
        func.coalesce(func.sum(amount).filter(status == RowStatus.DONE), 0),
    ).where(may_see(desk.person, TransferRow), col(TransferRow.batch_id) == found.id)  # fmt: skip
    rows, done, refused, total, moved = (await desk.session.execute(query)).one()
    return Batch(
        found.id, found.kind, found.day, found.status, found.cut_off, found.result_due, found.sent_at, rows,
        done, refused, int(total), int(moved),
    )  # fmt: skip
