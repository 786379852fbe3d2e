"""The route table: every route says who may use it and which row it is about, and is guarded by that."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.kit import people
from api.kit.csrf import refuse_forgery
from api.kit.desk import leave
from api.kit.people import LINKS, Kind, Person
from api.kit.throttles import slow_links
from models.kit.refusals import Refusal
from models.messages.staff import LinkPurpose, Role

ANYONE = frozenset({"anonymous"})
SYSTEM = frozenset({"system"})  # an outside system: the handler checks its signature
SIGNED_IN = frozenset({"signed_in"})
STAFF = frozenset({Role.AGENT, Role.DISPATCHER, Role.FINANCE, Role.ADMIN})
AGENTS = frozenset({Role.AGENT, Role.DISPATCHER, Role.ADMIN})
DISPATCHERS = frozenset({Role.DISPATCHER, Role.ADMIN})
FINANCE = frozenset({Role.FINANCE, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
TECHNICIANS = frozenset({Role.TECHNICIAN})
PARTNERS = frozenset({Role.PARTNER, Role.PARTNER_DISPATCHER})
PARTNER_DISPATCHERS = frozenset({Role.PARTNER_DISPATCHER})
CUSTOMERS = frozenset({Role.CUSTOMER})
EMPLOYEES = frozenset({Role.EMPLOYEE})
ANY_LINK = frozenset(f"link:{purpose}" for purpose in LinkPurpose)

Handler = TypeVar("Handler", bound=Callable[..., Any])
MIB = 1024 * 1024


def by_link(*purposes: LinkPurpose) -> frozenset[str]:
    """Signed links of these purposes."""
    return frozenset(f"link:{purpose}" for purpose in purposes)


@dataclass(frozen=True)
class Rule:
    """What one route declares."""

    method: str
    path: str
    may: frozenset[str]
    row: str = ""  # the word of the row that its path names: "ticket", "visit", "invoice"…
    reveals: str = ""  # the purpose for which it shows personal data unmasked
    is_forgeable: bool = False  # no browser session: webhooks
    reads: type[BaseModel] | None = None  # what its body is checked against, where `typed` does not say it

    def admits(self, person: Person) -> bool:
        """Whether this person may use the route at all; which rows, `visible()` says."""
        if self.may & (ANYONE | SYSTEM):
            return True
        if person.kind is Kind.LINK:
            return f"link:{person.purpose}" in self.may
        return bool(person) and ("signed_in" in self.may or bool(self.may & person.roles))


class GuardedRoute(APIRoute):
    """A route that asks its rule before it reads the body."""

    rule: ClassVar[Rule]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind its guard."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await admit(request, self.rule)
            is_done = False
            try:
                response = await handle(request)
                is_done = True
                return response
            finally:
                await leave(request, is_done=is_done)

        return guarded


async def admit(request: Request, rule: Rule) -> None:
    """Refuse whoever the route is not for, and whatever another site sent."""
    person = people.person(request)
    if not rule.is_forgeable:
        await refuse_forgery(request, person, request.app.state.settings.public_url)
    if request.url.path.startswith(LINKS):
        state = request.app.state
        await slow_links(state.engine, state.limits, person, request.method)
    if not rule.admits(person):
        if request.url.path.startswith(LINKS):
            raise Refusal("link_ended")
        raise Refusal("not_allowed" if person else "not_signed_in")


class Router:
    """One word's routes; each says who it is for: `@router.get("/tickets/{ticket_id}", may=AGENTS)`."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self._router = APIRouter()

    @property
    def routes(self) -> list[BaseRoute]:
        """The guarded routes, in the order of their declaration."""
        return self._router.routes

    def route(
        self,
        method: str,
        path: str,
        *,
        may: Iterable[str],
        row: str = "",
        reveals: str = "",
        is_forgeable: bool = False,
        reads: type[BaseModel] | None = None,
        max_body: int = MIB,
    ) -> Callable[[Handler], Handler]:
        """Declare one route: who may use it, which row it names, why it reveals, how large a body is."""
        rule = Rule(method, self.prefix + path, frozenset(may), row, reveals, is_forgeable, reads)
        if not rule.may:
            raise ValueError(f"{method} {rule.path}: nobody may use this route")
        guarded = type("GuardedRoute", (GuardedRoute,), {"rule": rule})

        def add(handler: Handler) -> Handler:
            self._router.add_api_route(
                rule.path,
                handler,
                methods=[method],
                response_model=None,
                route_class_override=guarded,
                max_body_size=max_body,
            )
            return handler

        return add

    def get(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a page."""
        return self.route("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a change."""
        return self.route("POST", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a change that may be repeated."""
        return self.route("PUT", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a removal."""
        return self.route("DELETE", path, **declared)


def mount(app: FastAPI, *routers: Router) -> None:
    """Add the routers' routes to the app, then refuse to start with a route that declares nothing."""
    for router in routers:
        app.router.routes.extend(router.routes)
    undeclared = [route for route in app.routes if not is_declared(route)]
    if undeclared:
        raise RuntimeError(f"routes without a rule: {undeclared}")


PUBLIC_FILES = ("/static/", "/sw.js", "/manifest.webmanifest", "/favicon.ico", "/theme/")


def is_declared(route: BaseRoute) -> bool:
    """Guarded by a rule, or one of the public files."""
    if isinstance(route, GuardedRoute):
        return True
    return isinstance(route, Route) and route.path.startswith(PUBLIC_FILES)


def rules(app: FastAPI) -> Iterator[Rule]:
    """The whole table."""
    for route in app.routes:
        if isinstance(route, GuardedRoute):
            yield route.rule
