"""What items ask of outside systems: each operation by the connector that knows it, once per reference."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.connectors.directory import Directory, Holder
from activities.connectors.office import Deed, Office
from activities.connectors.stock import Goods, Returned, Stock
from activities.employee_requests.holdings import holdings_of, take_back
from activities.employee_requests.reading import refused
from activities.employee_requests.visiting import ask_for_visit
from activities.kit.transactions import transaction
from models.employee_requests import RequestStep
from models.messages.employee_requests.lives import CallOrder
from models.messages.systems import SystemOrder
from models.staff import Employee

# Operations of the office: the desk, and the word that takes back.
DESKS = {
    "workplace": ("workplaces", "free"),
    "letters": ("letters", "withdraw"),
    "expenses": ("expenses", "call_back"),
    "software": ("licences", "release"),
    "training": ("courses", "withdraw"),
    "leave": ("leave", "correct_back"),
}
GIVES = {
    "workplace": "place", "letters": "number", "expenses": "payment", "software": "licence",
    "training": "seat", "leave": "entry",
}  # fmt: skip


@dataclass
class CallActivities:
    """Operations of outside systems. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine
    directory: Directory
    office: Office
    stock: Stock

    @activity.defn(name="employee_requests.call")
    async def call(self, order: CallOrder) -> dict[str, Any]:
        """Ask for an operation, or take it back. Safe to repeat: the reference is made of request and step,
        and the connector does, or takes back, each reference once."""
        async with transaction(self.engine) as session:
            row = await session.get_one(RequestStep, (order.request_id, order.path))
            parameters = dict(row.details["parameters"])
            person = await session.get(Employee, str(parameters.pop("person", "")))
            if person is not None and order.connector == "field_service":
                return await ask_for_visit(session, order, person)
            held = await holdings_of(session, person.id) if person is not None else ()
        if person is None:
            raise refused("employee_unknown")
        holder = Holder(person.hr_id, person.email, person.name)
        asked = SystemOrder(
            order.connector, order.operation, f"{order.request_id}.{order.path}", parameters,
            order.request_id,
        )  # fmt: skip
        if order.connector == "directory":
            return await self._directory(asked, holder)
        if (order.connector, order.operation) == ("holdings", "take_back"):
            return await take_back(held, asked, holder, self.directory, self.office)
        if order.connector == "equipment":
            return await self._equipment(asked)
        return await self._office(asked, holder, order.is_undo)

    async def _directory(self, asked: SystemOrder, holder: Holder) -> dict[str, Any]:
        """Accounts and groups, by SCIM."""
        at, reference, case = self.directory, asked.reference, asked.case_id
        group = str(asked.parameters.get("group", ""))
        if asked.operation == "create_account":
            return {"account": await at.create_account(holder, reference, case)}
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "remove_account": lambda: at.remove_account(holder, reference, case),
            "lock_account": lambda: at.set_active(holder, False, reference, case),
            "unlock_account": lambda: at.set_active(holder, True, reference, case),
            "join_group": lambda: at.set_member(holder, group, True, reference, case),
            "leave_group": lambda: at.set_member(holder, group, False, reference, case),
        }
        if asked.operation not in ways:
            raise refused("operation_unknown")
        await ways[asked.operation]()
        return {}

    async def _equipment(self, asked: SystemOrder) -> dict[str, Any]:
        """The warehouse: set aside and packed under the reference; taken back the same way."""
        reference, case, key = asked.reference, asked.case_id, f"{asked.reference}:{asked.operation}"
        sku, quantity = str(asked.parameters["article"]), int(asked.parameters["quantity"])
        if asked.operation == "order":
            got = await self.stock.reserve(reference, (Goods(1, sku, quantity),), key, case)
            if got.get(1, 0) < quantity:
                await self.stock.release(reference, f"{key}:release", case)
                raise refused("not_in_stock")
            goods = (Goods(1, sku, quantity, reference),)
            packed = await self.stock.pack(reference, goods, f"{key}:pack", case)
            return {"serials": ", ".join(packed.get(1, []))}
        if asked.operation != "take_back":
            raise refused("operation_unknown")
        await self.stock.release(reference, f"{key}:release", case)
        await self.stock.take_back(reference, (Returned(1, sku, quantity, (), True),), key, case)
        return {}

    async def _office(self, asked: SystemOrder, holder: Holder, is_undo: bool) -> dict[str, Any]:
        """Workplaces, letters, expenses, licences, courses, leave. A step that takes back without undoing
        one of its own request means whatever the person still has."""
        if asked.connector not in DESKS:
            raise refused("operation_unknown")
        desk, back = DESKS[asked.connector]
        deed = Deed(desk, asked.reference, holder.hr_id, asked.parameters, asked.case_id)
        if asked.operation == back:
            await (self.office.undo if is_undo else self.office.give_back)(deed)
            return {}
        return {GIVES[asked.connector]: await self.office.do(deed)}
