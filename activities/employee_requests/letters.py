"""Letters about requests: who gets each, what it says, and the link with which one approves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.employee_requests import reading
from activities.employee_requests.beginning import account_of
from activities.kit.letters import LOCALES, Stationery, money
from activities.kit.links import Links
from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest, RequestApproval, RequestReader, RequestStep
from models.kit import expressions
from models.messages.employee_requests.items import Hands, Item, Moment
from models.messages.letters import Delivery, Letter
from models.messages.staff import LinkPurpose
from models.messages.systems import System
from models.rules.employee_requests.paths import step_at
from models.staff import Account, Employee
from models.systems import SentMessage

LINK_DAYS = 14
PAGES = {
    "approval": "/employee-requests/approvals/{about}",
    "approval_reminder": "/employee-requests/approvals/{about}",
    "task": "/employee-requests/tasks/{task}",
    "task_late": "/employee-requests/tasks/{task}",
    "undo_by_hand": "/employee-requests/tasks/{task}.undo",
}


@dataclass(frozen=True)
class Reader:
    """Whom a letter goes to: an account or, when they have none, an employee."""

    id: str
    name: str
    address: str
    locale: str
    account_id: str | None


@dataclass
class RequestLetterActivities:
    """Letters about requests. Names and addresses never leave this activity towards Temporal."""

    engine: AsyncEngine
    mail: Mail
    links: Links
    stationery: Stationery = field(default_factory=Stationery)

    @activity.defn(name="employee_requests.write")
    async def write(self, letter: Letter) -> Delivery:
        """Send one letter to everybody whom it is for. Safe to repeat: each reader's key that was sent is
        left alone, and the mail system takes each key once."""
        name = letter.template.partition("/")[2]
        async with transaction(self.engine) as session:
            request = await session.get_one(EmployeeRequest, letter.case_id)
            item = await reading.item_of(session, request.item_key, request.item_version)
            readers = await readers_of(session, request, item, name, letter.values)
            readers = await _let_in(session, request, letter, readers)
        outcome = Delivery.NOWHERE
        for reader in readers:
            if await self._to_one(letter, name, reader):
                outcome = Delivery.MAIL
        return outcome

    async def _to_one(self, letter: Letter, name: str, reader: Reader) -> bool:
        key = f"{letter.key}:{reader.id}"
        async with transaction(self.engine) as session:
            if await session.get(SentMessage, key) is not None:
                return True
            request = await session.get_one(EmployeeRequest, letter.case_id)
            values = await self._values(session, request, name, letter, reader, key)
        mail = self.stationery.mail(letter.template, reader.locale, values)
        try:
            provider_id = await self.mail.send(
                reader.address, mail.subject, mail.text, mail.html, key=key, case_id=letter.case_id
            )
        except ReceiverRefused:
            return False
        row = {
            "key": key, "system": System.MAIL, "ticket_id": None, "case_id": letter.case_id,
            "letter": letter.template, "sent_at": datetime.now(UTC), "provider_id": provider_id,
        }  # fmt: skip
        async with transaction(self.engine) as session:
            await session.execute(insert(SentMessage).values(row).on_conflict_do_nothing())
        return True

    async def _values(
        self, session: AsyncSession, request: EmployeeRequest, name: str, letter: Letter, reader: Reader,
        key: str,
    ) -> dict[str, Any]:  # fmt: skip
        item = await reading.item_of(session, request.item_key, request.item_version)
        asked = await session.get(RequestApproval, letter.values.get("approval_id", ""))
        path = asked.path if asked is not None else letter.values.get("path", "")
        step = step_at(item, path) if path else None
        person = await session.get(Employee, request.for_employee_id)
        amount = asked.amount_minor if asked is not None else None
        values: dict[str, Any] = {
            "name": reader.name, "request_id": request.id, "item": item.names[reader.locale],
            "person": person.name if person is not None else "",
            "stage": step.names[reader.locale] if step else "",
            "amount": money(amount, "KRW", reader.locale) if amount is not None else "",
            "question": asked.question if asked is not None else "", "status": request.status.value,
            "needs_sign_in": asked is not None and asked.needs_sign_in,
            "link": await self._link(session, request, name, asked, path, reader, key),
        }  # fmt: skip
        return values | await texts_of(session, request, item, letter, path, reader.locale)

    async def _link(
        self, session: AsyncSession, request: EmployeeRequest, name: str, asked: RequestApproval | None,
        path: str, reader: Reader, key: str,
    ) -> str:  # fmt: skip
        """Whoever is asked by name decides by a one-time link; everybody else signs in."""
        is_personal = asked is not None and asked.approver_employee_id is not None
        if name in ("approval", "approval_reminder") and asked is not None and is_personal:
            now = datetime.now(UTC)
            return await self.links.make(
                session, LinkPurpose.APPROVE, key=f"{key}:approve", customer_id=None, ticket_id=None,
                case_id=request.id, subject=asked.id, at=now, expires_at=now + timedelta(days=LINK_DAYS),
            )  # fmt: skip
        about = asked.id if asked is not None else ""
        page = PAGES.get(name, "/employee-requests/{request}")
        page = page.format(about=about, task=f"{request.id}.{path}", request=request.id)
        return f"{self.links.public_url}{page}"


async def readers_of(
    session: AsyncSession, request: EmployeeRequest, item: Item, name: str, values: dict[str, str]
) -> Sequence[Reader]:
    """Whom a letter is for."""
    if name in ("approval", "approval_reminder"):
        asked = await session.get_one(RequestApproval, values["approval_id"])
        if asked.approver_employee_id is None:
            return await _team(session, asked.team_id or item.owner_team)
        return await _employee(session, asked.approver_employee_id)
    if name in ("task", "task_late", "undo_by_hand"):
        step = step_at(item, values["path"])
        by_hand = name == "undo_by_hand" or step is None or step.task is None
        return await _team(session, item.owner_team if by_hand or not step else step.task.team)  # type: ignore[union-attr]
    if name in ("form", "form_late", "message"):
        step = step_at(item, values["path"])
        part = (step.form or step.message) if step is not None else None
        if part is None:
            return ()
        hands = step.form.by if step is not None and step.form else step.message.to  # type: ignore[union-attr]
        return await _hands(session, request, hands, part.team)
    people = [*await _account(session, request.asked_by)]
    if name == "notice" or not people:
        people += await _employee(session, request.for_employee_id)
    return list({one.address: one for one in people}.values())


async def _let_in(
    session: AsyncSession, request: EmployeeRequest, letter: Letter, readers: Sequence[Reader]
) -> Sequence[Reader]:
    """Of a confidential request only those are written to who may see it when the letter is sent, and whom
    it is for or who decides, who perhaps never sign in."""
    if not request.is_confidential:
        return readers
    named = select(col(RequestReader.account_id)).where(col(RequestReader.request_id) == request.id)
    accounts = set(await session.scalars(named))
    asked = await session.get(RequestApproval, letter.values.get("approval_id", ""))
    people = {request.for_employee_id, asked.approver_employee_id if asked is not None else None}
    return [one for one in readers if one.account_id in accounts or one.id in people]


async def _hands(
    session: AsyncSession, request: EmployeeRequest, hands: Hands, team: str
) -> Sequence[Reader]:
    if hands is Hands.TEAM:
        return await _team(session, team)
    if hands is Hands.BENEFICIARY:
        return await _employee(session, request.for_employee_id)
    if hands is Hands.MANAGER:
        me = await session.get(Employee, request.for_employee_id)
        return await _employee(session, (me.manager_id or "") if me is not None else "")
    return await _account(session, await account_of(session, request, hands))


async def _team(session: AsyncSession, team: str) -> Sequence[Reader]:
    query = select(Account).where(col(Account.team_id) == team, col(Account.is_active)).order_by(Account.id)
    return [_reader(one) for one in await session.scalars(query)]


async def _account(session: AsyncSession, account_id: str | None) -> Sequence[Reader]:
    found = await session.get(Account, account_id or "")
    return [_reader(found)] if found is not None and found.is_active else []


async def _employee(session: AsyncSession, employee_id: str) -> Sequence[Reader]:
    """By the address that the HR system knows; in the language of their account, if they have one."""
    found = await session.get(Employee, employee_id)
    if found is None:
        return []
    account = await session.get(Account, found.account_id or "")
    locale = account.locale if account is not None and account.locale in LOCALES else "ko"
    address = found.email or (account.login if account is not None else "")
    return [Reader(found.id, found.name, address, locale, found.account_id)] if address else []


def _reader(account: Account) -> Reader:
    locale = account.locale if account.locale in LOCALES else "ko"
    return Reader(account.id, account.name, account.login, locale, account.id)


async def texts_of(
    session: AsyncSession, request: EmployeeRequest, item: Item, letter: Letter, path: str, locale: str
) -> dict[str, Any]:
    """Subject and body of a letter that the item itself words; `{name}` stands for a value."""
    step = step_at(item, path) if path else None
    if letter.template.endswith("/message") and step is not None and step.message is not None:
        row = await session.get_one(RequestStep, (request.id, path))
        values = dict(row.details.get("values", {}))
        return _filled(step.message.subjects[locale], step.message.bodies[locale], values)
    if letter.template.endswith("/notice"):
        moment = Moment(letter.values["moment"])
        notice = next(one for one in item.messages if one.moment is moment)
        names = await reading.variables(session, request, item, "", datetime.now(UTC))
        values = {name: reading.as_stored(_known(text, names)) for name, text in notice.values.items()}
        return _filled(notice.subjects[locale], notice.bodies[locale], values)
    return {"subject": "", "body": ""}


def _known(text: str, names: dict[str, Any]) -> Any:
    """A value that cannot be worked out is left out, and the letter is sent all the same."""
    try:
        return expressions.evaluate(text, names)
    except expressions.Unanswerable:
        return None


def _filled(subject: str, body: str, values: dict[str, Any]) -> dict[str, Any]:
    shown = {name: "–" if value is None else str(value) for name, value in values.items()}
    for name, value in shown.items():
        subject, body = subject.replace(f"{{{name}}}", value), body.replace(f"{{{name}}}", value)
    return {"subject": subject, "body": body}
