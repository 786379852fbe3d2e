"""What stories of signups start from: a running house whose post is kept and whose app has a door."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHandle

from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.connectors.marketing import ConsoleMarketing
from activities.customers.handover import HandoverActivities
from activities.customers.privacy import PrivacyActivities
from activities.customers.signup import SignupActivities
from activities.kit.sealing import Seals
from activities.payments import MethodActivities
from models.messages.customers import PrivacyState, SignupStatus, signup_workflow_id
from tests.builders.customers import SECRET, Doorway, Post
from tests.desk import StandIns
from workflows.kit.options import DESK_QUEUE, MAIL_QUEUE, MARKETING_QUEUE, PAYMENTS_QUEUE

SEALS = Seals([("test", bytes(32))])


@dataclass
class Outside:
    """Everything of the outside world that a signup meets."""

    engine: AsyncEngine
    folder: Path
    post: Post = field(default_factory=Post)
    crm: ConsoleMarketing = field(default_factory=ConsoleMarketing)
    keys: ConsoleBillingKeys = field(default_factory=ConsoleBillingKeys)

    def __post_init__(self) -> None:
        url = "https://desk.example"
        self.signup = SignupActivities(self.engine, self.post.mail, self.post.sms, SECRET, url)
        self.handover = HandoverActivities(self.engine, self.crm)
        self.privacy = PrivacyActivities(
            self.engine, self.post.mail, self.post.sms, self.crm, self.folder, url, SECRET
        )

    def stand_ins(self) -> StandIns:
        """The house's own activities with post and CRM that keep what they got."""
        acts, privacy = self.signup, self.privacy
        desk: list[Callable[..., Any]] = [
            acts.note, acts.end_code, acts.recognise, acts.join, acts.forget, acts.consent_version,
            privacy.export, privacy.delete_file, privacy.close, privacy.erase, privacy.methods_alive,
        ]  # fmt: skip
        mail: list[Callable[..., Any]] = [acts.send_code, acts.remind, acts.welcome, privacy.tell]
        crm: list[Callable[..., Any]] = [self.handover.hand_over, privacy.forget_contact]
        methods = MethodActivities(self.engine, self.keys, SEALS)
        money: list[Callable[..., Any]] = [methods.drop_method]
        return StandIns(
            acts={DESK_QUEUE: desk, MAIL_QUEUE: mail, MARKETING_QUEUE: crm, PAYMENTS_QUEUE: money}
        )


@dataclass
class Story:
    """One signup as a test follows it."""

    doorway: Doorway

    async def newest(self) -> WorkflowHandle[Any, Any]:
        rows = await self.doorway.rows("select id from signups order by created_at desc limit 1")
        await self.doorway.desk.until(lambda: self.is_told(signup_workflow_id(str(rows[0][0]))))
        return self.doorway.desk.client.get_workflow_handle(
            signup_workflow_id(str(rows[0][0])), result_type=SignupStatus
        )

    async def is_told(self, key: str) -> bool:
        """Whether Temporal has heard of it."""
        asked = "select 1 from outbox where key = :k and status = 'sent'"
        return bool(await self.doorway.rows(asked, k=key))

    async def row(self) -> Any:
        asked = "select * from signups order by created_at desc limit 1"
        return (await self.doorway.desk.rows(asked))[0]

    async def pass_time(self, handle: WorkflowHandle[Any, Any], **duration: float) -> None:
        await self.doorway.desk.environment.fast_forward(handle, timedelta(**duration))

    async def sentences(self, customer_id: str) -> list[str]:
        asked = "select sentence from timeline_entries where subject = :s order by id"
        rows = await self.doorway.rows(asked, s=f"customer:{customer_id}")
        return [str(row[0]) for row in rows]

    async def waits(self) -> list[tuple[Any, ...]]:
        return await self.doorway.rows(
            "select what, \"then\" from waits where ended_at is null and workflow_id like 'signup:%'"
        )

    async def privacy(self) -> WorkflowHandle[Any, Any]:
        rows = await self.doorway.rows("select id from privacy_requests order by asked_at desc limit 1")
        await self.doorway.desk.until(lambda: self.is_told(f"privacy:{rows[0][0]}"))
        return self.doorway.desk.client.get_workflow_handle(f"privacy:{rows[0][0]}", result_type=PrivacyState)
