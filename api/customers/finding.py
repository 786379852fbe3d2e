"""How customers and what they own are found: names, telephone numbers, e-mail addresses, serial numbers."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import col

from api.kit.finding import Hit, Kind, Most, Way, every_word, found_by, register
from api.kit.language import N_, locale
from api.kit.people import Person
from api.kit.personal import mask_email, mask_phone
from api.kit.routes import STAFF
from api.kit.visible import visible
from models.catalogue import Product
from models.customers import Customer, OwnedProduct


def roots_found(person: Person, found: Any) -> Any:
    """Whoever was found, or whom they were merged into; everybody once, at their best place."""
    record = visible(person, Customer).with_only_columns(col(Customer.id), col(Customer.root)).subquery()
    root = func.coalesce(record.c.root, record.c.id)
    place, is_like = func.min(found.c.place), func.bool_and(found.c.is_like)
    query = select(root.label("id"), place.label("place"), is_like.label("is_like"))
    return query.join(found, found.c.found_id == record.c.id).group_by(root).subquery()


def _customers(person: Person) -> Select[*tuple[Any, ...]]:
    found = roots_found(person, found_by("ieum_find_customers"))
    return (
        visible(person, Customer)
        .with_only_columns(
            col(Customer.id), col(Customer.name), col(Customer.phone), found.c.is_like, col(Customer.email),
            col(Customer.tier),
        )
        .join(found, found.c.id == col(Customer.id))
        .order_by(found.c.place)
        .limit(Most)
    )  # fmt: skip


def _customer(row: Any) -> Hit:
    id, name, phone, is_like, mail, tier = row
    reach = " · ".join(part for part in (mask_phone(phone or ""), mask_email(mail or "")) if part)
    return Hit(id, name, reach, f"/customers/{id}", bool(is_like), ("tier", tier))


def _products(person: Person) -> Select[*tuple[Any, ...]]:
    found = found_by("ieum_find_products")
    name = col(Product.name_ko) if locale() == "ko" else col(Product.name_en)
    return (
        visible(person, OwnedProduct)
        .with_only_columns(
            col(OwnedProduct.id), col(OwnedProduct.serial), name, found.c.is_like,
            col(OwnedProduct.customer_id), col(Customer.name),
        )
        .join(found, found.c.found_id == col(OwnedProduct.id))
        .join(Product, col(Product.id) == col(OwnedProduct.product_id))
        .join(Customer, col(Customer.id) == col(OwnedProduct.customer_id))
        .order_by(found.c.place)
        .limit(Most)
    )  # fmt: skip


def _product(row: Any) -> Hit:
    id, serial, name, is_like, customer_id, customer = row
    return Hit(id, serial, f"{name} · {customer}", f"/customers/{customer_id}", bool(is_like))


register(
    Kind("customer", N_("Customers"), "users", STAFF, _customer, (Way(_customers, every_word),), place=10)
)
register(Kind("product", N_("Products"), "package", STAFF, _product, (Way(_products, every_word),), place=30))
