"""What no stored sentence may show a reader: a gap, a raw code, an id or a machine's moment."""

import re
from collections.abc import Callable, Mapping

import api.billing
import api.dunning
import api.field_service
import api.orders
import api.partners
import api.payments
import api.subscriptions
import api.systems
import api.tickets
from api.kit import language
from api.kit.sentences import SENTENCES, sentence, then_sentence, wait_sentence, written
from models.messages.journeys import THENS, WAITS

# Each says what its codes are called.
WORDS = (
    api.billing,
    api.dunning,
    api.field_service,
    api.orders,
    api.partners,
    api.payments,
    api.subscriptions,
    api.systems,
    api.tickets,
)
PLACE = re.compile(r"%\((\w+)\)s")
RAW = {
    "a gap": re.compile(r"–|: *$|\( *\)|None"),
    "a machine's moment": re.compile(r"\d{4}-\d\d-\d\d(T|\b(?!-))|\d\d:\d\d:\d\d|\+00:00"),
    "a place without its value": re.compile(r"%\("),
    "a code": re.compile(r"[a-z]+_[a-z_]+|[A-Z]+_[A-Z_]+|[a-z]+\.[a-z]+_?[a-z]+|[a-z]+/[a-z_]+"),
    "an account's or technician's id": re.compile(r"\b(acc|tec|cus|att|par)_\w+"),
}
FOREIGN = {"billing.close_refused": "reason"}  # what another system says in its own words
MAY_BE_LEFT_OUT = {"visits.cancelled", "billing.cancelled", "billing.suspense_cleared"}  # a person's reason


def faults(code: str, told: str) -> list[str]:
    """What is raw in one line of text."""
    return [f"{code}: {told!r} shows {name}" for name, pattern in RAW.items() if pattern.search(told)]


def faults_of_step(code: str, details: Mapping[str, object]) -> list[str]:
    """What is wrong with one line of the timeline, in both languages."""
    if code not in SENTENCES:
        return [f"{code} has no sentence"]
    places = [] if code in MAY_BE_LEFT_OUT else PLACE.findall(SENTENCES[code])
    if code in FOREIGN:
        details = {**details, FOREIGN[code]: "it says no" if details.get(FOREIGN[code]) else ""}
    return [
        fault
        for locale in language.LOCALES
        for fault in _in(locale, lambda: _checked(code, sentence(code, details), places, details))
    ]


def faults_of_wait(what: str, then: str, details: Mapping[str, object]) -> list[str]:
    """What is wrong with one wait, in both languages."""
    if what not in WAITS or (then and then not in THENS):
        return [f"{what} or {then} has no sentence"]
    places = PLACE.findall(WAITS[what])
    return [
        fault
        for locale in language.LOCALES
        for fault in _in(
            locale,
            lambda: [
                *_checked(what, wait_sentence(what, details), places, details),
                *(faults(then, then_sentence(then)) if then else []),
            ],
        )
    ]


def _checked(code: str, told: str, places: list[str], details: Mapping[str, object]) -> list[str]:
    absent = [f"{code}: {name} has no words in {details}" for name in places if not _words(name, details)]
    return [*absent, *faults(code, told)]


def _words(name: str, details: Mapping[str, object]) -> str | None:
    return written(name, details.get(f"{name}_{language.locale()}", details.get(name)))


def _in(locale: str, ask: Callable[[], list[str]]) -> list[str]:
    before = language.locale()
    language.speak(locale)
    try:
        return ask()
    finally:
        language.speak(before)
