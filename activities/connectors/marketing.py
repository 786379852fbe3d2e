"""Marketing: the CRM that campaigns run in knows those customers who agreed to it, and nobody else."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after


@dataclass(frozen=True)
class Contact:
    """How one customer stands at `version`; without consent nothing about them is told but that."""

    customer_id: str
    version: int
    is_subscribed: bool
    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = "ko"


class Marketing(Protocol):
    """Whoever runs our campaigns."""

    async def upsert(self, contact: Contact) -> None:
        """Tell how a customer stands; an older version than the one it knows changes nothing there."""

    async def forget(self, customer_id: str) -> None:
        """Have a customer forgotten; somebody it never knew is fine too."""


def judge(heard: Heard) -> CallResult:
    """Only a 2xx that names the contact is a yes."""
    if heard.status is None:
        return CallResult.FAILED if heard.error in NEVER_SENT else CallResult.UNKNOWN
    body = read_object(heard.body) or {}
    if 200 <= heard.status < 300 and is_code(body.get("id")):
        return CallResult.OK
    return CallResult.FAILED if heard.status == 429 else CallResult.UNKNOWN


class HttpMarketing:
    """A CRM over HTTP whose contacts have our own ids."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.MARKETING, url, f"Bearer {token}", calls, patience or Patience(total=20.0))

    async def upsert(self, contact: Contact) -> None:
        """Raise until it surely knows: Temporal asks again with the same version."""
        key = f"contact:{contact.customer_id}:{contact.version}"
        body = {name: value for name, value in vars(contact).items() if name != "customer_id"}
        await self._say(Asked("upsert", "PUT", f"/contacts/{contact.customer_id}", key, body))

    async def forget(self, customer_id: str) -> None:
        """Raise until it surely has forgotten."""
        key = f"contact:{customer_id}:forget"
        await self._say(Asked("forget", "DELETE", f"/contacts/{customer_id}", key))

    async def _say(self, asked: Asked) -> None:
        heard = await self.line.ask(asked, judge)
        if judge(heard) is not CallResult.OK:
            wait = retry_after(heard.headers) if heard.status == 429 else 0
            raise ApplicationError(
                f"the CRM did not take it: {heard.error or heard.status}",
                type="marketing_not_taken",
                next_retry_delay=timedelta(seconds=wait) if wait else None,
            )

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsoleMarketing:
    """Tells nobody and remembers the newest version of each contact."""

    contacts: dict[str, Contact] = field(default_factory=dict)

    async def upsert(self, contact: Contact) -> None:
        """Keep the newer version."""
        known = self.contacts.get(contact.customer_id)
        if known is None or known.version <= contact.version:
            self.contacts[contact.customer_id] = contact

    async def forget(self, customer_id: str) -> None:
        """Forget a contact."""
        self.contacts.pop(customer_id, None)
