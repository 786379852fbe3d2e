"""Signed no-login links: unguessable, stored hashed, one purpose, expiring, revocable."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.messages.staff import LinkPurpose
from models.staff import SignedLink


@dataclass(frozen=True)
class Links:
    """Makes links. Tokens derive from secret and key: repeating sends the same one."""

    secret: bytes
    public_url: str

    def token(self, key: str) -> str:
        """256 unguessable bits for whoever does not hold the secret."""
        return hmac.new(self.secret, b"signed-link:" + key.encode(), hashlib.sha256).hexdigest()

    async def make(
        self,
        session: AsyncSession,
        purpose: LinkPurpose,
        *,
        key: str,
        customer_id: str | None,
        ticket_id: str | None,
        subject: str,
        at: datetime,
        expires_at: datetime,
        case_id: str | None = None,
    ) -> str:
        """The address of the link `key`; asked again it is the same link."""
        token = self.token(key)
        row = {
            "token_hash": token_hash(token), "key": key, "purpose": purpose, "customer_id": customer_id,
            "ticket_id": ticket_id or None, "case_id": case_id or None, "subject": subject, "created_at": at,
            "expires_at": expires_at,
        }  # fmt: skip
        await session.execute(insert(SignedLink).values(row).on_conflict_do_nothing())
        return f"{self.public_url}/links/{token}"


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
