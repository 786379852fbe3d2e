"""The customer's order by a link, without signing in."""

from fastapi import Request
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.forms import Typed, typed
from api.kit.routes import by_link
from api.orders.commands import Ending, Moving, end, move
from api.orders.routing import router
from api.orders.show import shown
from models.messages.staff import LinkPurpose

ORDER = by_link(LinkPurpose.ORDER)


@router.get("/links/{token}/order", may=ORDER)
async def follow(request: Request, desk: Desk, token: str) -> Response:
    """Follow the order."""
    return await shown(request, desk, str(desk.person.subject), base=f"/links/{token}/order")


@router.post("/links/{token}/order/cancellation", may=ORDER)
async def cancel_by_link(
    request: Request, desk: Desk, token: str, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """Call the order off."""
    return await end(request, desk, str(desk.person.subject), f"/links/{token}/order", sent)


@router.post("/links/{token}/order/address", may=ORDER)
async def move_by_link(
    request: Request, desk: Desk, token: str, sent: Typed[Moving] = typed(Moving)
) -> Response:
    """Send the goods elsewhere."""
    return await move(request, desk, str(desk.person.subject), f"/links/{token}/order", sent)
