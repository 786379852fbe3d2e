"""What every route of the app reads, found in its declarations: a new route is fed and swapped by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from itertools import count
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import uuid4

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from api.kit.forms import model_of
from api.kit.routes import GuardedRoute, Rule
from api.kit.texts import Email, Key, MaybeEmail, MaybeKey, MaybePhone, Phone

_numbers = count(10_000_001)
# Changes that carry nothing but the wish itself.
BODYLESS = {
    "/sign-out", "/me/sessions/end", "/me/keys/{key}/end", "/systems/outbox/{outbox_id}/again",
    "/shop/cart/{ordinal}/removal",
    "/signup/code/again", "/signup/entry", "/signup/resume/{token}", "/customers/{customer_id}/tier",
    "/employee-requests/items/{item_key}/requests/export",
    "/channels/lines/{phone_line_id}/end", "/channels/clients/{api_client_id}/end",
    "/channels/devices/{device_key_id}/end", "/customers/duplicates/{customer_pair_id}/dismissal",
}  # fmt: skip
# Bodies that are believed only with a signature, and are read raw.
RAW = {
    "/webhooks/carrier",
    "/webhooks/stock",
    "/webhooks/sms",
    "/webhooks/telephony",
    "/webhooks/devices",
    "/systems/gateway/webhook",
    "/systems/stripe/webhook",
    "/systems/bank/webhook",
    "/codec/decode",
    "/codec/encode",
}
# Keys that the sender makes up; every other key in a body names a row and stands in WORDS.
OWN_KEYS = {"command_id", "submission_key", "idempotency_key", "id", "step", "request_key"}
WORDS = {
    "agent_id": "account",
    "account_id": "account",
    "from_agent_id": "account",
    "from_team_id": "team",
    "technician_id": "technician",
    "customer_id": "customer",
    "owned_product_id": "owned_product",
    "product_id": "product",
    "part_id": "part",
    "attempt_id": "attempt",
    "order_id": "attempt",
    "team_id": "team",
    "plan_id": "plan",
    "method_id": "method",
    "add_on_id": "subscription",
    "subscription_id": "subscription",
    "invoice_id": "invoice",
    "approval_id": "request_approval",
    "article_key": "article",
    "owner_id": "account",
    "other_id": "ticket",
    "keeper_id": "ticket",
    "message_ids": "message",
    "to_team": "team",
    "template": "template",
}


@dataclass(frozen=True)
class Shape:
    """One route with the model of its body, if it has one, and the names of its query."""

    rule: Rule
    model: type[BaseModel] | None
    query: tuple[str, ...]


@dataclass(frozen=True)
class Leaf:
    """One field of a body, with the way to it through lists: ("lines", "signer")."""

    path: tuple[str, ...]
    info: FieldInfo

    @property
    def name(self) -> str:
        return self.path[-1]


def may_be_key(info: FieldInfo) -> bool:
    """Whether a query's value is text: digits are no id where a number or a moment is asked."""
    return plain(info) not in (int, bool, float, date, datetime)


def shapes(app: FastAPI) -> Iterator[Shape]:
    """Every guarded route."""
    for route in app.routes:
        if isinstance(route, GuardedRoute):
            calls = [route.rule.reads] if route.rule.reads else []
            names = [one.alias for one in route.dependant.query_params if may_be_key(one.field_info)]
            for dependency in route.dependant.dependencies:
                names += [one.alias for one in dependency.query_params if may_be_key(one.field_info)]
                found = model_of(dependency.call)
                calls += [found] if found else []
            yield Shape(route.rule, calls[0] if calls else None, tuple(names))


def plain(info: FieldInfo) -> Any:
    """The type of a field without None and without what is only said about it."""
    kind = info.annotation
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, UnionType):
            kind = next(one for one in get_args(kind) if one is not NoneType)
        else:
            return kind


def inside(info: FieldInfo) -> type[BaseModel] | None:
    """The model of the items, for a list of them."""
    kind = plain(info)
    if (
        get_origin(kind) is list
        and isinstance(item := get_args(kind)[0], type)
        and issubclass(item, BaseModel)
    ):
        return item
    return None


def leaves(model: type[BaseModel], way: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every field of a body, also those of the items of its lists."""
    for name, info in model.model_fields.items():
        within = inside(info)
        if within is not None:
            yield from leaves(within, (*way, name))
        else:
            yield Leaf((*way, name), info)


def is_like(info: FieldInfo, *types: Any) -> bool:
    """Whether a field was declared with one of these types of api/kit/texts.py."""
    said = {repr(one) for one in info.metadata}
    for kind in types:
        wanted = {repr(one) for one in _metadata(kind)}
        if wanted and wanted <= said | {repr(one) for one in _metadata(info.annotation)}:
            return True
    return False


def _metadata(kind: Any) -> list[Any]:
    if get_origin(kind) is Annotated:
        inner = FieldInfo.from_annotation(kind)
        return [*inner.metadata, *_metadata(inner.annotation)]
    if get_origin(kind) in (Union, UnionType):
        return [found for one in get_args(kind) for found in _metadata(one)]
    return []


def is_key(leaf: Leaf) -> bool:
    return leaf.name.endswith("_id") or is_like(leaf.info, Key, MaybeKey)


def is_text(leaf: Leaf) -> bool:
    return plain(leaf.info) is str


def is_number(leaf: Leaf) -> bool:
    return plain(leaf.info) is int


def good(model: type[BaseModel], own: dict[str, str]) -> dict[str, Any]:
    """A body that is right in every field; `own` has an id for each word."""
    return {name: _good(name, info, own) for name, info in model.model_fields.items()}


def _good(name: str, info: FieldInfo, own: dict[str, str]) -> Any:
    kind, number = plain(info), next(_numbers)
    within = inside(info)
    if within is not None:
        return [good(within, own)]
    if get_origin(kind) is list:
        return []
    if get_origin(kind) is dict:
        return {}
    if name in WORDS:
        return own[WORDS[name]]
    if name in OWN_KEYS:
        return uuid4().hex
    if is_like(info, Email, MaybeEmail):
        return f"fresh{number}@example.com"
    if is_like(info, Phone, MaybePhone):
        return f"+8210{number}"
    if get_origin(kind) is Literal:
        return next(one for one in get_args(kind) if one)
    if kind is bool:
        return True
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    if kind is int:
        return 1
    if kind is date:
        return "2026-01-05"
    if kind in (datetime, AwareDatetime):
        return (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    if name == "signature":
        return "M1 1L2 2"
    assert kind is str, (name, kind)
    return "en" if name == "locale" else f"text {number}"


def put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The body with one field changed, also inside its lists."""
    name, rest = path[0], path[1:]
    if rest:
        return {**body, name: [put(one, rest, value) for one in body[name]]}
    return {**body, name: value}


def as_form(body: dict[str, Any]) -> dict[str, Any] | None:
    """The same body as a browser's form would send it; None when a form cannot say it."""
    if any(isinstance(one, list) and one and isinstance(one[0], dict) for one in body.values()):
        return None
    said: dict[str, Any] = {}
    for name, value in body.items():
        if value is not None and not isinstance(value, dict):
            said[name] = ("true" if value else "false") if isinstance(value, bool) else value
    return said
