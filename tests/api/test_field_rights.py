"""C6, exhaustively: who sees and who writes which answer is the same on each page, in the API and the export.

One item asks a question for every set of at most two hats among its readers, and for writers beside them;
one request of it is looked at by everybody who has to do with it. Which hats each of them wears is written
down here by hand."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from models.employee_requests import RequestFile
from models.messages.employee_requests.items import Field, Form, Hands, Item, Step, StepKind
from models.messages.employee_requests.requests import ReaderWhy, StepStatus
from models.staff import SignedLink
from tests.api.test_employee_requests import JSON, requests_of, said
from tests.api.web import Web, web_on
from tests.builders.company import NOW, Company
from tests.builders.employee_requests import (
    a_field,
    a_reader,
    a_request,
    a_step,
    a_task,
    an_approval,
    an_item,
    stored,
)
from tests.builders.field_service import store

HATS = (
    "asker", "beneficiary", "manager", "owners", "ticket", "role:agent", "role:finance", "role:admin",
    "role:employee", "agree", "set_up",
)  # fmt: skip
# Asked by the agent (e_other) out of T1 for e_one, whose manager (the administrator, e_chief) decides; team
# two owns the item, team one has a task.
WORN = {
    "agent": {"asker", "ticket", "set_up", "role:agent"},
    "agent_other_team": {"owners", "role:agent"},
    "agent_and_finance": {"owners", "role:agent", "role:finance"},
    "dispatcher": {"set_up"},
    "finance": {"set_up", "role:finance"},
    "admin": {"manager", "agree", "set_up", "role:admin"},
    "employee": {"beneficiary", "role:employee"},
}
STRANGERS = ("agent_no_team", "technician_assigned", "partner_own", "customer_own", "anonymous")
REQUEST, BOOK = "/employee-requests/E70", "/employee-requests/items/book/requests"


def questions(prefix: str) -> tuple[Field, ...]:
    """For everybody; for each one and two hats; written by one hat; read by one and written by another."""
    sets = [(), *((one,) for one in HATS), *combinations(HATS, 2)]
    rights = [(readers, ()) for readers in sets]
    rights += [((), (one,)) for one in HATS]
    rights += [((HATS[n],), (HATS[n - 1],)) for n in range(len(HATS))]
    return tuple(
        a_field(f"{prefix}{n:03d}", is_required=False, readers=readers, writers=writers)
        for n, (readers, writers) in enumerate(rights)
    )


def the_item(owner: str = "team_two", key: str = "book") -> Item:
    """Approved, worked on, and asked once more in the middle."""
    usual = an_item()
    later = Step("more", StepKind.FORM, {"ko": "더", "en": "More"}, form=Form(Hands.ASKER, questions("m")))
    return an_item(key, form=questions("f"), steps=(*usual.steps[:2], later), owner_team=owner)


def word(field: Field) -> str:
    """What was answered: a word that stands nowhere else."""
    return f"z{field.id}y"


def seen_by(hats: set[str], fields: tuple[Field, ...]) -> set[str]:
    """By hand: a question without readers is everybody's, and whoever writes may read."""
    return {word(one) for one in fields if not one.readers or hats & {*one.readers, *one.writers}}


def written_by(hats: set[str], fields: tuple[Field, ...], *, fills_in: bool) -> set[str]:
    """By hand: named writers alone, else whoever fills the form in."""
    return {one.id for one in fields if (hats & set(one.writers) if one.writers else fills_in)}


def words_in(text: str) -> set[str]:
    return set(re.findall(r"z[fm]\d{3}y", text))


@pytest.fixture
async def web(
    own_company: Company, app_engine: AsyncEngine, worker_engine: AsyncEngine, tmp_path: Path
) -> Web:
    item = the_item()
    first, later = item.form, item.steps[2].form
    assert later is not None
    await store(worker_engine, *stored(item, NOW), *stored(the_item("team_one", "ours"), NOW))
    request = a_request(
        "E70", NOW, submission_key="key-E70", item_key="book", asked_by="a_agent", for_employee_id="e_one",
        owner_team_id="team_two", ticket_id="T1", answers={one.id: word(one) for one in first},
    )  # fmt: skip
    done = {"status": StepStatus.DONE, "ended_at": NOW}
    told = {one.id: word(one) for one in later.fields}
    await store(
        worker_engine, request, a_step("E70", "0", "agree", StepKind.APPROVAL, NOW),
        an_approval("E70", "e_chief", NOW), a_step("E70", "1", "work", StepKind.PARALLEL, NOW),
        a_step("E70", "1.0.0", "set_up", StepKind.TASK, NOW), a_task("E70", "team_one", NOW),
        a_step("E70", "2", "more", StepKind.FORM, NOW, result=told, **done),
        a_reader("E70", "a_agent", ReaderWhy.ASKER, NOW),
        a_reader("E70", "a_admin", ReaderWhy.APPROVER, NOW),
        a_reader("E70", "a_employee", ReaderWhy.BENEFICIARY, NOW),
    )  # fmt: skip
    return web_on(app_engine, own_company, files_dir=tmp_path)


@pytest.mark.parametrize("who", WORN)
async def test_each_answer_is_seen_by_whom_it_names_and_by_nobody_else(web: Web, who: str) -> None:
    item = the_item()
    later = item.steps[2].form
    assert later is not None
    mine = seen_by(WORN[who], (*item.form, *later.fields))
    pages = [REQUEST]
    pages += [f"{REQUEST.rpartition('/')[0]}/approvals/E70.0.0"] if "agree" in WORN[who] else []
    pages += [f"{REQUEST.rpartition('/')[0]}/tasks/E70.1.0.0"] if "set_up" in WORN[who] else []
    if who != "employee":
        pages.append(BOOK)
        table = await web.post(f"{BOOK}/export", who=who)
        assert table.headers["content-type"].startswith("text/csv")
        assert words_in(table.text) == mine

    for page in pages:
        for headers in (JSON, {}, {"HX-Request": "true"}):
            answer = await web.get(page, who=who, headers=headers)
            assert answer.status_code == 200, (page, answer.text)
            assert words_in(answer.text) == mine, (page, headers)
    for page in ("mine", "approvals", "tasks", "journeys"):
        shown = await web.get(f"/employee-requests/{page}", who=who, headers=JSON)
        assert words_in(shown.text) == set(), page
    for words in ("E70", "zf000y"):
        sought = await web.post("/employee-requests/search", who=who, data={"q": words}, headers=JSON)
        assert words_in(sought.text.replace('"zf000y"', "")) == set(), words


@pytest.mark.parametrize("who", STRANGERS)
async def test_whoever_does_not_see_the_request_sees_no_answer(web: Web, who: str) -> None:
    for page in (REQUEST, f"{REQUEST}/answers", BOOK, f"{REQUEST.rpartition('/')[0]}/approvals/E70.0.0"):
        assert words_in((await web.get(page, who=who)).text) == set(), page
    assert words_in((await web.post(f"{BOOK}/export", who=who)).text) == set()


async def test_a_link_shows_what_its_step_sees(web: Web, worker_engine: AsyncEngine) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        link = update(SignedLink).where(col(SignedLink.subject) == "E3.0.0")
        await session.execute(link.values(subject="E70.0.0", case_id="E70"))

    page = await web.get(f"/links/{web.company.tokens['link_approve']}/approval", who="link_approve")

    assert page.status_code == 200
    assert words_in(page.text) == seen_by({"agree"}, the_item().form)


@pytest.mark.parametrize("who", WORN)
async def test_running_answers_are_changed_by_whom_they_name_as_writers(
    web: Web, worker_engine: AsyncEngine, who: str
) -> None:
    form = the_item().form
    mine = written_by(WORN[who], form, fills_in=False)
    page = await web.get(f"{REQUEST}/answers", who=who)
    assert set(re.findall(r'name="answers\.(\w+)"', page.text)) == mine
    sent = {"command_id": "change-1", **{f"answers.{one.id}": "new" for one in form}}

    answer = await web.post(f"{REQUEST}/answers", who=who, data=sent)

    assert answer.status_code == (303 if mine else 404), answer.text
    told = await said(worker_engine, "E70")
    assert [one.name for one in told] == (["amend"] if mine else [])
    assert {name for one in told for name in one.payload["answers"]} == mine
    shown = (await web.get(REQUEST, who=who, headers=JSON)).json()
    assert shown["may_amend"] is bool(mine)


ASKING = {
    # who, for whom, of which item: the hats of whoever fills in the first form
    ("employee", "me", "book"): {"asker", "beneficiary", "role:employee"},
    ("agent", "me", "book"): {"asker", "beneficiary", "role:agent"},
    ("agent", "me", "ours"): {"asker", "beneficiary", "owners", "role:agent"},
    ("admin", "e_one@example.com", "book"): {"asker", "manager", "role:admin"},
    ("admin", "e_two@example.com", "ours"): {"asker", "owners", "role:admin"},
}


@pytest.mark.parametrize(("case", "hats"), ASKING.items(), ids=lambda one: "-".join(sorted(one)))
async def test_only_questions_that_are_theirs_are_asked_and_taken(
    web: Web, worker_engine: AsyncEngine, case: tuple[str, str, str], hats: set[str]
) -> None:
    who, whom, key = case
    form = the_item().form
    mine = written_by(hats, form, fills_in=True)
    place = f"/employee-requests/catalogue/{key}"
    sent = {"submission_key": "ask-1", "whom": "me" if whom == "me" else "other", "colleague": whom}
    draft = await web.post(f"{place}/draft", who=who, data=sent, headers={"HX-Request": "true"})
    assert set(re.findall(r'name="answers\.(\w+)"', draft.text)) == mine

    answer = await web.post(place, who=who, data={**sent, **{f"answers.{one.id}": "x" for one in form}})

    assert answer.status_code == 303, answer.text
    [request] = await requests_of(worker_engine, "ask-1")
    assert set(request.answers) == mine


async def test_a_form_in_the_middle_takes_only_what_is_its_writers(
    web: Web, worker_engine: AsyncEngine
) -> None:
    later = the_item().steps[2].form
    assert later is not None
    mine = written_by(WORN["agent"], later.fields, fills_in=True)
    async with worker_engine.begin() as connection:
        await connection.exec_driver_sql(
            "update request_steps set status = 'active', ended_at = null, result = '{}'"
            " where request_id = 'E70' and path = '2'"
        )
    page = await web.get(f"{REQUEST}/forms/2", who="agent")
    assert set(re.findall(r'name="answers\.(\w+)"', page.text)) == mine
    sent = {"command_id": "fill-1", **{f"answers.{one.id}": "x" for one in later.fields}}

    answer = await web.post(f"{REQUEST}/forms/2", who="agent", data=sent)

    assert answer.status_code == 303, answer.text
    [told] = await said(worker_engine, "E70")
    assert set(told.payload["answers"]) == mine


async def test_a_file_is_handed_to_whom_its_question_names(web: Web, worker_engine: AsyncEngine) -> None:
    form = the_item().form
    rows = [
        RequestFile(
            id=f"rf_{one.id}", request_id="E70", field_id=one.id, uploaded_by="a_agent", name="a.pdf",
            media_type="application/pdf", size=1, sha256="s", stored_as=f"none_{one.id}", created_at=NOW,
        )
        for one in form if len(one.readers) == 1 and not one.writers
    ]  # fmt: skip
    await store(worker_engine, *rows)
    for row in rows:
        (web.app.state.settings.files_dir / row.stored_as).write_bytes(b"x")
    for who, hats in WORN.items():
        for row in rows:
            found = await web.get(f"{REQUEST}/files/{row.id}", who=who, headers=JSON)
            is_mine = word(next(one for one in form if one.id == row.field_id)) in seen_by(hats, form)
            assert found.status_code == (200 if is_mine else 404), (who, row.field_id)
