"""What stories of signups start from: a running house whose post is kept and whose app has a door."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.connectors.marketing import ConsoleMarketing
from activities.customers.handover import HandoverActivities
from activities.customers.signup import SignupActivities
from tests.builders.customers import SECRET, Post
from tests.desk import StandIns
from workflows.kit.options import DESK_QUEUE, MAIL_QUEUE, MARKETING_QUEUE


@dataclass
class Outside:
    """Everything of the outside world that a signup meets."""

    engine: AsyncEngine
    post: Post = field(default_factory=Post)
    crm: ConsoleMarketing = field(default_factory=ConsoleMarketing)

    def __post_init__(self) -> None:
        self.signup = SignupActivities(
            self.engine, self.post.mail, self.post.sms, SECRET, "https://desk.example"
        )
        self.handover = HandoverActivities(self.engine, self.crm)

    def stand_ins(self) -> StandIns:
        """The house's own activities with post and CRM that keep what they got."""
        acts = self.signup
        desk: list[Callable[..., Any]] = [
            acts.note, acts.end_code, acts.recognise, acts.join, acts.forget, acts.consent_version,
        ]  # fmt: skip
        mail: list[Callable[..., Any]] = [acts.send_code, acts.remind, acts.welcome]
        crm: list[Callable[..., Any]] = [self.handover.hand_over]
        return StandIns(acts={DESK_QUEUE: desk, MAIL_QUEUE: mail, MARKETING_QUEUE: crm})
