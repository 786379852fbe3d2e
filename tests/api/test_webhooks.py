"""A webhook is believed only when every byte of it is the sender's."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from api.kit.webhooks import BadWebhook, verify

SECRET = "whsec_" + base64.b64encode(b"a secret of the gateway for tests").decode()
BODY = '{"type": "PAYMENT_STATUS_CHANGED", "data": {"order_id": "I100123-1.1", "note": "결제"}}'.encode()


def signed(body: bytes = BODY, *, age: timedelta = timedelta(), secret: str = SECRET) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return {
        "Webhook-Id": "evt_17",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_17", at.replace(tzinfo=None), body.decode()),
    }


def test_a_signed_message_is_believed() -> None:
    found = verify(SECRET, signed(), BODY)

    assert (found.id, found.body["data"]["order_id"]) == ("evt_17", "I100123-1.1")


@pytest.mark.parametrize("bit", range(8))
def test_no_changed_bit_of_the_body_is_believed(bit: int) -> None:
    headers = signed()

    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1 << bit
        with pytest.raises(BadWebhook):
            verify(SECRET, headers, bytes(changed))


@pytest.mark.parametrize("name", ["Webhook-Id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("bit", range(8))
def test_no_changed_bit_of_a_header_is_believed(name: str, bit: int) -> None:
    headers = signed()

    for place in range(len(headers[name])):
        changed = bytearray(headers[name].encode())
        changed[place] ^= 1 << bit
        with pytest.raises(BadWebhook):
            verify(SECRET, {**headers, name: changed.decode("latin-1")}, BODY)


@pytest.mark.parametrize("minutes", [-10, -6, 6, 60, 60 * 24 * 30])
def test_an_old_or_future_message_is_not_believed(minutes: int) -> None:
    with pytest.raises(BadWebhook):
        verify(SECRET, signed(age=timedelta(minutes=minutes)), BODY)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(BadWebhook):
        verify("", signed(), BODY)


@pytest.mark.parametrize("missing", ["Webhook-Id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_its_headers_is_not_believed(missing: str) -> None:
    headers = {name: value for name, value in signed().items() if name != missing}

    with pytest.raises(BadWebhook):
        verify(SECRET, headers, BODY)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 19_000, b'{"a": "' + b"x" * 20_000 + b'"}']
)
def test_a_signed_body_that_is_no_small_object_is_not_believed(body: bytes) -> None:
    headers = signed() if body == b"\xff" else signed(body)

    with pytest.raises(BadWebhook):
        verify(SECRET, headers, body)


def test_two_signatures_are_accepted_while_a_secret_is_rotated() -> None:
    other = signed(secret="whsec_" + base64.b64encode(b"the secret that was used before it").decode())
    headers = signed()
    headers["webhook-signature"] = f"{other['webhook-signature']} {headers['webhook-signature']}"

    assert verify(SECRET, headers, BODY).id == "evt_17"
