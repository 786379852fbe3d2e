"""What may be written: placeholders, sizes of text messages, fields and their answers."""

import pytest

from models.messages.tickets.writing import FieldAsked, FieldKind
from models.rules.tickets import writing as rules


def test_what_a_ticket_does_not_know_stays_where_it_can_be_seen() -> None:
    text = rules.filled("{{customer}}, {{ visit_time }} {{nobody}}", {"customer": "미나", "visit_time": ""})

    assert text == "미나, {{visit_time}} {{nobody}}"
    assert rules.gaps(text) == ("visit_time",)
    assert rules.strangers(text) == ("nobody",)


def test_a_value_that_looks_like_a_placeholder_is_not_filled_in_again() -> None:
    assert rules.filled("{{subject}}", {"subject": "{{agent}}", "agent": "Jo"}) == "{{agent}}"


@pytest.mark.parametrize(
    ("text", "size", "parts"),
    [("", 0, 0), ("a" * 90, 90, 1), ("가" * 45, 90, 1), ("가" * 45 + "a", 91, 2), ("a \n b", 3, 1)],
)
def test_a_text_message_is_counted_in_ninety_bytes(text: str, size: int, parts: int) -> None:
    assert (rules.sms_size(text), rules.sms_parts(text)) == (size, parts)


@pytest.mark.parametrize(
    ("field", "is_asked"),
    [
        (rules.Asked(FieldAsked.RESOLVE), True),
        (rules.Asked(FieldAsked.BOTH), True),
        (rules.Asked(FieldAsked.CANCEL), False),
        (rules.Asked(FieldAsked.RESOLVE, kinds=frozenset({"task"})), False),
        (rules.Asked(FieldAsked.RESOLVE, categories=frozenset({"pos"})), True),
        (rules.Asked(FieldAsked.RESOLVE, teams=frozenset({"other"})), False),
    ],
)
def test_a_field_is_asked_of_the_tickets_that_it_names(field: rules.Asked, is_asked: bool) -> None:
    assert rules.is_asked(field, "resolve", "fault", "pos", "store") is is_asked


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        (FieldKind.TEXT, "  x ", "x"), (FieldKind.TEXT, "  ", None), (FieldKind.YES_NO, "yes", "yes"),
        (FieldKind.YES_NO, "maybe", None), (FieldKind.CHOICE, "2", "2"), (FieldKind.CHOICE, "3", None),
        (FieldKind.CHOICE, "0", None), (FieldKind.CHOICE, "٢", None), (FieldKind.NUMBER, "-12.5", "-12.5"),
        (FieldKind.NUMBER, "1e5", None), (FieldKind.DAY, "2026-02-29", None),
        (FieldKind.DAY, "2028-02-29", "2028-02-29"),
    ],
)  # fmt: skip
def test_an_answer_is_kept_or_is_none(kind: FieldKind, typed: str, kept: str | None) -> None:
    assert rules.answered(kind, typed, ("part", "settings")) == kept
