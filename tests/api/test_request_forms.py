"""The forms of requests over HTTP: what is asked, what an answer has to be, forms in the middle of one."""

import json

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from models.employee_requests import RequestStep
from models.messages.employee_requests.items import Choice, FieldKind, Form, Hands, Step, StepKind
from models.messages.employee_requests.requests import ReaderWhy, StepStatus
from models.staff import CostCentre, EmployeeAbsence
from tests.api.test_employee_requests import FORM, HTMX, JSON, LAPTOP, requests_of, said
from tests.api.web import Web
from tests.builders.company import NOW
from tests.builders.employee_requests import a_field, a_reader, a_request, a_step, an_item, stored, texts
from tests.builders.field_service import store


async def test_only_what_is_not_known_is_asked_and_an_answer_shows_the_next_question(web: Web) -> None:
    fresh = (await web.get(LAPTOP, who="employee", headers=JSON)).json()
    assert [one["id"] for one in fresh["fields"]] == ["model", "price", "is_urgent", "desk", "secret"]
    assert [one["text"] for one in fresh["known"]] == ["CC1"]

    urgent = {**FORM, "submission_key": "form-visible", "answers.is_urgent": "yes"}
    answer = await web.post(f"{LAPTOP}/draft", who="employee", headers=HTMX, data=urgent)

    assert answer.status_code == 200, answer.text
    assert 'name="answers.why"' in answer.text
    assert "<html" not in answer.text


async def ahead(web: Web, price: int) -> list[tuple[str, str, str]]:
    sent = {**FORM, "submission_key": f"form-{price}", "answers.price": str(price)}
    draft = (await web.post(f"{LAPTOP}/draft", who="employee", headers=JSON, data=sent)).json()["id"]
    shown = (await web.get(f"/employee-requests/{draft}/draft", who="employee", headers=JSON)).json()
    return [(one["stage"], one["name"], one["note"]) for one in shown["ahead"]]


async def test_who_will_approve_is_shown_before_sending(own_web: Web, worker_engine: AsyncEngine) -> None:
    """The manager up to a million, above it the cost owner too; whoever is away does not decide."""
    away = await ahead(own_web, 1_000_000)
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(update(EmployeeAbsence).values(is_cancelled=True))
        await session.execute(
            update(CostCentre).where(col(CostCentre.id) == "CC1").values(owner_id="e_other")
        )

    assert away == [("팀장 승인", "담당 팀", "")]
    assert await ahead(own_web, 1_000_000) == [("팀장 승인", "x e_chief", "")]
    assert await ahead(own_web, 1_000_001) == [("팀장 승인", "x e_chief", ""), ("팀장 승인", "x e_other", "")]


WRONG = {
    "answers.model": ("", "golden"),
    "answers.price": ("", "much", "-1", "9" * 30, "1.5"),
    "answers.is_urgent": ("", "maybe"),
    "answers.desk": ("x" * 201, "a\x07b", "a\u202eb"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_comes_back_as_typed_with_its_sentence(
    web: Web, open_engine: AsyncEngine, name: str
) -> None:
    for typed in WRONG[name]:
        sent = {**FORM, "submission_key": f"wrong-{name}", "answers.secret": "kept as typed", name: typed}
        answer = await web.post(LAPTOP, who="employee", data=sent)
        told = await web.post(LAPTOP, who="employee", headers=JSON, data=sent)

        assert answer.status_code == told.status_code == 422, (name, typed)
        assert "kept as typed" in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert set(told.json()["errors"]) == {name}
    assert await requests_of(open_engine, f"wrong-{name}") == []


async def test_an_answer_that_nobody_asked_for_is_not_kept(own_web: Web, worker_engine: AsyncEngine) -> None:
    more = {"answers.cost_centre": "CC9", "answers.why": "hidden", "answers.status": "done"}

    await own_web.post(LAPTOP, who="employee", data={**FORM, **more})

    [row] = await requests_of(worker_engine, "form-1")
    assert row.answers["cost_centre"] == "CC1"
    assert not {"why", "status"} & set(row.answers)


@pytest.mark.parametrize("kind", list(FieldKind))
async def test_every_kind_of_question_has_a_control(
    web: Web, open_engine: AsyncEngine, kind: FieldKind
) -> None:
    field = a_field("it", kind, choices=(Choice("a", texts("A")),) if kind is FieldKind.CHOICE else ())
    await store(open_engine, *stored(an_item(f"all_{kind}", form=(field,)), NOW))

    page = await web.get(f"/employee-requests/catalogue/all_{kind}", who="employee")

    assert page.status_code == 200
    assert 'name="answers.it"' in page.text


LATER = Step(
    "works", StepKind.FORM, texts("Does it work", "확인"),
    form=Form(Hands.ASKER, (a_field("is_fixed", FieldKind.YES_NO), a_field("note", is_required=False))),
)  # fmt: skip


async def a_later_form(engine: AsyncEngine) -> None:
    await store(engine, *stored(an_item("fault", form=(), steps=(LATER,)), NOW))
    await store(engine, a_request("E6", NOW, submission_key="key-E6", item_key="fault", answers={}))
    await store(engine, a_step("E6", "0", "works", StepKind.FORM, NOW))


async def test_a_form_in_the_middle_is_filled_in_by_whom_it_is_for(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await a_later_form(worker_engine)
    path = "/employee-requests/E6/forms/0"
    told = (await own_web.get("/employee-requests/E6", who="employee", headers=JSON)).json()
    assert told["forms"] == [["확인", path]]
    assert (await own_web.get(path, who="employee")).status_code == 200
    for who in ("admin", "agent", "agent_other_team"):
        assert (await own_web.get(path, who=who)).status_code == 404
        assert (await own_web.post(path, who=who, data={"command_id": "f0"})).status_code == 404

    wrong = {"command_id": "f1", "answers.is_fixed": "", "answers.note": "as typed"}
    back = await own_web.post(path, who="employee", data=wrong)
    for _ in range(2):
        answer = await own_web.post(path, who="employee", data={**wrong, "answers.is_fixed": "yes"})
        assert answer.status_code == 303, answer.text

    assert (back.status_code, "as typed" in back.text) == (422, True)
    [kept] = await said(worker_engine, "E6")
    assert (kept.name, kept.payload["path"]) == ("fill_in", "0")
    assert kept.payload["answers"] == {"is_fixed": True, "note": "as typed"}


async def test_a_form_that_is_over_or_never_was_is_not_filled_in(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await a_later_form(worker_engine)
    async with AsyncSession(worker_engine) as session, session.begin():
        done = update(RequestStep).where(col(RequestStep.request_id) == "E6")
        await session.execute(done.values(status=StepStatus.DONE, result={"is_fixed": True}))

    over = await own_web.get("/employee-requests/E6/forms/0", who="employee", headers=JSON)
    shown = (await own_web.get("/employee-requests/E6", who="employee", headers=JSON)).json()

    assert over.status_code == 409
    assert [(one["label"], one["text"]) for one in shown["answers"]] == [("is_fixed", "예")]
    for path in ("1", "0.0", "x", "-1", "0.0.0.0.0.0.0.0.0"):
        missing = await own_web.get(f"/employee-requests/E6/forms/{path}", who="employee")
        assert missing.status_code == 404, path


NASTY = ("\x00", "\ud800", "\u202e", "x" * 19_999, "{{ 7*7 }} %(x)s", "<script>alert(1)</script>", "1e9", "٣")


@pytest.mark.parametrize("kind", list(FieldKind))
async def test_every_answer_bears_every_text(web: Web, open_engine: AsyncEngine, kind: FieldKind) -> None:
    await store(open_engine, *stored(an_item(f"nasty_{kind}", form=(a_field("it", kind),)), NOW))
    path = f"/employee-requests/catalogue/nasty_{kind}"

    for n, text in enumerate(NASTY):
        sent = {"submission_key": f"nasty-{kind}-{n}", "whom": "me", "answers": {"it": text}}
        for where in (path, f"{path}/draft"):
            headers = {**JSON, "Content-Type": "application/json"}
            told = await web.post(where, who="employee", headers=headers, content=json.dumps(sent))
            assert told.status_code < 500, (where, text[:10])
        form = {"submission_key": f"form-{kind}-{n}", "whom": "me", "answers.it": text}
        if text != "\ud800":
            page = await web.post(path, who="employee", data=form)
            assert page.status_code < 500, text[:10]
            assert "<script>alert(1)" not in page.text


async def test_a_form_stands_on_the_list_of_those_whom_it_waits_for(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    by = {
        "team": Form(Hands.TEAM, (a_field("x"),), team="team_one"),
        "boss": Form(Hands.MANAGER, (a_field("x"),)),
    }
    steps = tuple(Step(name, StepKind.FORM, texts(name), form=form) for name, form in by.items())
    await store(worker_engine, *stored(an_item("lists", form=(), steps=steps), NOW))
    await store(worker_engine, a_request("E6", NOW, submission_key="key-E6", item_key="lists", answers={}))
    for path, name in (("0", "team"), ("1", "boss")):
        await store(worker_engine, a_step("E6", path, name, StepKind.FORM, NOW, due_at=NOW))
    await store(worker_engine, a_reader("E6", "a_admin", ReaderWhy.NAMED, NOW))

    for who, names in (
        ("agent", ["team"]),
        ("admin", ["team", "boss"]),
        ("employee", []),
        ("agent_other_team", []),
    ):
        for page in ("/employee-requests/tasks", "/employee-requests"):
            told = (await own_web.get(page, who=who, headers=JSON)).json()["forms"]
            assert [one["name"] for one in told] == names, (who, page)
            shown = (await own_web.get(page, who=who)).text
            assert shown.count("/employee-requests/E6/forms/") == len(names), (who, page)
    assert (await own_web.get("/employee-requests/E6/forms/0", who="agent")).status_code == 200
