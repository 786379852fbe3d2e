"""Running journeys that know a customer by an old id: at their edge to the world they work for the root.

A workflow keeps in its history what it was started with. Before each activity the ids in its input are looked
up; in each transaction of it they are held, so that no merge happens between the look and the work."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from models.customers import Customer

NAMES = ("customer_id", "other_customer_id")
MERGES = 35  # the space of advisory locks that belongs to merges
HELD: ContextVar[tuple[str, ...]] = ContextVar("customers_worked_for", default=())
ROOTS = text("select id, root from customers where id = any(:ids) and root is not null")
SHARE = text(
    f"select pg_advisory_xact_lock_shared({MERGES}, hashtext(id)) from unnest(cast(:ids as text[])) id"  # noqa: S608
)


class Rooted(Interceptor):
    """Every activity of a worker is given the customers that are left."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Stand before each activity of the worker."""
        return _AtTheRoot(next)


class _AtTheRoot(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        engine = getattr(getattr(input.fn, "__self__", None), "engine", None)
        ids = {one for value in input.args for one in named(value)}
        if not ids or not isinstance(engine, AsyncEngine):
            return await self.next.execute_activity(input)
        async with AsyncSession(engine) as session:
            roots = {str(id): str(root) for id, root in await session.execute(ROOTS, {"ids": sorted(ids)})}
        if roots:
            input.args = [rooted(value, roots) for value in input.args]
        mark = HELD.set(tuple(sorted(roots.get(one, one) for one in ids)))
        try:
            return await self.next.execute_activity(input)
        finally:
            with suppress(ValueError):  # the activity was cancelled in another context
                HELD.reset(mark)


def named(value: Any) -> Iterator[str]:
    """Every customer that a message names, however deep."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from named(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            inner = getattr(value, field.name)
            if field.name in NAMES and isinstance(inner, str) and inner:
                yield inner
            elif not isinstance(inner, str):
                yield from named(inner)


def rooted(value: Any, roots: Mapping[str, str]) -> Any:
    """The same message about the customers that are left."""
    if isinstance(value, list | tuple):
        new_ones = [rooted(one, roots) for one in value]
        is_same = all(new is old for new, old in zip(new_ones, value, strict=True))
        return value if is_same else type(value)(new_ones)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for field in fields(value):
        inner = getattr(value, field.name)
        new = (
            roots.get(inner, inner)
            if field.name in NAMES and isinstance(inner, str)
            else rooted(inner, roots)
        )
        if new is not inner:
            changed[field.name] = new
    return replace(value, **changed) if changed else value


async def root_of(session: AsyncSession, found: Customer) -> Customer:
    """Whom a record was merged into, or itself: an old number or address leads to who is left."""
    return found if found.root is None else await session.get_one(Customer, found.root)


async def hold_roots(session: AsyncSession) -> None:
    """Hold the customers of this activity until the transaction ends; one that was just merged away is
    looked up again by the next try."""
    ids = HELD.get()
    if not ids:
        return
    await session.execute(SHARE, {"ids": list(ids)})
    if (await session.execute(ROOTS, {"ids": list(ids)})).first() is not None:
        raise ApplicationError("this customer was merged meanwhile", type="customer_merged")
