"""Service companies that repair in our name, and their papers. Born in api/partners; the life of a partner is
PartnerWorkflow's (activities/partners.py)."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.partners import PaperKind, PartnerStatus


class Partner(SQLModel, table=True):
    """A third-party service company."""

    __tablename__ = "partners"

    id: str = Field(primary_key=True)
    name: str = columns.text()
    phone: str = columns.text(default="")
    status: PartnerStatus = Field(default=PartnerStatus.APPLIED, sa_type=columns.word(PartnerStatus))
    status_reason: str = columns.text(default="", sa_column_kwargs={"server_default": ""})
    status_by: str | None = columns.text(default=None)
    status_at: datetime | None = columns.moment(default=None, nullable=True)
    # Whoever was here before papers were kept is asked for them from the next time they become active.
    checks_papers: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    seq: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class PartnerPaper(SQLModel, table=True):
    """A contract, an insurance or a certificate, valid from one day until another. Only ever added."""

    __tablename__ = "partner_papers"
    __table_args__ = (
        UniqueConstraint("added_by", "submission_key", name="partner_papers_own_key"),
        CheckConstraint("valid_from <= valid_until", name="paper_days"),
        CheckConstraint("(kind = 'certificate') = (category <> '')", name="paper_category"),
        Index("papers_by_partner", "partner_id", "kind", "valid_until"),
    )

    id: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id")
    submission_key: str = columns.text()
    kind: PaperKind = Field(sa_type=columns.word(PaperKind))
    category: str = columns.text(default="")  # the product line of a certificate
    number: str = columns.text()
    valid_from: date
    valid_until: date  # the last day, included
    pay_minor: int | None = columns.minor(default=None, nullable=True)  # a contract's, for one visit
    name: str = columns.text(default="")  # of the file, if there is one
    media_type: str = columns.text(default="")
    stored_as: str | None = columns.text(default=None, unique=True)
    added_by: str = columns.text()
    added_at: datetime = columns.moment()


class PartnerStep(SQLModel, table=True):
    """One line of a partner's life: who moved it on and why. Written by activities/partners.py."""

    __tablename__ = "partner_steps"

    partner_id: str = Field(primary_key=True, foreign_key="partners.id")
    seq: int = Field(primary_key=True)
    at: datetime = columns.moment()
    sentence: str = columns.text()
    details: dict[str, object] = columns.record(default_factory=dict)
    actor_id: str | None = columns.text(default=None)
