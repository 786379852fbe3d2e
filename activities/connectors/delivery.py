"""What the answer of a mail or SMS system means; asking again under the same key is always safe."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after


class ReceiverRefused(Exception):
    """The system says for certain that this receiver can get nothing."""


def judge(heard: Heard) -> CallResult:
    """Only an id in a 2xx is a yes; only a documented 400 about the receiver is a no."""
    if heard.status is None:
        return CallResult.FAILED if heard.error in NEVER_SENT else CallResult.UNKNOWN
    body = read_object(heard.body) or {}
    if 200 <= heard.status < 300 and is_code(body.get("id")):
        return CallResult.OK
    if heard.status == 400 and body.get("code") == "INVALID_RECEIVER":
        return CallResult.REFUSED
    return CallResult.FAILED if heard.status == 429 else CallResult.UNKNOWN


def delivered(system: System, heard: Heard) -> str:
    """The system's id of the message; anything but a yes or a no is a failure that Temporal tries again."""
    match judge(heard):
        case CallResult.OK:
            return str((read_object(heard.body) or {})["id"])
        case CallResult.REFUSED:
            raise ReceiverRefused(system.value)
    wait = retry_after(heard.headers) if heard.status == 429 else 0
    raise ApplicationError(
        f"{system.value} did not take the message: {heard.error or heard.status}",
        type=f"{system.value}_not_taken",
        next_retry_delay=timedelta(seconds=wait) if wait else None,
    )
