"""What we make and what repairs cost. Edited by api/catalogue.py; never owned by a workflow."""

from typing import Any

from sqlmodel import Field, SQLModel

from models.kit import columns


class Product(SQLModel, table=True):
    """A model of device that customers own."""

    __tablename__ = "products"

    id: str = Field(primary_key=True)
    sku: str = columns.text(unique=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    category: str = columns.text(index=True)  # the skill a technician needs
    labour_minor: int = columns.minor()  # per started half hour, VAT included
    call_out_minor: int = columns.minor()  # once per visit, VAT included
    currency: str = columns.text(default="KRW")
    checklist: list[dict[str, Any]] = columns.record(default_factory=list)  # {code, ko, en, is_required}


class Part(SQLModel, table=True):
    """A spare part with its price, VAT included."""

    __tablename__ = "parts"

    id: str = Field(primary_key=True)
    sku: str = columns.text(unique=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    category: str = columns.text(index=True)
    price_minor: int = columns.minor()
    currency: str = columns.text(default="KRW")
