"""Column types that every table uses the same way."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Enum, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field


def word(kind: type[StrEnum]) -> Enum:
    """A StrEnum stored as text with a CHECK, never as a database type that is hard to extend."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def moment(**extra: Any) -> Any:
    """A column for an instant (timestamptz)."""
    return Field(sa_type=DateTime(timezone=True), **extra)


def minor(**extra: Any) -> Any:
    """A column for an amount in minor units (bigint)."""
    return Field(sa_type=BigInteger, **extra)


def text(**extra: Any) -> Any:
    """A column for text; lengths are checked where it enters the house."""
    return Field(sa_type=Text, **extra)


def words(**extra: Any) -> Any:
    """A column for a small set of text codes (text[])."""
    return Field(sa_type=ARRAY(Text), **extra)


def record(**extra: Any) -> Any:
    """A column for a small JSON object (jsonb)."""
    return Field(sa_type=JSONB, **extra)


def serial(**extra: Any) -> Any:
    """A bigint key that the database counts up."""
    return Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": True}, **extra)


__all__ = ["datetime", "minor", "moment", "record", "serial", "text", "word", "words"]
