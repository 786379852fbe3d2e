"""Who may see articles and what hangs on them; the database says the same (migration 0032)."""

from sqlalchemy import and_, false, func, or_, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, ids, when
from models.knowledge import (
    ArticleFeedback,
    ArticleFile,
    ArticleGap,
    ArticleSearch,
    ArticleUse,
    ArticleVersion,
    KnowledgeArticle,
)
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import Audience
from models.messages.staff import Role
from models.tickets import Ticket

READERS = (Kind.ANONYMOUS, Kind.CUSTOMER, Kind.TECHNICIAN, Kind.PARTNER, Kind.EMPLOYEE, Kind.LINK)


def audiences(person: Person) -> tuple[Audience, ...]:
    """For whom articles may be meant that this person reads; our staff reads all."""
    if person.kind is Kind.STAFF:
        return tuple(Audience)
    chosen = (
        (Audience.CUSTOMERS, person.kind in READERS),
        (Audience.PARTNERS, person.kind in (Kind.TECHNICIAN, Kind.PARTNER)),
        (Audience.EMPLOYEES, Role.EMPLOYEE in person.roles),
    )
    return tuple(one for one, holds in chosen if holds)


def _staff(person: Person) -> Condition:
    return true() if person.kind is Kind.STAFF else false()


def _versions(person: Person) -> Condition:
    """Our staff sees drafts too; everybody else what is published for them."""
    theirs = audiences(person)
    published = col(ArticleVersion.status) == VersionStatus.PUBLISHED
    return when(
        (person.kind is Kind.STAFF, true()),
        # One by one and no list: a search is compiled once and asked with other words.
        (bool(theirs), and_(published, or_(*(col(ArticleVersion.audience) == one for one in theirs)))),
    )


def _files(person: Person) -> Condition:
    """Who may read a version that shows a picture may see the picture."""
    shown = col(ArticleFile.id).in_(ids(person, ArticleVersion, func.unnest(ArticleVersion.files)))
    return when((person.kind is Kind.STAFF, true()), (True, shown))


def _gaps(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, col(ArticleGap.ticket_id).in_(ids(person, Ticket, Ticket.id))))


RULES_OF_KNOWLEDGE: dict[type[SQLModel], Rule] = {
    KnowledgeArticle: _staff,
    ArticleVersion: _versions,
    ArticleFile: _files,
    ArticleFeedback: _staff,
    ArticleUse: _staff,
    ArticleSearch: _staff,
    ArticleGap: _gaps,
}
