"""What becomes of a look-up that the gateway does not answer."""

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from models.messages.payments import ChargeAnswer

ASKED_SOON = 4  # times


def or_ask_again(answer: ChargeAnswer) -> ChargeAnswer:
    """What a look-up found. One that the gateway did not answer is asked again within seconds, a few times,
    before it counts as one that found nothing out: it only reads, and somebody waits for their money."""
    if answer.is_unanswered and activity.info().attempt < ASKED_SOON:
        delay = timedelta(seconds=answer.retry_after_seconds) if answer.retry_after_seconds else None
        raise ApplicationError(
            f"the look-up was not answered: {answer.code}", type="look_up_unanswered", next_retry_delay=delay
        )
    return answer
