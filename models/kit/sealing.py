"""Secrets that lie in tables: AES-256-GCM with the key's name, bound to the row that they belong to."""

import base64
import os
from collections.abc import Iterable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Seals:
    """Seals with the first key, opens with the one that a seal names; another row's seal opens nothing."""

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        pairs = list(keys)
        self.active = pairs[0][0]
        self._ciphers = {name: AESGCM(key) for name, key in pairs}

    def seal(self, secret: str, owner: str) -> str:
        """The secret as it may be stored in the row `owner`."""
        nonce = os.urandom(12)
        hidden = self._ciphers[self.active].encrypt(nonce, secret.encode(), owner.encode())
        return f"{self.active}:{base64.b64encode(nonce + hidden).decode()}"

    def open(self, sealed: str, owner: str) -> str:
        """The secret of the row `owner`."""
        name, data = sealed.split(":", 1)
        raw = base64.b64decode(data)
        return self._ciphers[name].decrypt(raw[:12], raw[12:], owner.encode()).decode()
