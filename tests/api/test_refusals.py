"""How a no is said as a page, into the notice and as JSON; and what happens when things are away."""

import pytest
from fastapi import Request
from starlette.responses import Response
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.kit.refusals import refusal_of
from api.kit.routes import ANYONE, Router, mount
from models.kit.engine import engine_for
from models.kit.refusals import REFUSALS, Refusal
from ops.postgres import free_port
from tests.api.web import Web, web_on
from tests.builders.company import Company

RAISED: dict[str, Exception] = {
    "ticket_closed": Refusal("ticket_closed"),
    "not_found": Refusal("not_found"),
    "update": WorkflowUpdateFailedError(ApplicationError("x", type="ticket_closed", non_retryable=True)),
    "strange_update": WorkflowUpdateFailedError(ApplicationError("secret", type="ValueError")),
    "away": RPCError("down", RPCStatusCode.UNAVAILABLE, b""),
    "gone": RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b""),
    "failure": LookupError("secret"),
}
ANSWERS = {
    "ticket_closed": (409, "ticket_closed"),
    "not_found": (404, "not_found"),
    "update": (409, "ticket_closed"),
    "strange_update": (500, "failed"), "away": (503, "try_again_later"), "gone": (404, "not_found"),
    "failure": (500, "failed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def failing(web: Web) -> Web:
    router = Router()

    @router.get("/raise/{word}", may=ANYONE)
    async def raise_it(request: Request, word: str) -> Response:
        raise RAISED[word]

    mount(web.app, router)
    return web


@pytest.mark.parametrize("word", sorted(RAISED))
async def test_each_no_has_its_status_and_code(failing: Web, word: str) -> None:
    answer = await failing.get(f"/raise/{word}", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == ANSWERS[word]
    assert "secret" not in answer.text
    assert answer.json()["message"]


async def test_a_no_goes_into_the_notice_of_the_page(failing: Web) -> None:
    answer = await failing.get(
        "/raise/ticket_closed", headers={"HX-Request": "true", "HX-Target": "anything"}
    )

    assert answer.status_code == 409
    assert answer.headers["hx-retarget"] == "#notice"
    assert "<html" not in answer.text


async def test_a_no_is_said_in_the_language_of_the_reader(failing: Web) -> None:
    said = {}
    for language in ("ko", "en"):
        headers = {"Accept": "application/json", "Accept-Language": language}
        said[language] = (await failing.get("/raise/ticket_closed", headers=headers)).json()["message"]

    assert said["en"] == REFUSALS["ticket_closed"][1]
    assert any("가" <= letter <= "힣" for letter in said["ko"])


async def test_who_is_not_signed_in_is_led_to_the_door_and_back(failing: Web) -> None:
    page = await failing.get("/staff/a_agent")
    program = await failing.get("/staff/a_agent", headers={"Accept": "application/json"})

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/staff/a_agent")
    assert (program.status_code, program.json()["code"]) == (401, "not_signed_in")


async def test_without_its_database_the_house_asks_for_patience(company: Company) -> None:
    engine = engine_for(f"postgresql://ieum_app:x@127.0.0.1:{free_port()}/none", pool_size=1)
    web = web_on(engine, company)

    for path in ("/me", "/health/ready"):
        answer = await web.get(path, who="agent", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again_later")
        assert answer.headers["retry-after"]
        assert "content-security-policy" in answer.headers
    assert (await web.get("/health/live")).status_code == 200
    await engine.dispose()


def test_a_refusal_keeps_its_values_through_temporal() -> None:
    cause = ApplicationError("x", {"technician": "Kim"}, type="slot_taken")

    assert refusal_of(WorkflowUpdateFailedError(cause)) == Refusal("slot_taken", {"technician": "Kim"})
    assert refusal_of(ValueError("slot_taken")) is None
