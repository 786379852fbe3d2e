"""Files in forms of requests: looked at by content, limited, and read by whoever may read the answer."""

import io
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.employee_requests import RequestFile
from models.kit.papers import paper
from models.kit.pictures import MOST_BYTES
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import FieldKind, Form, Hands, Step, StepKind
from tests.api.test_employee_requests import HTMX, JSON, requests_of, said
from tests.api.test_uploads import SCRIPT, picture
from tests.api.web import Web, web_on
from tests.builders.company import NOW, Company
from tests.builders.employee_requests import a_field, a_request, a_step, an_item, stored, texts
from tests.builders.field_service import store

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PLACE = "/employee-requests/catalogue/papers"
FORM = {"submission_key": "papers-1", "whom": "me"}


def package(*parts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for part in ("[Content_Types].xml", *parts):
            zipped.writestr(part, "<x/>")
    return packed.getvalue()


DOCX, MACROS = package("word/document.xml"), package("word/document.xml", "word/vbaProject.bin")


@pytest.fixture
async def web(
    own_company: Company, app_engine: AsyncEngine, worker_engine: AsyncEngine, tmp_path: Path
) -> Web:
    papers = a_field("papers", FieldKind.FILE, readers=("asker", "owners"))
    await store(worker_engine, *stored(an_item("papers", form=(papers,), owner_team="team_two"), NOW))
    return web_on(app_engine, own_company, files_dir=tmp_path / "files")


def chosen(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("answers.papers", (name, data, "application/octet-stream")) for name, data in files]


async def kept(engine: AsyncEngine) -> list[RequestFile]:
    async with AsyncSession(engine) as session:
        return [one for one in await session.scalars(select(RequestFile)) if len(one.id) > 6]


async def test_files_are_sent_with_the_form_and_read_by_whom_the_field_names(
    web: Web, worker_engine: AsyncEngine
) -> None:
    files = chosen(("계약서.pdf", PDF), ("사진.jpg", picture()))
    sent = await web.post(PLACE, who="employee", data=FORM, files=files)
    assert sent.status_code == 303, sent.text

    [request] = await requests_of(worker_engine, "papers-1")
    rows = {one.name: one for one in await kept(worker_engine)}
    assert set(rows) == {"계약서.pdf", "사진.jpg"}
    assert set(request.answers["papers"]) == {one.id for one in rows.values()}
    assert {one.request_id for one in rows.values()} == {request.id}
    place = f"/employee-requests/{request.id}/files"
    page = await web.get(f"/employee-requests/{request.id}", who="employee")
    assert "계약서.pdf" in page.text
    for who, status in (
        ("employee", 200), ("agent_other_team", 200), ("admin", 404), ("agent", 404), ("customer_own", 403),
    ):  # fmt: skip  # of "admin" the request is seen, the field's readers do not name them
        found = await web.get(f"{place}/{rows['계약서.pdf'].id}", who=who)
        assert found.status_code in (status, 404 if status == 403 else status), who
    shown = await web.get(f"{place}/{rows['계약서.pdf'].id}", who="employee")
    assert shown.content == PDF
    assert shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["content-disposition"].startswith("attachment")
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_a_form_kept_as_a_draft_keeps_its_files_once(web: Web, worker_engine: AsyncEngine) -> None:
    files = chosen(("a.pdf", PDF))
    draft = f"{PLACE}/draft"
    for _ in range(3):
        back = await web.post(draft, who="employee", data=FORM, files=files, headers=HTMX)
        assert back.status_code == 200
    [row] = await kept(worker_engine)
    assert f'value="{row.id}"' in back.text

    answer = await web.post(PLACE, who="employee", data={**FORM, "answers.papers": row.id})

    assert answer.status_code == 303
    [request] = await requests_of(worker_engine, "papers-1")
    assert request.answers == {"papers": [row.id]}


async def test_a_chosen_file_is_left_out_again(web: Web, worker_engine: AsyncEngine) -> None:
    files = chosen(("a.pdf", PDF), ("b.pdf", PDF + b"\n"))
    back = await web.post(f"{PLACE}/draft", who="employee", data=FORM, files=files, headers=HTMX)
    ids = {one.name: one.id for one in await kept(worker_engine)}
    both = ",".join(ids.values())
    assert back.text.count('name="without.') == 2
    answers = {**FORM, "answers.papers": both, f"without.{ids['a.pdf']}": "yes"}

    shown = await web.post(f"{PLACE}/draft", who="employee", data=answers, headers=HTMX)
    assert f'value="{ids["b.pdf"]}"' in shown.text
    assert "a.pdf" not in shown.text
    assert f'name="without.{ids["b.pdf"]}"' in shown.text
    everything = {**answers, f"without.{ids['b.pdf']}": "yes"}
    assert (await web.post(PLACE, who="employee", data=everything)).status_code == 422  # a file is needed
    sent = await web.post(PLACE, who="employee", data=answers)

    assert sent.status_code == 303, sent.text
    [request] = await requests_of(worker_engine, "papers-1")
    assert request.answers == {"papers": [ids["b.pdf"]]}
    assert {one.name: one.request_id for one in await kept(worker_engine)} == {
        "a.pdf": None, "b.pdf": request.id,
    }  # fmt: skip


async def test_a_file_is_left_out_of_a_later_form(web: Web, worker_engine: AsyncEngine) -> None:
    papers = a_field("proof", FieldKind.FILE, readers=("asker",), is_required=False)
    later = Step("later", StepKind.FORM, texts("Later"), form=Form(Hands.ASKER, (papers,)))
    await store(worker_engine, *stored(an_item("later", form=(), steps=(later,)), NOW))
    await store(worker_engine, a_request("E6", NOW, submission_key="key-E6", item_key="later", answers={}))
    await store(worker_engine, a_step("E6", "0", "later", StepKind.FORM, NOW))
    await web.post(f"{PLACE}/draft", who="employee", data=FORM, files=chosen(("a.pdf", PDF)))
    [row] = await kept(worker_engine)

    form = {"command_id": "f2", "answers.proof": row.id, f"without.{row.id}": "yes"}
    answer = await web.post("/employee-requests/E6/forms/0", who="employee", data=form)

    assert answer.status_code in (303, 202), answer.text
    [told] = await said(worker_engine, "E6")
    assert told.payload["answers"] == {"proof": None}
    assert [one.request_id for one in await kept(worker_engine)] == [None]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", SCRIPT), ("a.pdf", PDF[:-7]), ("a.exe", b"MZ" + bytes(99)), ("a.docm", MACROS),
        ("a.zip", package()), ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("a.pdf", PDF[:9] + bytes(MOST_BYTES) + b"%%EOF"),
    ],
)  # fmt: skip
async def test_what_is_no_document_is_refused_at_its_field(
    web: Web, worker_engine: AsyncEngine, name: str, data: bytes
) -> None:
    answer = await web.post(PLACE, who="employee", data=FORM, files=chosen((name, data)))

    assert answer.status_code == 422
    assert 'id="e_answers.papers"' in answer.text
    assert await kept(worker_engine) == []


async def test_nobody_sends_a_file_of_somebody_else(web: Web, worker_engine: AsyncEngine) -> None:
    await web.post(f"{PLACE}/draft", who="employee", data=FORM, files=chosen(("a.pdf", PDF)))
    [row] = await kept(worker_engine)
    for typed in (row.id, "rf1", "rf_unknown", "\\\\share\\contract.pdf"):
        form = {"submission_key": f"steal-{len(typed)}", "whom": "me", "answers.papers": typed}
        answer = await web.post(PLACE, who="agent", data=form)
        assert answer.status_code == 422, typed
    assert [one.request_id for one in await kept(worker_engine)] == [None]


async def test_a_later_form_takes_files_too(web: Web, worker_engine: AsyncEngine) -> None:
    papers = a_field("proof", FieldKind.FILE, readers=("asker",))
    later = Step("later", StepKind.FORM, texts("Later"), form=Form(Hands.ASKER, (papers,)))
    await store(worker_engine, *stored(an_item("late", form=(), steps=(later,)), NOW))
    await store(worker_engine, a_request("E6", NOW, submission_key="key-E6", item_key="late", answers={}))
    await store(worker_engine, a_step("E6", "0", "later", StepKind.FORM, NOW))

    path, files = "/employee-requests/E6/forms/0", [("answers.proof", ("p.docx", DOCX, "x/y"))]
    answer = await web.post(path, who="employee", data={"command_id": "f1"}, files=files)

    assert answer.status_code in (303, 202), answer.text
    [row] = await kept(worker_engine)
    [told] = await said(worker_engine, "E6")
    assert (row.request_id, told.payload["answers"]) == ("E6", {"proof": [row.id]})


def test_papers_are_known_by_their_content() -> None:
    assert paper(DOCX, "x.pdf").media_type.endswith("wordprocessingml.document")
    assert paper(PDF, "x.jpg").media_type == "application/pdf"
    assert paper(picture("PNG"), None).media_type == "image/png"
    for bad in (b"", b"PK\x03\x04", b"%PDF-", MACROS, bytes(MOST_BYTES + 1)):
        with pytest.raises(Refusal):
            paper(bad, "x")


async def test_typing_finds_colleagues_by_the_fields_own_name(web: Web) -> None:
    path = "/employee-requests/colleagues"
    for name in ("q", "answers.boss", "colleague"):
        found = (await web.post(path, who="employee", headers=JSON, data={name: "e_two"})).json()
        assert [one["email"] for one in found["found"]] == ["e_two@example.com"], name
    page = await web.post(path, who="employee", headers=HTMX, data={"answers.boss": "e_two"})
    assert '<datalist id="colleagues">' in page.text
