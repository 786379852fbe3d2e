"""The table of trust, what machines admit, and what was newly written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.kit.addresses import Addresses
from models.messages.tickets.mails import Mark
from models.rules.tickets import mails as rules
from models.rules.tickets.mails import Claims, Place, Written

HOUSE = Addresses(b"one secret of a house", ("help@desk.example", "service@desk.example"))
OTHER = Addresses(b"another house's secret", ("help@desk.example",))


@pytest.mark.parametrize(
    ("claims", "place"),
    [
        (Claims(), Place()),
        (Claims(signed="T1", is_participant=True), Place("T1", Mark.PROVED, "signed_address")),
        (Claims(signed="T1"), Place("T1", Mark.STRANGER, "signed_address")),
        (Claims(signed="T1", answered="T2", is_participant=True), Place("T1", Mark.PROVED, "signed_address")),
        (Claims(answered="T1", is_participant=True), Place("T1", Mark.UNPROVED, "bare_reference")),
        (
            Claims(answered="T1", is_participant=True, is_vouched=True),
            Place("T1", Mark.PROVED, "vouched_reference"),
        ),
        (Claims(answered="T1"), Place(hint="T1")),
        (Claims(answered="T1", is_vouched=True), Place(mark=Mark.PROVED, hint="T1")),
        (Claims(named="T1", is_participant=True), Place(hint="T1")),
        (
            Claims(signed="T1", is_participant=True, is_over=True),
            Place(hint="T1", is_follow_up=True),
        ),
        (Claims(answered="T1", is_participant=True, is_over=True), Place(hint="T1")),
    ],
)
def test_the_table_of_trust(claims: Claims, place: Place) -> None:
    assert rules.place(claims) == place


@given(
    st.builds(
        Claims, signed=st.just(""), answered=st.sampled_from(["", "T1"]), named=st.sampled_from(["", "T1"]),
        is_participant=st.booleans(), is_vouched=st.just(False), is_over=st.booleans(),
    )
)  # fmt: skip
def test_without_the_keyed_address_or_a_voucher_nothing_is_ever_unmarked(claims: Claims) -> None:
    assert rules.place(claims).mark is Mark.UNPROVED


@pytest.mark.parametrize(
    ("machine", "sender", "has_no_return", "written"),
    [
        ({}, "a@b.test", False, Written.PERSON),
        ({"auto_submitted": "no"}, "a@b.test", False, Written.PERSON),
        ({"auto_submitted": "auto-replied; owner-email=x"}, "a@b.test", False, Written.ANSWERING_MACHINE),
        ({"auto_submitted": "Auto-Generated (cron)"}, "a@b.test", False, Written.MACHINE),
        ({"precedence": "bulk"}, "a@b.test", False, Written.LIST),
        ({"list_id": "<x>"}, "a@b.test", False, Written.LIST),
        ({"suppress": "All"}, "a@b.test", False, Written.PERSON),
        ({}, "a@b.test", True, Written.MACHINE),
        ({}, "MAILER-DAEMON@b.test", False, Written.MACHINE),
    ],
)
def test_what_machines_admit(
    machine: dict[str, str], sender: str, has_no_return: bool, written: Written
) -> None:
    assert rules.written_by(machine, False, sender, has_no_return) is written


@pytest.mark.parametrize(
    ("result", "is_vouched"),
    [
        ("mx.us; dmarc=pass (p=none) header.from=bank.example", True),
        ("mx.us 1; spf=pass; dmarc=pass header.from=bank.example; dkim=none", True),
        ("mx.us; dmarc=fail header.from=bank.example", False),
        ("mx.us; dmarc=pass header.from=bank.example.evil.test", False),
        ("mx.us; dmarc=pass header.from=evil.test", False),
        ("mx.us; spf=pass smtp.mailfrom=bank.example; dkim=pass header.from=bank.example", False),
        ("mx.us.evil.test; dmarc=pass header.from=bank.example", False),
        ("", False),
    ],
)
def test_only_our_own_server_vouches(result: str, is_vouched: bool) -> None:
    assert rules.is_vouched_for([result] if result else [], "mx.us", "a@bank.example") is is_vouched
    assert not rules.is_vouched_for(["evil.test; dmarc=fail", result], "mx.us", "a@bank.example")
    assert not rules.is_vouched_for([result], "", "a@bank.example")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hello", "hello"),
        ("yes\n\nOn Sun, 22 Nov 2026 at 12:00, Ieum <help@x> wrote:\n> hello\n> you\n", "yes"),
        ("네\n\n2026년 11월 22일 (일) 오후 3:00, Ieum님이 작성:\n> 안녕하세요\n", "네"),
        ("> quoted first\nand answered below", "> quoted first\nand answered below"),
        ("> only\n> a quote", "> only\n> a quote"),
        ("a\n> b\nc\n> d", "a\n> b\nc"),
        ("Price > 5?\nyes", "Price > 5?\nyes"),
    ],
)
def test_a_quoted_letter_at_the_end_is_left_out(text: str, kept: str) -> None:
    assert rules.without_quote(text) == kept


def test_no_text_takes_long() -> None:
    begun = time.perf_counter()
    for text in ("On " + "a " * 20_000 + "\n> x", ">" * 50_000, "\n> x" * 20_000, "On " * 15_000 + "\n>"):
        rules.without_quote(text)

    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Re: T100123", "T100123"),
        ("[t100123] x", "T100123"),
        ("AT100123", ""),
        ("T1001234567890", ""),
        ("", ""),
    ],
)
def test_a_number_in_a_subject_is_found(subject: str, number: str) -> None:
    assert rules.number_in(subject) == number


def test_a_tickets_address_opens_this_ticket_in_this_house_only() -> None:
    address = HOUSE.reply_to("T100001")

    assert HOUSE.ticket_of(["x@y.test", address.upper()]) == "T100001"
    assert OTHER.ticket_of([address]) == ""
    assert HOUSE.ticket_of([address.replace("100001", "100002")]) == ""
    assert HOUSE.ticket_of([address.replace("desk.example", "evil.example")]) == ""
    assert len(address.partition("@")[0]) <= 64


@given(st.text(max_size=80))
def test_no_other_address_opens_a_ticket(text: str) -> None:
    assert HOUSE.ticket_of([text, f"help+t100001.{text}@desk.example", f"{text}@desk.example"]) == ""


def test_our_message_ids_are_known_as_ours() -> None:
    own = HOUSE.message_id("ticket:T1/3/reply")

    assert own == HOUSE.message_id("ticket:T1/3/reply") != HOUSE.message_id("ticket:T1/4/reply")
    assert HOUSE.is_ours(own)
    assert not OTHER.is_ours(own)
    assert not HOUSE.is_ours(own.replace(".", "x.", 1))
