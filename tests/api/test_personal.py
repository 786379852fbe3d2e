"""Masking shows enough to recognise and too little to reach; unmasking is written down."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select

from api.kit.desk import DeskAt, session_for
from api.kit.personal import mask_address, mask_email, mask_name, mask_phone, masked, reveal
from models.customers import Customer
from models.kit.refusals import Refusal
from models.staff import PersonalDataAccess
from tests.builders.company import Company, build


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("홍길동", "홍*동"), ("홍길", "홍*"), ("남궁민수", "남**수"), ("황보 관우", "황* 관*"),
        ("김", "*"),
        ("Jane Doe", "J*** D**"), ("Bo", "B*"), ("Müller", "M*****"),
        ("王小明", "王**"), ("X Æ", "* *"), ("", ""),
        ("이음 주식회사", "이* 주***"),
    ],
)  # fmt: skip
def test_names(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+821012341234", "010-****-1234"), ("010-1234-1234", "010-****-1234"),
        ("+8225551234", "02-***-1234"),
        ("+82255551234", "02-****-1234"), ("0311234567", "031-***-4567"), ("+14155550123", "+14 **** 23"),
        ("15881234", "1588-****"), ("+821588", "*****"), ("112", "***"),
        ("", ""), ("+447911123456", "+44 **** 56"),
    ],
)  # fmt: skip
def test_phones(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("abcdef@example.com", "ab***@…"),
        ("ab@x.kr", "a***@…"),
        ("a@x.kr", "a***@…"),
        ("", ""),
        ("broken", "***"),
    ],
)
def test_emails(email: str, shown: str) -> None:
    assert mask_email(email) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [("서울 강남구 테헤란로 1", "서울 강남구 ***"), ("서울 강남구", "서울 강남구"), ("집", "***"), ("", "")],
)
def test_addresses(address: str, shown: str) -> None:
    assert mask_address(address) == shown


async def look_up(engine: AsyncEngine, company: Company, who: str, customer: str, **more: object) -> object:
    person = company.persons[who]
    async with session_for(engine, person) as session:
        found = await reveal(
            DeskAt(engine, session, person), customer, action="customers.show", purpose="repair", **more
        )  # type: ignore[arg-type]
        await session.commit()
        return found


async def test_each_unmasking_leaves_exactly_one_line(
    worker_engine: AsyncEngine, app_engine: AsyncEngine
) -> None:
    company = await build(worker_engine, "Hidden")

    shown = await look_up(app_engine, company, "agent", "c_one")
    part = await look_up(app_engine, company, "technician_assigned", "c_one", only=["phone"])
    mine = await look_up(app_engine, company, "customer_own", "c_one")

    assert shown.name == mine.name == "Hidden one"
    assert part.name == "H***** o**"
    assert part.phone == "+82101000000 1".replace(" ", "")
    async with session_for(app_engine, company.persons["admin"]) as session:
        lines = (await session.scalars(select(PersonalDataAccess).order_by(PersonalDataAccess.id))).all()
    assert [(line.actor_id, line.subject_id, line.fields) for line in lines[1:]] == [
        ("a_agent", "c_one", ["address", "email", "name", "phone", "postcode"]),
        ("a_technician_assigned", "c_one", ["phone"]),
    ]
    assert {line.purpose for line in lines[1:]} == {"repair"}


async def test_what_is_not_committed_was_neither_shown_nor_written(
    worker_engine: AsyncEngine, app_engine: AsyncEngine
) -> None:
    company = await build(worker_engine)
    person = company.persons["agent"]
    async with session_for(app_engine, person) as session:
        await reveal(DeskAt(app_engine, session, person), "c_one", action="a", purpose="p")
        await session.rollback()

    async with session_for(worker_engine, person) as session:
        assert len((await session.scalars(select(PersonalDataAccess))).all()) == 1


@pytest.mark.parametrize(
    "who", ["technician_other", "partner_other", "customer_other", "employee", "link_pay_other"]
)
async def test_a_foreign_customer_cannot_be_unmasked(
    company: Company, walled_engine: AsyncEngine, who: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await look_up(walled_engine, company, who, "c_one")

    assert refused.value.code == "not_found"


def test_a_masked_contact_holds_nothing_of_the_original() -> None:
    customer = Customer(
        id="c", name="홍길동", phone="+821012341234", email="gildong@example.com", postcode="06236",
        address="서울 강남구 테헤란로 1 101동 1001호",
    )  # fmt: skip

    contact = masked(customer)

    assert contact.is_masked
    for secret in ("길", "12341234", "gildong", "example.com", "06236", "테헤란로", "1001호"):
        assert secret not in repr(contact)
