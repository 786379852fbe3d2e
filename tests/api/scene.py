"""A visit with everybody who comes to it over HTTP: two technicians, an agent, and the customer's links."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.kit.people import Kind, Person, person_of
from models.field_service import Visit
from models.messages.field_service import VisitOrder, VisitStatus
from models.messages.staff import LinkPurpose, Role
from models.staff import Account, SignedLink, SignInSession
from tests.api.web import Web, web_on
from tests.builders.company import Company, hashed, token_of
from tests.builders.field_service import a_faulty_device, a_visit, next_monday, store

NOW = datetime.now(UTC).replace(microsecond=0)
PEOPLE = {
    "jo": {"roles": [Role.TECHNICIAN], "technician_id": "tech_jo"},
    "ann": {"roles": [Role.TECHNICIAN], "technician_id": "tech_ann"},
    "agent": {"roles": [Role.AGENT]},
}


@dataclass
class Scene:
    """A visit, the app on its database, and everybody who comes to it."""

    web: Web
    engine: AsyncEngine
    order: VisitOrder

    @property
    def path(self) -> str:
        return f"/field-service/visits/{self.order.visit_id}"

    async def act(self, noun: str, who: str = "jo", key: str = "", status: int = 200, **data: str) -> dict:
        """Send one line as the phone's outbox does."""
        headers = {"Accept": "application/json", "X-Device-Time": datetime.now(UTC).isoformat()}
        if key:
            headers["Idempotency-Key"] = key
        answer = await self.web.post(f"{self.path}/{noun}", who=who, headers=headers, data=data)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def row(self) -> Visit:
        async with AsyncSession(self.engine) as session:
            return await session.get_one(Visit, self.order.visit_id)

    async def all(self, statement) -> list:
        async with AsyncSession(self.engine) as session:
            return list((await session.scalars(statement)).all())

    async def hold(self, **changes: object) -> None:
        """The visit is Jo's, with an appointment, as a row without a life of its own."""
        starts = next_monday(NOW)
        facts = {
            "technician_id": "tech_jo", "status": VisitStatus.WORKING, "starts_at": starts,
            "ends_at": starts + timedelta(hours=2),
        }  # fmt: skip
        await a_visit(self.engine, self.order, **(facts | changes))


async def a_scene(worker_engine: AsyncEngine, app_engine: AsyncEngine, folder: Path) -> Scene:
    """Store the visit's people and open an app on their database."""
    order = await a_faulty_device(worker_engine, "jo", "ann")
    company = Company()
    rows = []
    for name, given in PEOPLE.items():
        account = Account(id=f"a_{name}", login=f"{name}@example.com", name=name, created_at=NOW, **given)
        company.tokens[name] = token_of(name)
        company.persons[name] = person_of({**account.model_dump(), "roles": [str(r) for r in given["roles"]]})
        session = SignInSession(
            token_hash=hashed(token_of(name)), account_id=account.id, created_at=NOW, seen_at=NOW,
            idle_until=NOW + timedelta(hours=12), expires_at=NOW + timedelta(days=7),
        )  # fmt: skip
        rows += [account, session]
    for purpose in (LinkPurpose.SLOT, LinkPurpose.TRACK):
        link = SignedLink(
            token_hash=hashed(token_of(purpose)), key=purpose, purpose=purpose, customer_id=order.customer_id,
            ticket_id=order.ticket_id, subject=order.visit_id, created_at=NOW,
            expires_at=NOW + timedelta(days=9),
        )  # fmt: skip
        name = f"link_{purpose}"
        company.tokens[name] = token_of(purpose)
        company.persons[name] = Person(
            Kind.LINK,
            id=f"link:{purpose}:{order.ticket_id}",
            ticket_id=order.ticket_id,
            customer_id=order.customer_id,
            purpose=purpose,
        )
        rows.append(link)
    await store(worker_engine, *rows)
    return Scene(web_on(app_engine, company, files_dir=folder), worker_engine, order)
