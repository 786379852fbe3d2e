"""Text types for everything that people type: nothing comes in that the tables or pages cannot bear."""

import re
import unicodedata
from typing import Annotated, Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.kit.language import N_

LINE, PARAGRAPH, NAME = 200, 10_000, 80
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad") | BIDI
KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
PHONE = re.compile(r"[0-9+()\-. \u00a0０-９－＋]{3,32}\Z")
HUGE = 2**63 - 1


def _no(code: str, sentence: str) -> PydanticCustomError:
    # The sentence is a msgid of our own; api/kit/forms.py translates it.
    return PydanticCustomError(code, sentence)


def storable(text: str) -> str:
    """Refuse NUL and lone surrogates: the database could not keep them."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _no("unreadable", N_("This text contains characters that cannot be read."))
    return text


def line(text: str) -> str:
    """One line: no control or direction marks, spaces joined and trimmed."""
    text = unicodedata.normalize("NFC", storable(text))
    if any(letter in BIDI or (unicodedata.category(letter) == "Cc" and letter != "\t") for letter in text):
        raise _no("unreadable", N_("This text contains characters that cannot be read."))
    return " ".join("".join(letter for letter in text if letter not in INVISIBLE).split())


def paragraph(text: str) -> str:
    """Several lines: line ends made equal; tabs stay, other control and direction marks are refused."""
    text = unicodedata.normalize("NFC", storable(text)).replace("\r\n", "\n").replace("\r", "\n")
    if any(
        letter in BIDI or (unicodedata.category(letter) == "Cc" and letter not in "\t\n") for letter in text
    ):
        raise _no("unreadable", N_("This text contains characters that cannot be read."))
    return text.strip()


def email(text: str) -> str:
    """An address in lower case; its domain is not asked."""
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise _no("email", N_("Please enter an e-mail address like name@example.com.")) from error


def phone(text: str) -> str:
    """A telephone number as E.164; without a country it is Korean."""
    try:
        if not PHONE.match(text):
            raise ValueError(text)
        number = phonenumbers.parse(text, "KR")
        if not phonenumbers.is_possible_number(number) or number.extension:
            raise ValueError(text)
    except (phonenumbers.NumberParseException, ValueError) as error:
        raise _no("phone", N_("Please enter a telephone number like 010-1234-5678.")) from error
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def key(text: str) -> str:
    """An id or a form's key: letters, digits and a few marks."""
    if not KEY.match(text):
        raise _no("key", N_("This form is damaged. Please load the page again."))
    return text


def nothing_if_blank(value: Any) -> Any:
    """An empty field of a form says nothing."""
    return None if isinstance(value, str) and not value.strip() else value


Line = Annotated[str, AfterValidator(line), Field(min_length=1, max_length=LINE)]
MaybeLine = Annotated[str, AfterValidator(line), Field(max_length=LINE)]
Paragraph = Annotated[str, AfterValidator(paragraph), Field(min_length=1, max_length=PARAGRAPH)]
MaybeParagraph = Annotated[str, AfterValidator(paragraph), Field(max_length=PARAGRAPH)]
Name = Annotated[str, AfterValidator(line), Field(min_length=1, max_length=NAME)]
Email = Annotated[str, AfterValidator(email), AfterValidator(line), Field(min_length=1, max_length=254)]
Phone = Annotated[str, AfterValidator(phone), Field(min_length=1, max_length=32)]
Key = Annotated[str, AfterValidator(key), Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0, le=HUGE)]
Minor = Annotated[int, Field(ge=-HUGE, le=HUGE)]
Password = Annotated[str, AfterValidator(storable), Field(min_length=1, max_length=1024)]
MaybePassword = Annotated[str, AfterValidator(storable), Field(max_length=1024)]
MaybeEmail = Annotated[Email | None, BeforeValidator(nothing_if_blank)]
MaybePhone = Annotated[Phone | None, BeforeValidator(nothing_if_blank)]
MaybeKey = Annotated[Key | None, BeforeValidator(nothing_if_blank)]
MaybeName = Annotated[Name | None, BeforeValidator(nothing_if_blank)]
