"""What helps with something that employees ask for: the articles that its catalogue item names."""

from dataclasses import dataclass

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.routing import PORTAL
from api.kit.desk import Desk
from api.kit.rendering import answer
from api.kit.texts import Key
from api.knowledge.routing import router
from api.knowledge.searching import Found, named
from models.employee_requests.items import RequestItemVersion
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Item


@dataclass(frozen=True)
class ItemHelpPage:
    """The articles of one item, as its form shows them."""

    item_key: str
    found: tuple[Found, ...]
    is_guest: bool = False


@router.get("/help/items/{item_key}", may=PORTAL, row="request_item")
async def help_with_item(request: Request, desk: Desk, item_key: Key) -> Response:
    """Show the articles that a published item names and this person may read."""
    query = desk.visible(RequestItemVersion).with_only_columns(col(RequestItemVersion.definition))
    definition = await desk.session.scalar(
        query.where(
            col(RequestItemVersion.item_key) == item_key,
            col(RequestItemVersion.status) == VersionStatus.PUBLISHED,
        )
    )
    if definition is None:
        raise Refusal("not_found")
    page = ItemHelpPage(item_key, await named(desk, from_record(Item, definition).knowledge))
    return answer(request, "knowledge/item.html", page, block="item_help")
