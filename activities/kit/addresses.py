"""Addresses and Message-IDs that only we can make: how an answer finds back to its ticket."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

TOKEN = 20  # letters of a keyed address: 100 bits
OURS = re.compile(r"([0-9a-z]{26})\.([0-9a-z]{16})@(.+)", re.I)


@dataclass(frozen=True)
class Addresses:
    """The desk's addresses; the first one is what letters are answered to."""

    secret: bytes = field(repr=False)
    known: tuple[str, ...]

    @property
    def local(self) -> str:
        """What stands before the @."""
        return self.known[0].partition("@")[0]

    @property
    def domain(self) -> str:
        """What stands behind it."""
        return self.known[0].partition("@")[2]

    def reply_to(self, ticket_id: str) -> str:
        """The address of one ticket; nobody can guess another ticket's."""
        return (
            f"{self.local}+{ticket_id.lower()}.{self._mac('reply-address', ticket_id)[:TOKEN]}@{self.domain}"
        )

    def ticket_of(self, addresses: Iterable[str]) -> str:
        """The first ticket whose own address is among these; a wrong key counts for nothing."""
        form = re.compile(rf"{re.escape(self.local)}\+(t[0-9]{{6,12}})\.([0-9a-z]{{{TOKEN}}})", re.I)
        for address in addresses:
            local, _, domain = address.lower().rpartition("@")
            found = form.fullmatch(local)
            if found is None or domain != self.domain.lower():
                continue
            ticket_id = found[1].upper()
            if hmac.compare_digest(found[2], self._mac("reply-address", ticket_id)[:TOKEN]):
                return ticket_id
        return ""

    def message_id(self, key: str) -> str:
        """The id of the letter `key`, without brackets; asked again it is the same."""
        own = self._mac("message-id", key)[:26]
        return f"{own}.{self._mac('own-message-id', own)[:16]}@{self.domain}"

    def is_ours(self, message_id: str) -> bool:
        """Whether we made this Message-ID."""
        found = OURS.fullmatch(message_id.lower())
        return found is not None and hmac.compare_digest(found[2], self._mac("own-message-id", found[1])[:16])

    def thread(self, ticket_id: str) -> str:
        """The id that all letters of a ticket refer to, so that mail programs keep them together."""
        return self.message_id(f"thread:{ticket_id}")

    def _mac(self, purpose: str, text: str) -> str:
        """A keyed name of `text` in lower-case letters and digits: mail servers may not keep capitals."""
        made = hmac.new(self.secret, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
        return base64.b32encode(made).decode().lower().rstrip("=")
