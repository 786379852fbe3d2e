"""KakaoTalk: who has none gets a text message, and what is unclear is looked up before one goes."""

from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.alimtalk import HttpAlimTalk
from activities.kit.calls import CallLog
from activities.kit.post import TALK_TRIES, LetterActivities
from models.customers import Customer
from models.messages.letters import Letter
from tests.activities import test_letters
from tests.activities.test_letters import change, send
from tests.sandbox import Sandbox

house, outside = test_letters.house, test_letters.outside


@pytest.mark.parametrize(("fault", "system"), [("500_before", "sms"), ("500_after", "alimtalk")])
async def test_an_unclear_kakaotalk_message_is_looked_up_before_a_text_message_goes(
    outside: LetterActivities, sandbox: Sandbox, fault: str, system: str
) -> None:
    outside.talk = HttpAlimTalk(f"{sandbox.url}/alimtalk", sandbox.token, CallLog(outside.engine))
    values = {"owed_minor": "55000", "count": "2", "channel": "kakao"}
    letter = Letter("d2", "", "dunning/reminder", invoice_id="I1-1", customer_id="c_one", values=values)
    sandbox.fail("alimtalk", {"kind": fault, "operation": "send"})
    there = ActivityEnvironment()
    for attempt in range(1, TALK_TRIES):
        there.info = replace(there.info, attempt=attempt)
        with pytest.raises(ApplicationError):
            await there.run(outside.send, letter)
    there.info = replace(there.info, attempt=TALK_TRIES)

    sent = [await there.run(outside.send, letter) for _ in range(2)]
    sandbox.fail("alimtalk")
    late = await outside.talk.give_up("d2")  # what comes late finds the key closed

    assert sent == [system, system]
    both = {one: len(sandbox.client.get(f"/{one}/messages").json()) for one in ("alimtalk", "sms")}
    assert both == {"alimtalk": int(system == "alimtalk"), "sms": int(system == "sms")}
    assert bool(late) is (system == "alimtalk")
    await outside.talk.close()


@pytest.mark.parametrize(
    ("phone", "system"), [("+821012345678", "alimtalk"), ("+821012340000", "sms"), ("", "mail")]
)
async def test_who_has_no_kakaotalk_gets_a_text_message_and_who_has_no_phone_a_mail(
    outside: LetterActivities, sandbox: Sandbox, phone: str, system: str
) -> None:
    calls = CallLog(outside.engine)
    outside.talk = HttpAlimTalk(f"{sandbox.url}/alimtalk", sandbox.token, calls)
    await change(outside.engine, Customer, phone=phone)
    values = {"owed_minor": "55000", "count": "2", "channel": "kakao"}
    letter = Letter("d1", "", "dunning/reminder", invoice_id="I1-1", customer_id="c_one", values=values)

    sent = [await send(outside, letter) for _ in range(2)]

    assert sent == [system, system]
    messages = sandbox.client.get(f"/{system}/messages").json()
    assert len(messages) == 1
    assert "55,000" in messages[0]["text"]
    await outside.talk.close()
