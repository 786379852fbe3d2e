"""Customer records at signup: found by a proved address, linked or made, never doubled, never leaked."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.customers.pairs import look
from activities.kit.roots import root_of
from activities.kit.timeline import write_entry
from models.customers import Consent, Customer, Signup
from models.kit.timeline import EntryKind
from models.messages.customers import CONSENT_VERSION, ConsentKind
from models.messages.staff import Role
from models.orders import CartItem
from models.rules import customers as rules
from models.rules.customers import Match
from models.staff import Account

COLUMN = {"sms": "phone", "mail": "email"}
OTHER = {"phone": "email", "email": "phone"}


async def record_of(session: AsyncSession, row: Signup) -> tuple[Customer | None, Match]:
    """The record with the proved address, and whether it is theirs who proved it."""
    name = COLUMN[row.channel]
    query = select(Customer).where(getattr(Customer, name) == row.address).with_for_update()
    found = (await session.scalars(query)).one_or_none()
    return found, rules.match(proofs(found, name) if found else None)


def proofs(customer: Customer, name: str) -> rules.Proofs:
    """What was proved of a record, seen from one of its addresses."""
    proved = {one: getattr(customer, f"{one}_proved_at") is not None for one in OTHER}
    return rules.Proofs(proved[name], proved[OTHER[name]])


async def account_of(session: AsyncSession, customer_id: str) -> Account | None:
    """The account that signs in as this customer."""
    query = select(Account).where(
        Account.customer_id == customer_id, col(Account.roles) == [Role.CUSTOMER.value]
    )
    return (await session.scalars(query.order_by(col(Account.created_at)).limit(1))).one_or_none()


async def claim(session: AsyncSession, row: Signup, found: Customer, at: datetime) -> None:
    """Somebody has proved an address of this record: it is theirs.

    What nobody ever checked is not believed any longer: the name becomes theirs, and an unproved other
    address goes, lest whoever typed it in could come in with it."""
    name = COLUMN[row.channel]
    other = OTHER[name]
    if getattr(found, other) and getattr(found, f"{other}_proved_at") is None:
        if found.is_verified:
            setattr(found, f"{other}_proved_at", at)  # our own people vouched for it
        else:
            drop(found, other)
            await note(session, row, found.id, "customers.address_dropped", at)
    if not found.is_verified and row.name:
        found.name = row.name
    setattr(found, f"{name}_proved_at", getattr(found, f"{name}_proved_at") or at)
    found.is_verified = True
    found.version += 1


async def join_record(session: AsyncSession, row: Signup, at: datetime) -> Customer:
    """The customer of this signup: the record that is theirs, or a new one."""
    found, verdict = await record_of(session, row)
    if found is not None and verdict is Match.THEIRS:
        await claim(session, row, found, at)
        theirs = await root_of(session, found)
        await note(session, row, theirs.id, "customers.linked", at)
        return theirs
    if found is not None:
        drop(found, COLUMN[row.channel])
        await session.flush()
        await note(session, row, found.id, "customers.conflict", at)
    name = COLUMN[row.channel]
    made = Customer(id=own_id("cus", row), name=row.name, locale=row.locale, is_verified=True, created_at=at)
    setattr(made, name, row.address)
    setattr(made, f"{name}_proved_at", at)
    session.add(made)
    await session.flush()
    await note(session, row, made.id, "customers.signed_up", at)
    if found is not None:
        await note(session, row, made.id, "customers.conflict", at, also=found.root or found.id)
    await look(session, [made.id], at, "entry")
    return made


def drop(customer: Customer, name: str) -> None:
    """Take an address off a record."""
    setattr(customer, name, None)
    if name == "phone":
        customer.phone_as_given = None
    customer.version += 1


async def join_account(session: AsyncSession, row: Signup, customer: Customer, at: datetime) -> Account:
    """The account of this customer, made when there is none; a password that was chosen becomes its own."""
    account = await account_of(session, customer.id)
    if account is not None:
        return account
    login = row.address
    if (await session.scalars(select(Account.id).where(Account.login == login))).first() is not None:
        login = customer.id  # a colleague's address; they still come in by code
    made = Account(
        id=own_id("acc", row), login=login, password_hash=row.password_hash, name=row.name,
        locale=row.locale, roles=[Role.CUSTOMER.value], customer_id=customer.id, created_at=at,
    )  # fmt: skip
    session.add(made)
    await session.flush()
    return made


def own_id(prefix: str, row: Signup) -> str:
    """An id made from the signup's own: made twice it is one."""
    return f"{prefix}_{row.id.partition('_')[2] or row.id}"


async def agree(session: AsyncSession, row: Signup, customer_id: str, at: datetime) -> None:
    """Write down what was agreed to and what was not, with the version of the texts."""
    for kind, is_given in rules.consents(row.choices).items():
        said = Consent(
            customer_id=customer_id, kind=kind, version=CONSENT_VERSION, is_given=is_given, at=at,
            source=source(row.id),
        )  # fmt: skip
        session.add(said)


def source(signup_id: str) -> str:
    """Where a consent was given."""
    return f"signup:{signup_id}"


async def agreed_to_marketing(session: AsyncSession, signup_id: str) -> bool:
    """Whether this signup said yes to marketing."""
    query = select(Consent.id).where(
        Consent.source == source(signup_id), Consent.kind == ConsentKind.MARKETING, col(Consent.is_given)
    )
    return (await session.scalars(query)).first() is not None


async def move_cart(session: AsyncSession, cart_key: str, customer_id: str) -> None:
    """What the guest had put aside comes after what the customer already had."""
    mine = f"customer:{customer_id}"
    if not cart_key or cart_key == mine:
        return
    query = select(CartItem).where(col(CartItem.cart_key).in_([cart_key, mine])).with_for_update()
    rows = (await session.scalars(query.order_by(col(CartItem.position)))).all()
    last = max((row.position for row in rows if row.cart_key == mine), default=0)
    for offset, row in enumerate((row for row in rows if row.cart_key == cart_key), 1):
        session.add(CartItem(cart_key=mine, position=last + offset, line=row.line, updated_at=row.updated_at))
        await session.delete(row)


async def is_address_free(session: AsyncSession, row: Signup, at: datetime) -> bool:
    """Make a proved address free for this customer; one that another record holds by right stays there."""
    name = COLUMN[row.channel]
    found, _ = await record_of(session, row)
    if found is None or found.id == row.customer_id:
        return True
    if found.root == row.customer_id:  # their own, of a record that was merged into theirs
        drop(found, name)
        await session.flush()
        return True
    seen = proofs(found, name)
    if seen.is_this_proved or (found.is_verified and not seen.is_other_proved):
        await note(session, row, found.id, "customers.taken", at, also=row.customer_id or "")
        await note(session, row, row.customer_id or "", "customers.taken", at, also=found.id)
        return False
    drop(found, name)
    await session.flush()
    await note(session, row, found.id, "customers.conflict", at, also=row.customer_id or "")
    return True


async def end_other_sign_ins(session: AsyncSession, account_id: str, old: str, new: str) -> None:
    """An account whose name is an address follows the address, when nobody else is called so."""
    taken = (await session.scalars(select(Account.id).where(Account.login == new))).first()
    if taken is None:
        mine = (col(Account.id) == account_id, col(Account.login) == old)
        await session.execute(update(Account).where(*mine).values(login=new))


async def note(
    session: AsyncSession, row: Signup, customer_id: str, sentence: str, at: datetime, also: str = ""
) -> None:
    """A line on the customer's record that only the desk reads; ids, never an address."""
    details: dict[str, Any] = {"also": also} if also else {}
    await write_entry(
        session, key=f"signup:{row.id}/{customer_id}/{sentence}", subject=f"customer:{customer_id}",
        ticket_id=None, case_id=customer_id, customer_id=customer_id, at=at, sentence=sentence,
        kind=EntryKind.CHANGE, details=details,
    )  # fmt: skip
