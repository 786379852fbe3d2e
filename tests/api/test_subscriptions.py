"""Contracts over HTTP: the money is shown before it is confirmed, and only what was shown is asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.transactions import transaction
from api.kit.people import Kind, Person, csrf_token
from models.catalogue import PlanVersion
from models.kit.records import from_record, to_record
from models.messages.catalogue import VersionStatus
from models.messages.staff import LinkPurpose
from models.messages.subscriptions import ChangeKind, Preview
from models.rules.subscriptions.periods import business_day
from models.staff import SignedLink
from tests.api.web import SECRET, Web, web_on
from tests.builders.company import Company, hashed
from tests.builders.leases import BASIC, BETTER, FILTER, a_change, a_lease

JSON = {"Accept": "application/json"}


@pytest.fixture
def worker_engine(open_engine: AsyncEngine) -> AsyncEngine:
    """All tests of this file share one company; each has a contract of its own."""
    return open_engine


@pytest.fixture
def web(company: Company, walled_engine: AsyncEngine) -> Web:
    return web_on(walled_engine, company)


@pytest.fixture
async def lease(company: Company, worker_engine: AsyncEngine) -> str:
    """A running contract of the first customer, and the plans that it could become."""
    asked = await a_lease(worker_engine, "c_one", BASIC)
    async with transaction(worker_engine) as session:
        for plan in (BASIC, BETTER, FILTER):
            now = datetime.now(UTC)
            await session.merge(
                PlanVersion(
                    plan_id=plan.plan_id, version=1, status=VersionStatus.PUBLISHED, terms=to_record(plan),
                    effective_from=business_day(now), author_id="a_admin", reviewer_id="a_agent",
                    published_at=now, created_at=now,
                )
            )  # fmt: skip
    return asked.contracts[0].subscription_id


async def rows(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text(statement), values)).all())


async def shown(web: Web, lease: str, who: str = "customer_own", **wish: str) -> dict[str, Any]:
    answer = await web.get(f"/subscriptions/{lease}/changes", who=who, params=wish, headers=JSON)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def confirm(web: Web, lease: str, seen: dict[str, Any], who: str = "customer_own", **wish: str) -> Any:
    sent = {
        **wish, "request_key": wish.get("request_key", lease),
        "shown_minor": seen["total_minor"], "shown_seq": seen["contract_seq"],
    }  # fmt: skip
    return await web.post(f"/subscriptions/{lease}/changes", who=who, data=sent, headers=JSON)


async def test_the_money_that_is_shown_is_stored_and_announced_once(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    wish = {"kind": "upgrade", "plan_id": "better"}
    page = await shown(web, lease, **wish)

    made = [await confirm(web, lease, page["shown"], **wish) for _ in "12"]

    assert [one.status_code for one in made] == [201, 200]
    [change] = await rows(
        worker_engine, "select * from subscription_changes where subscription_id = :id", id=lease
    )
    assert made[0].json() == made[1].json() == {"change_id": change.id}
    stored = from_record(Preview, change.preview)
    assert stored.total_minor == change.total_minor == page["shown"]["total_minor"]
    assert [one.gross_minor for one in stored.lines] == [one["gross_minor"] for one in page["lines"]]
    [start] = await rows(
        worker_engine, "select * from outbox where workflow_id = :id", id=f"change:{change.id}"
    )
    assert (start.workflow, start.kind) == ("SubscriptionChange", "start")
    assert set(start.payload) >= {"change_id", "kind", "customer_id"}


async def test_money_that_moved_since_it_was_shown_is_shown_anew(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    wish = {"kind": "upgrade", "plan_id": "better"}
    page = await shown(web, lease, **wish)

    cheaper = await confirm(web, lease, {**page["shown"], "total_minor": 1}, **wish)
    async with transaction(worker_engine) as session:
        await session.execute(text("update subscriptions set seq = seq + 1 where id = :id"), {"id": lease})
    stale = await confirm(web, lease, page["shown"], **wish)

    assert (cheaper.status_code, stale.status_code) == (409, 409)
    assert stale.json()["shown"]["contract_seq"] == page["shown"]["contract_seq"] + 1
    asked = "select 1 from subscription_changes where subscription_id = :id"
    assert await rows(worker_engine, asked, id=lease) == []


async def test_a_second_change_is_refused_while_one_is_open(web: Web, lease: str) -> None:
    wish = {"kind": "upgrade", "plan_id": "better"}
    page = await shown(web, lease, **wish)
    await confirm(web, lease, page["shown"], **wish)

    second = await confirm(web, lease, page["shown"], **wish, request_key="form2")

    assert (second.status_code, second.json()["code"]) == (409, "change_open")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"kind": "upgrade", "plan_id": "nothing"}, "change_plan"),
        ({"kind": "upgrade", "plan_id": "filter"}, "change_plan"),
        ({"kind": "pause", "until_on": "2020-01-01"}, "change_pause"),
        ({"kind": "resume"}, "contract_not_paused"),
        ({"kind": "drop_add_on", "add_on_id": "S2-1"}, "not_found"),
    ],
)
async def test_what_is_not_possible_is_refused_with_its_sentence(
    web: Web, lease: str, wish: dict[str, str], code: str
) -> None:
    answer = await confirm(web, lease, {"total_minor": 0, "contract_seq": 1}, **wish)

    assert answer.json()["code"] == code
    assert answer.status_code in (404, 409)


async def test_a_form_with_something_wrong_keeps_its_place(web: Web, lease: str) -> None:
    sent = {"kind": "pause", "until_on": "soon", "request_key": "f", "shown_minor": "0", "shown_seq": "1"}
    answer = await web.post(f"/subscriptions/{lease}/changes", who="customer_own", data=sent)
    looked = await web.get(f"/subscriptions/{lease}/changes?kind=pause&until_on=soon", who="customer_own")

    assert (answer.status_code, looked.status_code) == (422, 422)


@pytest.mark.parametrize("kind", list(ChangeKind))
@pytest.mark.parametrize("who", ["customer_own", "agent"])
async def test_every_kind_has_its_page_for_the_customer_and_the_desk(
    web: Web, lease: str, kind: ChangeKind, who: str
) -> None:
    later = business_day(datetime.now(UTC)) + timedelta(days=9)
    wish = {
        "plan_id": {"upgrade": "better", "add_on": "filter"}.get(kind, ""), "until_on": later.isoformat(),
    }  # fmt: skip
    answer = await web.get(f"/subscriptions/{lease}/changes", who=who, params={"kind": kind, **wish})

    assert answer.status_code == 200, answer.text


async def test_the_customer_and_the_desk_see_contract_change_and_list(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    change = await a_change(worker_engine, lease, ChangeKind.UPGRADE, plan=BETTER)
    for who in ("customer_own", "agent"):
        for address in ("/subscriptions", f"/subscriptions/{lease}", f"/subscriptions/changes/{change.id}"):
            answer = await web.get(address, who=who)
            assert answer.status_code == 200, (who, address, answer.text)
            assert "style=" not in answer.text
    filtered = await web.get("/subscriptions?customer=c_one&status=active", who="agent", headers=JSON)
    assert lease in [row["id"] for row in filtered.json()["rows"]]
    nobody = await web.get("/subscriptions?customer=c_none", who="agent", headers=JSON)
    assert nobody.json()["rows"] == []


async def test_another_customer_sees_nothing_of_it(web: Web, lease: str, worker_engine: AsyncEngine) -> None:
    change = await a_change(worker_engine, lease, ChangeKind.UPGRADE, plan=BETTER)
    other = "customer_other"

    for address in (
        f"/subscriptions/{lease}",
        f"/subscriptions/{lease}/changes",
        f"/subscriptions/changes/{change.id}",
    ):
        assert (await web.get(address, who=other)).status_code == 404
    listed = await web.get("/subscriptions", who=other, headers=JSON)
    assert lease not in [row["id"] for row in listed.json()["rows"]]
    told = await web.post(
        f"/subscriptions/changes/{change.id}/cancellation", who=other, data={"command_id": "x"}, headers=JSON
    )
    assert told.status_code == 404


async def test_the_list_goes_on_where_the_page_ended(web: Web, worker_engine: AsyncEngine) -> None:
    for _ in range(51):
        await a_lease(worker_engine, "c_two", BASIC)

    first = (await web.get("/subscriptions?customer=c_two", who="agent", headers=JSON)).json()
    second = (await web.get(first["next"], who="agent", headers=JSON)).json()

    ids = [row["id"] for row in (*first["rows"], *second["rows"])]
    assert (len(first["rows"]), second["next"]) == (50, "")
    assert len(ids) == len(set(ids)) >= 52


async def a_transfer(web: Web, lease: str, engine: AsyncEngine) -> tuple[Any, str]:
    """A transfer to the second customer, and the token of the link in their letter."""
    change = await a_change(engine, lease, ChangeKind.TRANSFER, receiver_id="c_two")
    token, now = f"receiver-of-{change.id}", datetime.now(UTC)
    async with transaction(engine) as session:
        session.add(
            SignedLink(
                token_hash=hashed(token), key=token, purpose=LinkPurpose.CHANGE, customer_id="c_two",
                case_id=change.id, subject=change.id, created_at=now, expires_at=now + timedelta(days=9),
            )
        )  # fmt: skip
    return change, token


async def test_the_receiver_sees_their_own_side_by_link_and_decides(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    change, token = await a_transfer(web, lease, worker_engine)
    moved = await web.get(f"/links/{token}")
    page = (await web.get(f"/links/{token}/change", headers=JSON)).json()

    assert moved.headers["Location"] == f"/links/{token}/change"
    assert (page["is_receiver"], page["may_decide"], page["may_cancel"]) == (True, True, False)
    assert page["subscription_id"] == ""
    stored = from_record(Preview, change.preview)
    assert page["total_minor"] == stored.other_total_minor > 0
    assert len(page["lines"]) == 1

    own_page = JSON | {"X-CSRF-Token": csrf_token(SECRET, Person(Kind.LINK, token_hash=hashed(token)))}
    path = f"/links/{token}/change"
    taken_back = await web.post(f"{path}/cancellation", data={"command_id": "c"}, headers=own_page)
    agreed = await web.post(f"{path}/agreement", data={"command_id": "d"}, headers=own_page)
    assert (taken_back.json()["code"], agreed.status_code) == ("not_allowed", 202)
    [said] = await rows(worker_engine, "select name from outbox where key = 'd'")
    assert said.name == "confirm"


async def test_the_holder_cannot_agree_for_the_receiver(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    change, _ = await a_transfer(web, lease, worker_engine)
    path = f"/subscriptions/changes/{change.id}"

    own = await web.post(f"{path}/agreement", who="customer_own", data={"command_id": "a"}, headers=JSON)
    back = await web.post(f"{path}/cancellation", who="customer_own", data={"command_id": "b"}, headers=JSON)

    assert (own.status_code, back.status_code) == (403, 202)


async def test_a_stranger_named_as_receiver_is_not_told_apart_from_a_customer(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    wish = {"kind": "transfer", "receiver": "010-9999-0000"}
    page = await shown(web, lease, kind="transfer")

    made = await confirm(web, lease, page["shown"], **wish)

    assert made.status_code == 201
    [change] = await rows(
        worker_engine, "select * from subscription_changes where subscription_id = :id", id=lease
    )
    assert change.other_customer_id is None
    assert replace(from_record(Preview, change.preview)).total_minor == page["shown"]["total_minor"]


@pytest.mark.parametrize(("kind", "lacking"), [("transfer", "receiver"), ("move", "address")])
async def test_what_is_personal_is_asked_with_the_confirmation_and_missed_at_its_place(
    web: Web, lease: str, kind: str, lacking: str
) -> None:
    page = await shown(web, lease, kind=kind)

    answer = await confirm(web, lease, page["shown"], kind=kind)

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [lacking]


async def test_a_move_keeps_its_address_in_the_row(web: Web, lease: str, worker_engine: AsyncEngine) -> None:
    page = await shown(web, lease, kind="move")

    made = await confirm(web, lease, page["shown"], kind="move", address="부산 해운대구 9")

    assert made.status_code == 201
    [change] = await rows(
        worker_engine, "select * from subscription_changes where subscription_id = :id", id=lease
    )
    assert change.wish["address"] == "부산 해운대구 9"


async def test_days_without_service_are_shown_as_free(
    web: Web, lease: str, worker_engine: AsyncEngine
) -> None:
    off = (
        "insert into subscription_suspensions (id, subscription_id, customer_id, case_id, from_on, until_on,"
        " free_from) values (:id, :lease, 'c_one', 'D9', '2026-02-01', :until, '2026-02-03')"
    )
    async with transaction(worker_engine) as session:
        for word, until in (("now", None), ("past", business_day(datetime.now(UTC)))):
            await session.execute(text(off), {"id": f"{lease}:{word}", "lease": lease, "until": until})

    page = (await web.get(f"/subscriptions/{lease}", who="customer_own", headers=JSON)).json()
    html = (await web.get(f"/subscriptions/{lease}", who="customer_own")).text

    assert sorted(page["free"], key=str) == [
        ["2026-02-03", business_day(datetime.now(UTC)).isoformat()], ["2026-02-03", None],
    ]  # fmt: skip
    assert "요금이 부과되지 않는 이용 정지 기간" in html
