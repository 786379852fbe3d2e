"""Words about articles: what one says, to whom, what can be wrong with it, what the daily look is told."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.sentences import N_

LANGUAGES = ("ko", "en")
LONGEST_BODY, LONGEST_TITLE, LONGEST_SUMMARY, LONGEST_WORD = 20_000, 120, 300, 40
MOST_WORDS, MOST_PRODUCTS = 20, 30
LEAST_DAYS, MOST_DAYS, USUAL_DAYS = 7, 730, 180


class Audience(StrEnum):
    """Who may read an article; our own staff reads all of them."""

    CUSTOMERS = "customers"  # everybody, signed in or not
    PARTNERS = "partners"  # service companies and technicians
    EMPLOYEES = "employees"
    AGENTS = "agents"  # our staff alone


class Topic(StrEnum):
    """What an article is about."""

    FAULT = "fault"
    USE = "use"
    VISIT = "visit"
    DELIVERY = "delivery"
    BILLING = "billing"
    CONTRACT = "contract"
    ACCOUNT = "account"
    WORK = "work"


class Use(StrEnum):
    """What is counted of an article, by day and never by person."""

    READ = "read"
    INSERTED = "inserted"  # into a reply
    DEFLECTED = "deflected"  # somebody who was about to report a fault said that it helped


class Place(StrEnum):
    """Where somebody searched."""

    HELP = "help"
    REPORT = "report"
    TICKET = "ticket"


class GapStatus(StrEnum):
    """What came of a ticket that no article answered."""

    OPEN = "open"
    DRAFTED = "drafted"
    DISMISSED = "dismissed"


@dataclass(frozen=True)
class Article:
    """One version of an article as it is written: all of it in both languages."""

    key: str
    audience: Audience
    topic: Topic
    titles: dict[str, str]
    summaries: dict[str, str]
    bodies: dict[str, str]  # Markdown
    products: tuple[str, ...] = ()  # ids of products or their categories; none: about no product
    keywords: tuple[str, ...] = ()  # what people call it, in any language
    review_days: int = USUAL_DAYS  # after so many days somebody looks whether it is still true


@dataclass(frozen=True)
class Flaw:
    """What is wrong with an article, where, and in one sentence (a msgid with `values` to fill in)."""

    place: str  # the field: "body_ko"; of a file "line 3"
    code: str
    line: int = 0  # within the field; 0: all of it
    values: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The msgid of the sentence."""
        return FLAWS[self.code]


FLAWS = {
    "empty": N_("This is still empty."),
    "too_long": N_("At most %(most)s characters are allowed."),
    "too_many": N_("At most %(most)s entries are allowed."),
    "html": N_("HTML is shown as plain text. Please write it as Markdown."),
    "bad_link": N_("This link leads nowhere: %(target)s."),
    "unknown_article": N_("There is no published article “%(name)s”."),
    "narrower_article": N_("Readers of this article may not read “%(name)s”."),
    "unknown_picture": N_("There is no picture “%(name)s”. Please upload it first."),
    "foreign_picture": N_("Pictures come from here only: %(target)s."),
    "no_alt": N_("The picture needs words for people who do not see it."),
    "first_level": N_("The title is the first heading already. Please begin with ##."),
    "skipped_level": N_("A heading is missing in between: %(had)s is followed by %(got)s."),
    "unknown_product": N_("There is neither a product nor a category “%(name)s”."),
    "wrong_days": N_("Between %(least)s and %(most)s days, please."),
    "no_head": N_("The file begins with a line ---, its head, and a line ---."),
    "bad_head": N_("The head is not readable as YAML: %(detail)s."),
    "unknown_key": N_("“%(name)s” is not known here."),
    "missing": N_("“%(name)s” is missing."),
    "unknown_word": N_("“%(word)s” is none of: %(words)s."),
    "bad_key": N_("A key is made of a to z, 0 to 9 and _, begins with a letter and has at most 60 signs."),
    "no_language": N_("The part <!-- %(language)s --> is missing."),
    "no_title": N_("The part <!-- %(language)s --> begins with its title: # …"),
    "too_large": N_("The file is larger than %(most)s characters."),
}  # fmt: skip


@dataclass(frozen=True)
class KnowledgeDay:
    """The day for which the scheduled look was called, and the moment at which it looks."""

    day: date
    at: datetime


@dataclass(frozen=True)
class ReviewDue:
    """One article whose review is due: its owner is reminded once for each `round`."""

    article_key: str
    due_on: date
    day: date
    round: int  # 1: on the day; then one more for each week
