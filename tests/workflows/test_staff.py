"""An invitation: announced in SQL, sent once as a letter, and nothing of it in Temporal but ids."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.connectors.mail import ConsoleMail
from activities.kit.links import token_hash
from activities.staff import StaffActivities
from models.kit.outbox import announce_start
from models.messages.letters import Delivery
from models.messages.staff import Invite, invitation_workflow_id
from models.staff import Account
from tests.desk import RunningDesk, StandIns
from workflows.kit.options import MAIL_QUEUE

NAME, LOGIN = "초대받은 사람", "invited.person@example.com"


@pytest.fixture
def mail() -> ConsoleMail:
    return ConsoleMail()


@pytest.fixture
def acts(worker_engine: AsyncEngine, mail: ConsoleMail) -> StaffActivities:
    return StaffActivities(worker_engine, mail, b"a secret of the test", "https://desk.example")


@pytest.fixture
def stand_ins(acts: StaffActivities) -> StandIns:
    listed: list[Callable[..., Any]] = [acts.invite]
    return StandIns(acts={MAIL_QUEUE: listed})


async def newcomer(desk: RunningDesk, **changes: Any) -> Invite:
    now = datetime.now(UTC)
    account = Account(id="acc_new", login=LOGIN, name=NAME, roles=["employee"], created_at=now, **changes)
    await desk.store(account)
    return Invite("acc_new.c1", "acc_new", now)


async def test_somebody_who_is_invited_gets_one_letter_with_one_link(
    desk: RunningDesk, mail: ConsoleMail
) -> None:
    order = await newcomer(desk)
    for _ in range(2):  # a double click
        async with AsyncSession(desk.engine) as session, session.begin():
            await announce_start(
                session, "Invitation", invitation_workflow_id(order.id), order, summary="Set a password"
            )
    handle = desk.client.get_workflow_handle(invitation_workflow_id(order.id), result_type=Delivery)
    await desk.until(lambda: has_mail(mail))
    assert await handle.result() is Delivery.MAIL

    (letter,) = mail.sent.values()
    token = re.search(r"https://desk\.example/welcome/([0-9a-f]{64})", letter.text)
    assert letter.to == LOGIN
    assert token is not None
    stored = await desk.rows("select token_hash, account_id, used_at from invitations")
    assert [tuple(row) for row in stored] == [(token_hash(token[1]), "acc_new", None)]
    history = (await handle.fetch_history()).to_json()
    assert not [word for word in (NAME, LOGIN, token[1]) if word in history]


async def has_mail(mail: ConsoleMail) -> bool:
    return bool(mail.sent)


async def test_sending_twice_is_sending_once(
    desk: RunningDesk, acts: StaffActivities, mail: ConsoleMail
) -> None:
    order = await newcomer(desk)

    assert [await acts.invite(order), await acts.invite(order)] == [Delivery.MAIL, Delivery.MAIL]

    assert len(mail.sent) == 1
    assert len(await desk.rows("select * from invitations")) == 1


async def test_whoever_left_meanwhile_is_sent_nothing(
    desk: RunningDesk, acts: StaffActivities, mail: ConsoleMail
) -> None:
    order = await newcomer(desk, is_active=False)

    assert await acts.invite(order) is Delivery.NOWHERE
    assert mail.sent == {}


async def test_a_letter_that_would_come_too_late_is_not_sent(
    desk: RunningDesk, acts: StaffActivities, mail: ConsoleMail
) -> None:
    order = await newcomer(desk)

    assert await acts.invite(Invite(order.id, order.account_id, order.asked_at, hours=0)) is Delivery.NOWHERE
    assert mail.sent == {}
