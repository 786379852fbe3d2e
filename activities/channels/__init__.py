"""What the channels do to the world: texts, calls, devices and chats."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.channels.calls import PhoneActivities
from activities.channels.chats import ChatActivities
from activities.channels.faults import FaultActivities
from activities.channels.messages import TextActivities


def acts_of_channels(engine: AsyncEngine) -> list[Callable[..., Any]]:
    """All of them, bound to a database."""
    texts, phones = TextActivities(engine), PhoneActivities(engine)
    devices, chats = FaultActivities(engine), ChatActivities(engine)
    return [texts.place, texts.follow, phones.record, devices.look, devices.wait, chats.look]


__all__ = ["ChatActivities", "FaultActivities", "PhoneActivities", "TextActivities", "acts_of_channels"]
