"""What programs may ask, as an OpenAPI document made of the same models that check it."""

from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api.channels.programs import NewMessage, NewTicket
from api.channels.routing import router
from api.kit.desk import Desk
from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.routes import AGENTS
from models.messages.channels import Scope

WHAT = {
    ("get", "/api/tickets"): (N_("List tickets, the newest first"), Scope.READ, None),
    ("post", "/api/tickets"): (N_("Open a ticket"), Scope.CREATE, NewTicket),
    ("get", "/api/tickets/{ticket_id}"): (N_("Read a ticket with its messages"), Scope.READ, None),
    ("post", "/api/tickets/{ticket_id}/replies"): (N_("Answer the customer"), Scope.REPLY, NewMessage),
    ("post", "/api/tickets/{ticket_id}/notes"): (N_("Leave a note for colleagues"), Scope.NOTE, NewMessage),
}
PROBLEMS = {
    "401": N_("The key is missing, unknown, ended or expired"),
    "403": N_("The key's scopes do not allow it"),
    "404": N_("There is no such ticket, or it is not the key's to see"),
    "409": N_("The ticket's state does not allow it, or the idempotency key was used for something else"),
    "422": N_("Something in the request is wrong; `errors` names the fields"),
    "429": N_("Too many calls within ten minutes"),
}
IN_LIST = ("after", "status", "limit")


@router.get("/api/openapi.json", may=AGENTS)
async def described(request: Request, desk: Desk) -> Response:
    """The document."""
    return JSONResponse(document(str(request.app.state.settings.public_url)))


def document(server: str) -> dict[str, Any]:
    """Every route of the programs with its scope, its body and its refusals."""
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), (what, scope, model) in WHAT.items():
        operation: dict[str, Any] = {
            "summary": _(what), "security": [{"key": [scope.value]}], "parameters": parameters(method, path),
            "responses": {
                "201" if method == "post" else "200": {"description": "OK"},
                **{code: {"description": _(text), **problem()} for code, text in PROBLEMS.items()},
            },
        }  # fmt: skip
        if model is not None:
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            content = {"application/json": {"schema": schema}}
            operation["requestBody"] = {"required": True, "content": content}
        paths.setdefault(path, {})[method] = operation
    defs = NewTicket.model_json_schema(ref_template="#/components/schemas/{model}").get("$defs", {})
    return {
        "openapi": "3.1.0", "info": {"title": "Ieum", "version": "1"}, "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**defs, "Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


PROBLEM = {
    "type": "object", "required": ["code", "message"],
    "properties": {
        "code": {"type": "string"}, "message": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}  # fmt: skip


def problem() -> dict[str, Any]:
    """How a refusal is written."""
    return {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def parameters(method: str, path: str) -> list[dict[str, Any]]:
    """What stands in the address and in the head of a request."""
    found: list[dict[str, Any]] = []
    text = {"type": "string"}
    if "{ticket_id}" in path:
        found.append({"name": "ticket_id", "in": "path", "required": True, "schema": text})
    if method == "post":
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": text})
    elif path == "/api/tickets":
        found += [{"name": name, "in": "query", "schema": text} for name in IN_LIST]
    return found
