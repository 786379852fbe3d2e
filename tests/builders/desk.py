"""A small company: teams, people, products, a customer with a device."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.staff import Account, Team

_numbers = count(1)


@dataclass(frozen=True)
class Company:
    """The ids of what a test company consists of."""

    team_id: str = "team_phones"
    other_team_id: str = "team_all"
    agent_id: str = "acc_jo"
    colleague_id: str = "acc_kim"
    customer_id: str = "cus_mina"
    product_id: str = "pro_phone"
    owned_product_id: str = "own_phone"


def a_customer(id: str = "cus_mina", **facts: object) -> Customer:
    number = next(_numbers)
    defaults = {
        "name": "Mina Lee", "phone": f"+8210{number:08d}", "email": f"mina{number}@example.test",
        "region": "seoul-gangnam", "created_at": datetime.now(UTC),
    }  # fmt: skip
    return Customer(id=id, **{**defaults, **facts})


def an_agent(id: str, name: str, team_id: str) -> Account:
    return Account(
        id=id, login=f"{id}@example.test", name=name, roles=["agent"], team_id=team_id,
        created_at=datetime.now(UTC),
    )  # fmt: skip


async def a_company(engine: AsyncEngine, *, warranty_until: date | None = None) -> Company:
    """Store the company in one transaction."""
    company = Company()
    async with AsyncSession(engine) as session, session.begin():
        session.add(Team(id=company.team_id, name_ko="휴대전화", name_en="Phones", skills=["phone"]))
        session.add(Team(id=company.other_team_id, name_ko="모두", name_en="All", is_default=True))
        session.add(
            Product(
                id=company.product_id,
                sku="P-1",
                name_ko="폰",
                name_en="Phone",
                category="phone",
                labour_minor=30_000,
                call_out_minor=20_000,
            )
        )
        session.add(a_customer(company.customer_id))
        await session.flush()
        session.add(an_agent(company.agent_id, "Jo", company.team_id))
        session.add(an_agent(company.colleague_id, "Kim", company.team_id))
        session.add(
            OwnedProduct(
                id=company.owned_product_id,
                customer_id=company.customer_id,
                serial="S-1",
                product_id=company.product_id,
                warranty_until=warranty_until,
            )
        )
    return company
