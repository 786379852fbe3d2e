"""What Temporal stores of us is encrypted: AES-256-GCM with a key id, so that keys can be rotated."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import date
from typing import Any, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    AdvancedJSONEncoder,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)

_ENCODING, _LIFE = b"binary/encrypted", "life"


class DatesToo(AdvancedJSONEncoder):
    """Business days are written like moments are: 2026-11-22."""

    def default(self, o: Any) -> Any:
        """Days, and whatever Temporal itself can write."""
        return o.isoformat() if isinstance(o, date) else super().default(o)


class ReadsDates(JSONTypeConverter):
    """Reads business days where a message says that one stands."""

    def to_typed_value(self, hint: type, value: Any) -> Any:
        """A day; everything else is read as before."""
        if hint is date and isinstance(value, str):
            return date.fromisoformat(value)
        return JSONTypeConverter.Unhandled


class PlainPayloads(CompositePayloadConverter):
    """Temporal's own converters; the one for JSON also knows business days."""

    def __init__(self) -> None:
        json = JSONPlainPayloadConverter(encoder=DatesToo, custom_type_converters=[ReadsDates()])
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(json if one.encoding == json.encoding else one for one in others))


class EncryptedPayloads(PayloadCodec, WithSerializationContext):
    """Encrypts with the first key, decrypts with whichever key the payload names. Each payload says whose
    life it is part of, sealed with it: so that who may not see the life is not shown its payloads either."""

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        pairs = list(keys)
        self.active = pairs[0][0]
        self.ciphers = {name: AESGCM(key) for name, key in pairs}
        self.life = b""

    def with_context(self, context: SerializationContext) -> Self:
        """The same for payloads of one life."""
        mine = copy(self)
        mine.life = (getattr(context, "workflow_id", None) or "").encode()
        return mine

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Hide every payload, its own metadata included."""
        return [self._hide(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Show payloads that we encrypted; leave others as they are."""
        return [self._show(payload) for payload in payloads]

    def _hide(self, payload: Payload) -> Payload:
        nonce = os.urandom(12)
        data = self.ciphers[self.active].encrypt(nonce, payload.SerializeToString(), self.life or None)
        metadata = {"encoding": _ENCODING, "key-id": self.active.encode()}
        if self.life:
            metadata[_LIFE] = self.life
        return Payload(metadata=metadata, data=nonce + data)

    def _show(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        cipher = self.ciphers[payload.metadata["key-id"].decode()]
        sealed_with = payload.metadata.get(_LIFE) or None
        return Payload.FromString(cipher.decrypt(payload.data[:12], payload.data[12:], sealed_with))


def life_of(payload: Payload) -> str:
    """The workflow whose payload it is; empty for one from before they said so."""
    return payload.metadata.get(_LIFE, b"").decode(errors="replace")


def converter(keys: Iterable[tuple[str, bytes]]) -> DataConverter:
    """The one data converter of clients and workers; failure texts are encrypted too."""
    return dataclasses.replace(
        DataConverter.default,
        payload_converter_class=PlainPayloads,
        payload_codec=EncryptedPayloads(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
