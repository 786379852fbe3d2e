"""Who may see what comes through the channels; the database says the same (migration 0036)."""

from typing import Any

from sqlalchemy import and_, or_, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, has, ids, of_ticket, own, when
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
from models.messages.staff import Role


def _admins(person: Person) -> Condition:
    return when((has(person, Role.ADMIN), true()))


def _of_staff(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, true()))


def _desk(person: Person) -> Condition:
    return when((person.is_desk, true()))


def _nobody(person: Person) -> Condition:
    return when()


def _lines(person: Person) -> Condition:
    """One's own telephone; administrators see all of them."""
    return when((person.is_desk, col(PhoneLine.id) == person.account_id), (has(person, Role.ADMIN), true()))


def _or_nobodys(column: Any) -> Rule:
    """The desk: of tickets that they see, and what belongs to no ticket yet."""
    return lambda person: when((person.is_desk, or_(col(column).is_(None), of_ticket(person, column))))


def _chats(person: Person) -> Condition:
    return when((person.is_desk or own(person), of_ticket(person, Chat.id)))


def _presences(person: Person) -> Condition:
    return and_(col(ChatPresence.chat_id).in_(ids(person, Chat, Chat.id)))


RULES_OF_CHANNELS: dict[type[SQLModel], Rule] = {
    ApiClient: _admins,
    ChannelEvent: _admins,
    PhoneLine: _lines,
    PhoneCall: _or_nobodys(PhoneCall.ticket_id),
    DeviceKey: _admins,
    DeviceBatch: _nobody,
    DeviceRule: _of_staff,
    DeviceSignal: _desk,
    DeviceFault: _or_nobodys(DeviceFault.ticket_id),
    Chat: _chats,
    ChatPresence: _presences,
}
