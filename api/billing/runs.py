"""Bill runs as finance sees them: begun or previewed, watched, held, ended; what was left out and why."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import say
from api.billing.routing import router
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import FINANCE
from api.kit.seeing import may_see
from api.kit.sentences import sentence
from api.kit.texts import Key, MaybeLine
from models.billing import BillRun, BillSkip, BillSlice
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.billing.runs import (
    BillAgain,
    BillRunOrder,
    RunCommand,
    RunStatus,
    SkipReason,
    SliceCounts,
    SliceStatus,
    again_workflow_id,
    preview_id,
    run_id,
    run_workflow_id,
)
from models.rules.billing.runs import Pace, pace
from models.rules.subscriptions.periods import business_day

PAGE, MOST_PARKED = 30, 200
labels.register(
    "bill_run",
    {
        RunStatus.PLANNED: Label(N_("Planned"), "gray"),
        RunStatus.RUNNING: Label(N_("Under way"), "blue"),
        RunStatus.PAUSED: Label(N_("Paused"), "amber"),
        RunStatus.DONE: Label(N_("Done"), "green"),
        RunStatus.CANCELLED: Label(N_("Ended early"), "gray"),
    },
)
labels.register(
    "bill_slice",
    {SliceStatus.OPEN: Label(N_("Not billed yet"), "gray"), SliceStatus.DONE: Label(N_("Done"), "green")},
)
labels.register(
    "skip",
    {
        SkipReason.NOTHING_TO_PAY: Label(N_("Nothing to pay: carried to the next bill"), "gray"),
        SkipReason.CREDIT: Label(N_("A credit is left: carried to the next bill"), "teal"),
        SkipReason.SUSPENDED: Label(N_("Services are off: these days cost nothing"), "orange"),
        SkipReason.OPEN_CHANGE: Label(N_("Waits for an open change of the contract"), "amber"),
        SkipReason.TERMS: Label(N_("The terms of a contract cannot be read"), "red"),
        SkipReason.REFUSED: Label(N_("A charge or invoice contradicts what is already booked"), "red"),
    },
)
labels.register(
    "skip_repair",
    {
        SkipReason.TERMS: Label(
            N_("Correct the plan or the discount of its contracts, then bill the account again.")
        ),
        SkipReason.REFUSED: Label(
            N_("Compare the contract's charges with its billed period and correct them, then bill it again.")
        ),
    },
    is_part=True,
)


class Asking(Input):
    """A run or a preview of a day."""

    submission_key: Key
    day: date
    kind: Literal["run", "preview"] = "preview"


class Ordering(Input):
    """Hold a run, let it go on, or end it."""

    command_id: Key
    reason: MaybeLine = ""


class Repaired(Input):
    """An account that was parked is billed again."""

    request_key: Key


@dataclass(frozen=True)
class Row:
    """One run in the list, with what it came to so far."""

    run: BillRun
    slices: int
    done: int
    invoices: int
    total_minor: int
    parked: int


@dataclass(frozen=True)
class Runs:
    """The runs, the newest first."""

    rows: tuple[Row, ...]
    today: date
    next: str


@dataclass(frozen=True)
class Parked:
    """An account without a bill: why, and how it is repaired."""

    skip: BillSkip
    can_try: bool


@dataclass(frozen=True)
class RunPage:
    """One run as it stands now."""

    run: BillRun
    counts: SliceCounts
    pace: Pace
    slices: tuple[BillSlice, ...]
    skips: tuple[tuple[SkipReason, int, int], ...]  # reason, accounts, amount
    parked: tuple[Parked, ...]
    story: tuple[tuple[datetime, str], ...]
    may: tuple[str, ...]
    is_live: bool


@router.get("/billing/runs", may=FINANCE)
async def runs(request: Request, desk: Desk, after: str = "") -> Response:
    """List bill runs and previews, the newest first."""
    return answer(request, "billing/runs.html", await run_list(desk, after))


@router.post("/billing/runs", may=FINANCE)
async def begin(request: Request, desk: Desk, sent: Typed[Asking] = typed(Asking)) -> Response:
    """Begin the run of a day, or a preview of it that writes no money."""
    if sent.value is None:
        page = await run_list(desk, "")
        return answer(request, "billing/runs.html", page, status=422, form=sent.form)
    given, today = sent.value, business_day(datetime.now(UTC))
    is_preview = given.kind == "preview"
    if not is_preview and given.day > today:
        raise Refusal("run_in_future")
    if given.day > today + timedelta(days=366):
        raise Refusal("invalid_form")
    known = desk.visible(BillRun).where(col(BillRun.day) == given.day, col(BillRun.is_preview) == is_preview)
    there = list(await desk.session.scalars(known))
    run = preview_id(given.day, len(there) + 1) if is_preview else run_id(given.day)
    if there and not is_preview:
        raise Refusal("run_exists")
    await _store(desk, BillRunOrder(run, given.day, is_preview, desk.person.id))
    await desk.commit()
    return move_on(request, f"/billing/runs/{run}", data={"run_id": run})


async def _store(desk: DeskAt, order: BillRunOrder) -> None:
    """The run's row and the start of its life, in one transaction."""
    row = {"id": order.run_id, "day": order.day, "is_preview": order.is_preview, "asked_by": order.asked_by,
           "status": RunStatus.PLANNED, "created_at": datetime.now(UTC), "seq": 0}  # fmt: skip
    await desk.session.execute(insert(BillRun).values(row).on_conflict_do_nothing())
    summary = f"{'Preview' if order.is_preview else 'Bill run'} of {order.day}"
    workflow_id = run_workflow_id(order.run_id)
    await announce_start(desk.session, "BillRun", workflow_id, order, summary=summary)


@router.get("/billing/runs/{run_id}", may=FINANCE, row="run")
async def show_run(request: Request, desk: Desk, run_id: Key) -> Response:
    """Show one run: how far it is, what it came to, what it left out and why."""
    return answer(request, "billing/run.html", await run_page(desk, await desk.one(BillRun, run_id)))


@router.post("/billing/runs/{run_id}/pause", may=FINANCE, row="run")
async def pause(
    request: Request, desk: Desk, run_id: Key, sent: Typed[Ordering] = typed(Ordering)
) -> Response:
    """Finance holds the run."""
    return await _order(request, desk, run_id, "pause", sent)


@router.post("/billing/runs/{run_id}/resumption", may=FINANCE, row="run")
async def resume(
    request: Request, desk: Desk, run_id: Key, sent: Typed[Ordering] = typed(Ordering)
) -> Response:
    """Finance lets the run go on."""
    return await _order(request, desk, run_id, "resume", sent)


@router.post("/billing/runs/{run_id}/cancellation", may=FINANCE, row="run")
async def end(request: Request, desk: Desk, run_id: Key, sent: Typed[Ordering] = typed(Ordering)) -> Response:
    """Finance ends the run; what is billed stays billed."""
    return await _order(request, desk, run_id, "cancel", sent)


async def _order(request: Request, desk: DeskAt, run_id: str, word: str, sent: Typed[Ordering]) -> Response:
    run = await desk.one(BillRun, run_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    if run.status in (RunStatus.DONE, RunStatus.CANCELLED):
        raise Refusal("run_over")
    order = RunCommand(sent.value.command_id, desk.person.id, datetime.now(UTC), sent.value.reason)
    said = await say(desk, run_workflow_id(run.id), word, order)
    return move_on(request, f"/billing/runs/{run.id}", data={"status": said.value})


@router.post("/billing/runs/{run_id}/accounts/{customer_id}", may=FINANCE, row="run")
async def try_again(
    request: Request, desk: Desk, run_id: Key, customer_id: Key, sent: Typed[Repaired] = typed(Repaired)
) -> Response:
    """Bill a parked account again, once what parked it is repaired."""
    run = await desk.one(BillRun, run_id)
    query = desk.visible(BillSkip).where(
        col(BillSkip.run_id) == run.id, col(BillSkip.customer_id) == customer_id, col(BillSkip.is_error)
    )
    skip = await desk.session.scalar(query.limit(1))
    if skip is None:
        raise Refusal("not_found")
    if sent.value is None:
        raise Refusal("invalid_form")
    if skip.solved_at is not None:
        raise Refusal("account_not_parked")
    order = BillAgain(sent.value.request_key[-16:], run.id, customer_id, desk.person.id)
    await announce_start(
        desk.session, "BillAccount", again_workflow_id(order.key), order,
        summary=f"Bill a parked account of {run.id} again",
    )  # fmt: skip
    await desk.commit()
    return move_on(request, f"/billing/runs/{run.id}", data={"key": order.key})


async def run_list(desk: DeskAt, after: str) -> Runs:
    """One page of runs, by keyset."""
    query = desk.visible(BillRun).order_by(col(BillRun.created_at).desc(), col(BillRun.id).desc())
    if after:
        earlier = select(col(BillRun.created_at)).where(
            col(BillRun.id) == after, may_see(desk.person, BillRun)
        )
        query = query.where(col(BillRun.created_at) < earlier.scalar_subquery())
    found = list(await desk.session.scalars(query.limit(PAGE + 1)))
    sums = await _sums(desk, [one.id for one in found[:PAGE]])
    rows = tuple(Row(one, *sums.get(one.id, (0, 0, 0, 0, 0))) for one in found[:PAGE])
    address = "/billing/runs?" + urlencode({"after": found[PAGE - 1].id}) if len(found) > PAGE else ""
    return Runs(rows, business_day(datetime.now(UTC)), address)


async def _sums(desk: DeskAt, ids: list[str]) -> dict[str, tuple[int, ...]]:
    done = col(BillSlice.status) == SliceStatus.DONE
    query: Any = select(
        col(BillSlice.run_id), func.count(), func.count().filter(done), func.sum(col(BillSlice.invoices)),
        func.sum(col(BillSlice.total_minor)), func.sum(col(BillSlice.parked_accounts)),
    )  # fmt: skip
    query = query.where(may_see(desk.person, BillSlice), col(BillSlice.run_id).in_(ids))
    found = await desk.session.execute(query.group_by(col(BillSlice.run_id)))
    return {row[0]: tuple(int(one) for one in row[1:]) for row in found}


async def run_page(desk: DeskAt, run: BillRun) -> RunPage:
    """Everything about one run, read from its slices and skips."""
    query = desk.visible(BillSlice).where(col(BillSlice.run_id) == run.id)
    slices = tuple(await desk.session.scalars(query.order_by(col(BillSlice.number))))
    names = SliceCounts.__dataclass_fields__
    counts = SliceCounts(**{name: sum(getattr(one, name) for one in slices) for name in names})
    expected = sum(one.expected for one in slices)
    begun, now = run.started_at or run.created_at, datetime.now(UTC)
    is_live = run.status in (RunStatus.PLANNED, RunStatus.RUNNING, RunStatus.PAUSED)
    last = max((one.done_at for one in slices if one.done_at), default=None)
    until = now if is_live else run.ended_at or last or now
    may = {
        RunStatus.RUNNING: ("pause", "cancel"),
        RunStatus.PAUSED: ("resume", "cancel"),
    }.get(run.status, ())
    return RunPage(
        run, counts, pace(counts.accounts, expected, until - begun), slices, await _skips(desk, run),
        await _parked(desk, run), await _story(desk, run), may, is_live,
    )  # fmt: skip


async def _skips(desk: DeskAt, run: BillRun) -> tuple[tuple[SkipReason, int, int], ...]:
    mine = may_see(desk.person, BillSkip), col(BillSkip.run_id) == run.id, col(BillSkip.subscription_id) == ""
    query: Any = select(col(BillSkip.reason), func.count(), func.sum(col(BillSkip.amount_minor)))
    found = await desk.session.execute(query.where(*mine).group_by(col(BillSkip.reason)))
    return tuple(sorted((row[0], int(row[1]), int(row[2])) for row in found))


async def _parked(desk: DeskAt, run: BillRun) -> tuple[Parked, ...]:
    query = desk.visible(BillSkip).where(col(BillSkip.run_id) == run.id, col(BillSkip.is_error))
    rows = await desk.session.scalars(query.order_by(col(BillSkip.customer_id)).limit(MOST_PARKED))
    return tuple(Parked(one, one.solved_at is None and not run.is_preview) for one in rows)


async def _story(desk: DeskAt, run: BillRun) -> tuple[tuple[datetime, str], ...]:
    subject = col(TimelineEntry.subject) == run_workflow_id(run.id)
    query = desk.visible(TimelineEntry).where(subject).order_by(col(TimelineEntry.at), col(TimelineEntry.id))
    return tuple((one.at, sentence(one.sentence, one.details)) for one in await desk.session.scalars(query))
