"""Every stored sentence in both languages, with the values that our workflows and activities pass."""

from typing import Any

import pytest

from activities.kit.post import FORMS
from api.kit import labels, language
from api.kit.sentences import BARE, BARE_WAITS, SENTENCES, sentence, then_sentence, wait_sentence
from models.messages.field_service import Outcome
from models.messages.journeys import THENS, WAITS
from models.messages.payments import Verdict
from models.rules.payments import REFUSALS
from tests import sentences

AT = "2026-11-24T05:00:00+00:00"
VALUES: dict[str, Any] = {
    "actor": "조은별", "agent": "Jo Bennett", "technician": "Morgan Cole", "stars": "5", "answer_due": AT,
    "expires_at": AT, "starts_at": AT, "due_at": "2026-12-08T14:59:59+00:00", "number": "2026-000123",
    "total": "₩110,000", "amount": "₩110,000", "letter": "field_service/choose_slot",
    "plan": "아쿠아 300", "starts_on": "2026-12-01", "effective_on": "2026-12-01", "change": "upgrade",
    "tracking": "TR1000011", "order_id": "O100002",
    "day": "2026-12-01", "paid": "3", "refused": "1", "rows": "12", "accounts": "60", "invoices": "39",
    "parked": "1",
    "shipment_id": "O100001-1", "ticket_id": "T100001", "step": "payment", "system": "stock",
    "code": "REJECT_CARD_PAYMENT", "verdict": "not_found", "reason": "고객 요청",
    "period": "2026-10", "count": "2", "check": "unknown", "document": "2026-17",
    "since": "2026-11-02", "pay_on": "2026-12-01",
    "until_on": "2026-12-01", "other": "T100001", "stage": "노트북 지급", "approver": "한서윤",
    "target": "resolve", "due": AT, "was": AT, "rule": "골드 고객", "team": "고객지원팀", "tag": "vip",
    "priority": "P1", "held": "too_often",
    "item_ko": "명함", "item_en": "Business cards", "reader": "한서윤",
    "template_ko": "방문 안내", "template_en": "Visit", "until": AT, "minutes": "12", "fault": "E41",
    "paper": "insurance", "question": "왜 필요합니까?", "answer": "새 노트북이 필요합니다", "version": "2",
}  # fmt: skip
REASONS = {
    "visits.declined": "too_far",
    "visits.given_back": "ill",
    "visits.incomplete": "part_needed",
    "visits.cancelled": "ticket_cancelled",
}


@pytest.fixture(params=language.LOCALES)
def locale(request: pytest.FixtureRequest) -> Any:
    before = language.locale()
    yield language.speak(request.param)
    language.speak(before)


@pytest.mark.parametrize("code", SENTENCES)
def test_a_line_of_the_timeline_is_all_words(code: str) -> None:
    details = VALUES | {"reason": REASONS.get(code, VALUES["reason"])}

    assert sentences.faults_of_step(code, details) == []


@pytest.mark.parametrize("what", WAITS)
def test_a_wait_is_all_words(what: str) -> None:
    assert sentences.faults_of_wait(what, "", VALUES) == []


@pytest.mark.parametrize("then", THENS)
def test_what_happens_then_is_all_words(then: str) -> None:
    assert sentences.faults_of_wait("answer", then, {}) == []


def test_a_sentence_without_its_values_says_less_and_shows_no_gap(locale: str) -> None:
    with_values = {code for code, text in (SENTENCES | WAITS).items() if sentences.PLACE.search(text)}

    assert set(BARE) | set(BARE_WAITS) == with_values
    for code in SENTENCES:
        assert sentences.faults(code, sentence(code, {})) == []
    for what in WAITS:
        assert sentences.faults(what, wait_sentence(what, {})) == []


def test_a_code_that_we_do_not_know_is_never_shown(locale: str) -> None:
    told = [
        sentence("robots.dreamt", {}),
        wait_sentence("robot", {}),
        then_sentence("dream"),
        sentence("payments.refused", {"code": "SHEEP_NOT_ELECTRIC"}),
    ]

    for text in told:
        assert sentences.faults("unknown", text) == []
        assert "robot" not in text
        assert "SHEEP" not in text


def test_every_code_that_a_sentence_may_name_has_a_name() -> None:
    named: dict[str, set[str]] = {
        "verdict": set(Verdict),
        "outcome": set(Outcome),
        "payment_code": {*REFUSALS, "ABORTED", "invoice_paid", "invoice_cancelled"},
        "letter": set(FORMS),
    }

    assert {(kind, code) for kind in named for code in named[kind] if not labels.name_of(code, kind)} == set()


def test_an_invoice_is_due_on_a_day_not_at_a_moment() -> None:
    before = language.locale()
    language.speak("en")
    told = sentence("billing.issued", VALUES)
    language.speak(before)

    assert told == "Invoice 2026-000123 over ₩110,000 issued, due 8 Dec 2026"


def test_a_kind_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered already"):
        labels.register("visit", {"lost": labels.Label("Lost")})


@pytest.mark.parametrize(
    ("told", "fault"),
    [("Opened; due –", "a gap"), ("Declined: too_far", "a code"), (f"Due {AT}", "a machine's moment")],
)
def test_what_is_raw_is_seen(told: str, fault: str) -> None:
    assert any(fault in found for found in sentences.faults("any", told))


def test_a_status_without_a_name_is_no_label_of_its_kind() -> None:
    named = dict.fromkeys(list(Outcome)[1:], labels.Label("x"))

    with pytest.raises(ValueError, match=next(iter(Outcome)).value):
        labels.register("half_named", named)
    labels.register("half_named", named, is_part=True)
