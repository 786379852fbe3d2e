"""Personal data: masked everywhere, and unmasked by one function that writes down who saw what and why."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import insert

from api.kit.desk import DeskAt
from api.kit.visible import visible_one
from models.customers import Customer
from models.staff import PersonalDataAccess

HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True)
class Contact:
    """How to reach a customer; masked unless `reveal` made it."""

    id: str
    name: str
    phone: str
    email: str
    address: str
    postcode: str
    is_masked: bool = True


PERSONAL = tuple(f.name for f in fields(Contact) if f.name not in ("id", "is_masked"))


def mask_name(name: str) -> str:
    """홍길동 → 홍*동, 홍길 → 홍*, Jane Doe → J*** D**."""
    words = name.split()
    if len(words) == 1 and len(name.strip()) > 1 and HANGUL.search(name):
        word = words[0]
        return word[0] + "*" * max(len(word) - 2, 1) + word[-1] * (len(word) > 2)
    return " ".join(word[0] + "*" * (len(word) - 1) if len(word) > 1 else "*" for word in words)


def mask_phone(phone: str) -> str:
    """+821012341234 → 010-****-1234; of other countries only the prefix and the last two digits stay."""
    digits = re.sub(r"\D", "", phone)
    if phone.startswith("+") and not digits.startswith("82"):
        return f"+{digits[:2]} **** {digits[-2:]}" if len(digits) > 6 else "****"
    if digits.startswith("82") and phone.startswith("+"):
        digits = "0" + digits[2:]
    if len(digits) < 8:
        return "*" * len(digits)
    prefix = digits[:2] if digits.startswith("02") else digits[:3]
    if not digits.startswith("0"):
        return f"{digits[:4]}-****"
    return f"{prefix}-{'*' * (len(digits) - len(prefix) - 4)}-{digits[-4:]}"


def mask_email(email: str) -> str:
    """abcdef@example.com → ab***@…"""
    local, at, _domain = email.partition("@")
    if not at:
        return "***" if email else ""
    return f"{local[:2] if len(local) > 2 else local[:1]}***@…"


def mask_address(address: str) -> str:
    """The first two words, as in 서울 강남구; the rest is a home."""
    words = address.split()
    return " ".join(words[:2]) + (" ***" if len(words) > 2 else "") if len(words) > 1 else "***" * bool(words)


def masked(customer: Customer) -> Contact:
    """What may stand in lists, titles and pages without a reason."""
    return Contact(
        id=customer.id,
        name=mask_name(customer.name),
        phone=mask_phone(customer.phone or ""),
        email=mask_email(customer.email or ""),
        address=mask_address(customer.address),
        postcode=customer.postcode[:2] + "***" if customer.postcode else "",
    )


async def reveal(
    desk: DeskAt, customer_id: str, *, action: str, purpose: str, only: Iterable[str] = PERSONAL
) -> Contact:
    """A customer's data unmasked, with its line in the access log in the same transaction.

    Whoever looks at their own data is not written down. `only` names what is shown; the rest stays masked."""
    customer = await visible_one(desk.session, desk.person, Customer, customer_id)
    shown = sorted(set(only) & set(PERSONAL))
    if desk.person.customer_id != customer.id:
        await desk.session.execute(
            insert(PersonalDataAccess)
            .values(
                at=datetime.now(UTC), actor_id=desk.person.id, actor_kind=str(desk.person.kind),
                address=desk.person.address, subject_id=customer.id, action=action, purpose=purpose,
                fields=shown,
            )
            .inline()
        )  # fmt: skip
    hidden = masked(customer)
    plain = {name: getattr(customer, name) or "" for name in PERSONAL}
    values = {name: plain[name] if name in shown else getattr(hidden, name) for name in PERSONAL}
    return Contact(id=customer.id, **values, is_masked=not shown)
