"""What staff do to the world: somebody is sent the one-time link with which they set their password."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.kit.letters import Stationery
from activities.kit.links import token_hash
from activities.kit.transactions import transaction
from models.messages.letters import Delivery
from models.messages.staff import Invite
from models.staff import Account, Invitation


@dataclass
class StaffActivities:
    """Letters to people who work here; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    mail: Mail
    secret: bytes = field(repr=False)
    public_url: str
    stationery: Stationery = field(default_factory=Stationery)

    @activity.defn(name="staff.invite")
    async def invite(self, invite: Invite) -> Delivery:
        """Store the link hashed and mail it. Safe to repeat: link and idempotency key derive from the
        invitation's own id, and whoever has left meanwhile, or whose link is over, is sent nothing."""
        token = self.token(invite.id)
        expires_at = invite.asked_at + timedelta(hours=invite.hours)
        row = {
            "token_hash": token_hash(token), "key": invite.id, "account_id": invite.account_id,
            "created_at": invite.asked_at, "expires_at": expires_at,
        }  # fmt: skip
        async with transaction(self.engine) as session:
            account = await session.get_one(Account, invite.account_id)
            if not account.is_active or expires_at < datetime.now(UTC):
                return Delivery.NOWHERE
            await session.execute(insert(Invitation).values(row).on_conflict_do_nothing())
        values = {
            "name": account.name, "link": f"{self.public_url}/welcome/{token}", "expires_at": expires_at,
        }  # fmt: skip
        mail = self.stationery.mail("staff/invitation", account.locale, values)
        key = f"invitation:{invite.id}"
        try:
            await self.mail.send(account.login, mail.subject, mail.text, mail.html, key=key)
        except ReceiverRefused:
            return Delivery.REFUSED
        return Delivery.MAIL

    def token(self, invitation_id: str) -> str:
        """256 bits that nobody guesses who does not hold the secret; never stored."""
        return hmac.new(self.secret, b"invitation:" + invitation_id.encode(), hashlib.sha256).hexdigest()
