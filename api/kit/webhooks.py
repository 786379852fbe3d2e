"""Webhooks from outside: nothing in them is believed before the signature over the raw body fits."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

MAX_BODY = 20_000  # Standard Webhooks asks senders to stay below 20 kB
MAX_STRIPE_BODY = 200_000  # an event carries the whole object
TOLERANCE = 300  # seconds
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")
_SIGNATURE = re.compile(r"v1,([A-Za-z0-9+/]{43}=)")


class BadWebhook(Exception):
    """Not from whom it says, too old, or not readable; answered 401 without a reason."""


@dataclass(frozen=True)
class Verified:
    """A message whose sender is proved; `id` is constant over retries and makes them harmless."""

    id: str
    body: dict[str, Any]


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> Verified:
    """Check signature and time (5 minutes) of the raw body; no secret means no webhook is accepted.

    The library reads base64 and numbers generously; a spelling other than the sender's is refused here,
    so that no byte of a message can change."""
    names = {name.lower(): value for name, value in headers.items()}
    signed = {name: names.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")}
    if not secret or len(body) > MAX_BODY:
        raise BadWebhook
    if not _ID.fullmatch(signed["id"]) or not _TIMESTAMP.fullmatch(signed["timestamp"]):
        raise BadWebhook
    if not all(_is_canonical(part) for part in signed["signature"].split(" ")):
        raise BadWebhook
    wanted = {f"webhook-{name}": value for name, value in signed.items()}
    try:
        Webhook(secret).verify(body, wanted, json_parse=False)
        found = json.loads(body)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError, RecursionError) as error:
        raise BadWebhook from error
    if not isinstance(found, dict):
        raise BadWebhook
    return Verified(signed["id"], found)


def verify_stripe(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> Verified:
    """Check `Stripe-Signature: t=…,v1=…` over the raw body, and that it is not older than five minutes."""
    said = {name.lower(): value for name, value in headers.items()}.get("stripe-signature", "")
    parts = [part.partition("=") for part in said.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if not secret or len(body) > MAX_STRIPE_BODY or len(times) != 1 or not _TIMESTAMP.fullmatch(times[0]):
        raise BadWebhook
    wanted = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    signed = [value for name, _, value in parts if name == "v1"]
    is_signed = any(hmac.compare_digest(wanted.encode(), value.encode()) for value in signed)
    if not is_signed or abs(now - int(times[0])) > TOLERANCE:
        raise BadWebhook
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadWebhook from error
    name = found.get("id") if isinstance(found, dict) else None
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise BadWebhook
    return Verified(name, found)


def _is_canonical(signature: str) -> bool:
    """Whether base64 is spelled in the one way that a sender writes it: 32 bytes, no stray bits."""
    if not (found := _SIGNATURE.fullmatch(signature)):
        return False
    try:
        return base64.b64encode(base64.b64decode(found[1], validate=True)).decode() == found[1]
    except binascii.Error:
        return False
