"""People and companies we serve, and what they own. Edited by api/customers.py; never owned by a workflow."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.customers import CustomerKind, Tier


class Customer(SQLModel, table=True):
    """One person or company, known by phone and e-mail. Personal data: api/kit/personal.py unmasks it."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("phone"),
        UniqueConstraint("email"),
        Index("customers_by_name", "name", "id"),
    )

    id: str = Field(primary_key=True)
    kind: CustomerKind = Field(default=CustomerKind.PERSON, sa_type=columns.word(CustomerKind))
    name: str = columns.text()
    phone: str | None = columns.text(default=None)  # E.164
    phone_as_given: str | None = columns.text(default=None)
    email: str | None = columns.text(default=None)  # lower case
    locale: str = columns.text(default="ko")
    tier: Tier = Field(default=Tier.STANDARD, sa_type=columns.word(Tier))
    postcode: str = columns.text(default="")
    address: str = columns.text(default="")
    region: str = columns.text(default="")  # territory code, e.g. "seoul-gangnam"
    is_verified: bool = False  # an identity was proved, not only claimed
    created_at: datetime = columns.moment()
    version: int = 1


class OwnedProduct(SQLModel, table=True):
    """One device in a customer's hands, by serial number."""

    __tablename__ = "owned_products"
    __table_args__ = (UniqueConstraint("product_id", "serial"),)

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id", index=True)
    product_id: str = Field(foreign_key="products.id")
    serial: str = columns.text()
    bought_on: date | None = None
    warranty_until: date | None = None
    region: str = columns.text(default="")
