"""What items ask of outside systems: each operation by the connector that knows it, once per reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.kit.transactions import transaction
from models.employee_requests import RequestStep
from models.messages.employee_requests.lives import CallOrder
from models.messages.systems import SystemOrder


class Operations(Protocol):
    """A connector that carries operations out."""

    async def perform(self, order: SystemOrder) -> Mapping[str, str]:
        """Do it once per reference, or take it back; what it gives."""


@dataclass
class CallActivities:
    """Operations of outside systems. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine
    connectors: Mapping[str, Operations] = field(repr=False)

    @activity.defn(name="employee_requests.call")
    async def call(self, order: CallOrder) -> dict[str, Any]:
        """Ask for an operation, or take it back. Safe to repeat: the reference is made of request and step,
        and the connector does, or takes back, each reference once."""
        async with transaction(self.engine) as session:
            row = await session.get_one(RequestStep, (order.request_id, order.path))
            parameters = dict(row.details["parameters"])
        asked = SystemOrder(
            order.connector, order.operation, f"{order.request_id}.{order.path}", parameters,
            order.request_id,
        )  # fmt: skip
        return dict(await self.connectors[order.connector].perform(asked))
