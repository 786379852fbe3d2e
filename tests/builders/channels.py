"""Rows of every table of the channels, for the sample company."""

import hashlib
from datetime import datetime, timedelta

from sqlmodel import SQLModel

from models.channels import (
    ApiClient,
    ChannelEvent,
    Chat,
    ChatPresence,
    DeviceBatch,
    DeviceFault,
    DeviceKey,
    DeviceRule,
    DeviceSignal,
    PhoneCall,
    PhoneLine,
)
from models.messages.channels import CallStatus, ChatSide, Door, EventStatus, FaultStatus, Scope

KEYS = {
    "reads": [Scope.READ],
    "all": list(Scope),
    "ended": list(Scope),
}


def token_of(name: str) -> str:
    """The sample key of a program or a device."""
    return f"key-of-{name}-0123456789abcdef"


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def reached(word: str, now: datetime) -> list[SQLModel]:
    """Keys, what came in, and telephones."""
    clients = [
        ApiClient(
            id=f"ac_{name}", name=f"{word} {name}", account_id="a_agent", scopes=[str(one) for one in scopes],
            token_hash=hashed(token_of(name)), created_by="a_admin", created_at=now,
            expires_at=now + timedelta(days=30), revoked_at=now if name == "ended" else None,
        )
        for name, scopes in KEYS.items()
    ]  # fmt: skip
    events = [
        ChannelEvent(
            id=f"chn{n}", door=door, external_id=f"x{n}", received_at=now, last_at=now, status=status,
            reason=reason, sender=word, original=word,
        )
        for n, (door, status, reason) in enumerate(
            (
                (Door.SMS, EventStatus.PLACED, "new_ticket"),
                (Door.DEVICE, EventStatus.QUARANTINED, "unknown_serial"),
                (Door.SMS, EventStatus.REFUSED, "signature"),
            ),
            1,
        )
    ]  # fmt: skip
    keys = [
        DeviceKey(
            id=f"dk_{name}", name=f"{word} {name}", serial=serial, token_hash=hashed(token_of(name)),
            created_by="a_admin", created_at=now,
        )
        for name, serial in (("gateway", ""), ("single", f"{word}1".upper()))
    ]  # fmt: skip
    return [
        *clients, *events,
        *(PhoneLine(id=f"a_{who}", extension=f"10{n}") for n, who in enumerate(("agent", "dispatcher"), 1)),
        *keys,
        DeviceBatch(key_id="dk_gateway", batch_id="b1", at=now),
        DeviceRule(
            fault="leak", version=1, alarms=2, minutes=5, quiet_minutes=15, closes=True, set_by="a_admin",
            set_at=now,
        ),
    ]  # fmt: skip


def on_ticket(number: int, customer: str, word: str, now: datetime) -> list[SQLModel]:
    """A call, a fault and a chat about one ticket."""
    ticket = f"T{number}"
    return [
        PhoneCall(
            id=f"call{number}", external_id=f"pbx{number}", caller="+821011112222", extension="101",
            account_id="a_agent", customer_id=customer, ticket_id=ticket, status=CallStatus.ENDED,
            received_at=now, rung_at=now, answered_at=now, ended_at=now, recording=word,
        ),
        DeviceSignal(
            owned_product_id=f"op{number}", fault="leak", minute=now.replace(second=0, microsecond=0),
            alarms=1, first_at=now, last_at=now, reading={"reading": word},
        ),
        DeviceFault(
            id=f"df{number}", owned_product_id=f"op{number}", customer_id=customer, fault="leak",
            status=FaultStatus.OVER, ticket_id=ticket, began_at=now, ended_at=now,
        ),
        Chat(id=ticket, visitor=word, contact=word, began_at=now),
        *(ChatPresence(chat_id=ticket, side=side, seen_at=now) for side in ChatSide),
    ]  # fmt: skip
