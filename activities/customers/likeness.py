"""How two records resemble each other: letters and digits compared, nothing decided."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass

import phonenumbers
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from models.rules.customers import Likeness

HOME = "KR"


@dataclass(frozen=True)
class Facts:
    """What is compared of one record."""

    id: str
    kind: str
    name: str
    phone: str
    phone_as_given: str
    email: str
    postcode: str
    address: str


def compare(one: Facts, other: Facts, *, is_proved: bool = False) -> Likeness:
    """Every way in which two records may be one customer."""
    ours, theirs = numbers(one), numbers(other)
    left, right = mailbox(one.email), mailbox(other.email)
    return Likeness(
        is_phone_same=bool(ours & theirs),
        is_phone_close=any(is_close(a, b) for a in ours for b in theirs),
        is_mailbox_same=bool(left[0]) and left == right,
        is_mail_name_same=len(left[0]) >= 4 and left[0] == right[0],
        is_proved=is_proved,
        name=alike(one.name, other.name),
        address=address(one, other),
        is_kind_same=one.kind == other.kind,
    )


def numbers(facts: Facts) -> frozenset[str]:
    """The telephone numbers of a record in one way of writing, the one that somebody gave too."""
    found = {facts.phone} if facts.phone else set()
    if facts.phone_as_given:
        try:
            given = phonenumbers.parse(facts.phone_as_given, HOME)
        except phonenumbers.NumberParseException:
            return frozenset(found)
        if phonenumbers.is_possible_number(given):
            found.add(phonenumbers.format_number(given, phonenumbers.PhoneNumberFormat.E164))
    return frozenset(found)


def is_close(one: str, other: str) -> bool:
    """One digit is another, or two neighbours changed places."""
    return one != other and len(one) == len(other) >= 8 and OSA.distance(one, other, score_cutoff=1) == 1


def mailbox(address: str) -> tuple[str, str]:
    """Whose mailbox it is, without what most providers ignore."""
    local, _, domain = address.lower().partition("@")
    plain = local.partition("+")[0].translate({ord(sign): None for sign in "._-"})
    return (plain, domain) if plain and domain else ("", "")


def alike(one: str, other: str) -> int:
    """0 to 100: Hangul letter by letter, names in either order."""
    left, right = plain(one), plain(other)
    return round(fuzz.token_sort_ratio(left, right)) if left and right else 0


def address(one: Facts, other: Facts) -> int:
    """0 to 100; another postcode is another place, however alike the streets are called."""
    if not one.address or not other.address:
        return 0
    if one.postcode and other.postcode and one.postcode != other.postcode:
        return 0
    return round(fuzz.token_sort_ratio(plain(one.address), plain(other.address)))


def plain(said: str) -> str:
    """Small letters, one sort of space, syllables taken apart."""
    return unicodedata.normalize("NFKD", " ".join(said.casefold().split()))


def likeness_key(one: Facts, other: Facts) -> str:
    """A name for exactly these facts: what was dismissed stays so until one of them changes."""
    both = [vars(facts) for facts in sorted((one, other), key=lambda facts: facts.id)]
    return hashlib.sha256(json.dumps(both, sort_keys=True).encode()).hexdigest()[:32]
