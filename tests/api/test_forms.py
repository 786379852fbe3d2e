"""What people type comes in clean or is refused at its field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.kit.forms import SENTENCES, Input, check
from api.kit.texts import Count, Email, Key, Line, MaybeEmail, MaybeLine, Minor, Name, Paragraph, Phone
from tests.api.web import Web

BAD = ["a\x00b", "a\ud800b", "a\x07b", "a\u202eb", "a\u2066b", "a\x1bb", "a\x85b"]


class Report(Input):
    name: Name
    phone: Phone
    email: MaybeEmail = None
    body: Paragraph
    tags: list[Key] = []
    count: Count = 0


GOOD = {"name": "홍 길동", "phone": "010-1234-5678", "body": "It\r\nleaks"}


@pytest.mark.parametrize("kind", [Line, Paragraph, Name])
@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_unreadable_texts_are_refused(kind: object, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)


@given(st.text(st.characters(), max_size=300))
def test_whatever_a_paragraph_lets_in_can_be_stored_and_shown(text: str) -> None:
    try:
        kept = TypeAdapter(Paragraph).validate_python(text)
    except ValidationError:
        return
    assert "\x00" not in kept
    assert kept.encode()
    assert TypeAdapter(Paragraph).validate_python(kept) == kept


@given(st.text(st.characters(), max_size=250))
def test_a_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    try:
        kept = TypeAdapter(Line).validate_python(text)
    except ValidationError:
        return
    assert len(kept.splitlines()) <= 1
    assert TypeAdapter(Line).validate_python(kept) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("010-1234-5678", "+821012345678"), ("+82 10 1234 5678", "+821012345678"),
        ("+82-010-1234-5678", "+821012345678"),
        ("０１０－１２３４－５６７８", "+821012345678"),
        ("02-555-1234", "+8225551234"), ("1588-1234", "+8215881234"),
        ("+1 415 555 0123", "+14155550123"),
    ],
)  # fmt: skip
def test_phones_become_one_form(text: str, kept: str) -> None:
    assert TypeAdapter(Phone).validate_python(text) == kept


@pytest.mark.parametrize(
    "text", ["", "phone", "010-1234-5678#12", "12", "9" * 40, "010-1234-5678\n", "tel:0101234"]
)
def test_what_is_no_phone_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Phone).validate_python(text)


@pytest.mark.parametrize(
    "text", ["a", "a@b@c", "a@localhost\r\nBcc: x@y.kr", "a b@c.kr", "x" * 300 + "@a.kr", "@a.kr"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Email).validate_python(text)


def test_an_address_is_kept_in_lower_case() -> None:
    assert TypeAdapter(Email).validate_python("Kim@Example.COM") == "kim@example.com"


@pytest.mark.parametrize("number", [2**63, -1, 10**30])
def test_a_count_fits_the_database(number: int) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Count).validate_python(number)
    assert TypeAdapter(Minor).validate_python(-(2**63) + 1)


def test_a_good_form_becomes_a_value() -> None:
    sent = check(Report, {**GOOD, "email": "", "tags": ["a", "b"]})

    assert sent.value is not None
    assert (sent.value.body, sent.value.email, sent.value.tags) == ("It\nleaks", None, ["a", "b"])


def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong() -> None:
    sent = check(Report, {"name": "", "phone": "x", "body": "text", "status": "closed"})

    assert sent.value is None
    assert set(sent.form.errors) == {"name", "phone", "status"}
    assert sent.form.value("body") == "text"
    assert all(sent.form.errors.values())
    assert SENTENCES["extra_forbidden"] not in sent.form.errors["name"]


def test_a_password_is_never_sent_back() -> None:
    class Door(Input):
        login: MaybeLine
        password: Line

    sent = check(Door, {"login": "me", "password": "a\x00"})

    assert sent.value is None
    assert "password" not in sent.form.values


@pytest.mark.parametrize("body", [b"[1]", b"{", b"null", b"\xff", b'{"name": 1e999}', b"[" * 5000])
async def test_a_strange_body_is_refused_and_not_an_error(web: Web, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = await web.post("/me/keys", who="agent", headers=headers, content=body)

    assert answer.status_code == 422


async def test_a_field_that_the_form_does_not_have_changes_nothing(web: Web) -> None:
    for extra in ("account_id", "token_hash", "expires_at", "revoked_at"):
        answer = await web.post("/me/keys", who="agent", data={"name": "x", extra: "y"})
        assert answer.status_code == 422


async def test_a_large_body_is_refused(web: Web) -> None:
    answer = await web.post("/me/keys", who="agent", data={"name": "x" * 2_000_000})

    assert answer.status_code in (413, 422)
