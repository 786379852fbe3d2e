"""An item that employees ask for, and requests of the sample company: own, secret, to be approved."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import SQLModel

from models.employee_requests import (
    EmployeeRequest,
    RequestApproval,
    RequestFile,
    RequestHandover,
    RequestReader,
    RequestStep,
    RequestTask,
)
from models.employee_requests.items import ItemSimulation, RequestItem, RequestItemVersion
from models.kit.records import to_record
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import (
    Approval,
    Approver,
    ApproverKind,
    Call,
    Category,
    Choice,
    Field,
    FieldKind,
    Item,
    Lane,
    Step,
    StepKind,
    Task,
    Texts,
    Trigger,
)
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    ReaderWhy,
    RequestStatus,
    StepStatus,
    TaskStatus,
    request_workflow_id,
)

OWN, SECRET, TO_APPROVE, DRAFT = "E1", "E2", "E3", "E4"
# id: account that asked, employee whom it is for, team that owns it, status
REQUESTS = {
    OWN: ("a_employee", "e_one", "team_one", RequestStatus.OPEN),
    SECRET: ("a_agent", "e_other", "team_two", RequestStatus.OPEN),
    TO_APPROVE: ("a_agent", "e_other", "team_two", RequestStatus.OPEN),
    DRAFT: ("a_employee", "e_one", "team_one", RequestStatus.DRAFT),
}
HANDED_OVER = {"EH1": False, "EH2": True}  # out of T1 by the agent; the second one is confidential
APPROVERS = {OWN: "e_chief", SECRET: "e_chief", TO_APPROVE: "e_one"}
ACCOUNTS = {"e_one": "a_employee", "e_chief": "a_admin", "e_other": "a_agent"}


def texts(english: str, korean: str = "") -> Texts:
    """A text in both languages."""
    return {"en": english, "ko": korean or english}


def a_field(id: str, kind: FieldKind = FieldKind.TEXT, **facts: Any) -> Field:
    """A question that is called like its id."""
    return Field(id, kind, texts(id), **facts)


def an_item(key: str = "laptop", **facts: Any) -> Item:
    """A laptop: the manager approves, above a million the cost owner too; IT sets it up beside the order."""
    defaults: dict[str, Any] = {
        "version": 1,
        "form": (
            a_field("model", FieldKind.CHOICE, choices=(
                Choice("light", texts("Light", "가벼움")), Choice("strong", texts("Strong", "강력함")),
            )),
            a_field("price", FieldKind.MONEY),
            a_field("is_urgent", FieldKind.YES_NO),
            a_field("why", FieldKind.LONG_TEXT, visible_when="form.is_urgent"),
            a_field("desk", is_required=False),
            a_field("cost_centre", known_from="cost_centre"),
            a_field("secret", is_required=False, readers=("asker", "owners"), writers=("asker", "owners")),
        ),
        "steps": (
            Step("agree", StepKind.APPROVAL, texts("Manager", "팀장 승인"), approval=Approval(
                (Approver(ApproverKind.MANAGER, up_to_minor=1_000_000), Approver(ApproverKind.COST_OWNER)),
                amount="form.price", second_factor_above_minor=2_000_000,
            )),
            Step("work", StepKind.PARALLEL, texts("Preparation", "준비"), lanes=(
                Lane(texts("IT"), (
                    Step("set_up", StepKind.TASK, texts("Set up", "설치"), task=Task(
                        "team_one", texts("Set the laptop up", "노트북 설치"),
                        (texts("Install", "설치"), texts("Hand over", "전달")),
                    )),
                )),
                Lane(texts("Order", "주문"), (
                    Step("order", StepKind.CALL, texts("Order", "주문"), call=Call(
                        "office", "order_equipment", {"item": "form.model"}, undo="cancel_order",
                    )),
                )),
            )),
            Step("done", StepKind.MESSAGE, texts("Done", "완료")),
        ),
    }  # fmt: skip
    given = {**defaults, **facts}
    return Item(
        key, given.pop("names", texts("A laptop", "노트북 신청")), texts("New or another one", "새 장비"),
        given.pop("category", Category.IT), "laptop", given.pop("owner_team", "team_one"), **given,
    )  # fmt: skip


def stored(item: Item, now: datetime) -> list[SQLModel]:
    """An item as it stands in the tables, published."""
    return [
        RequestItem(key=item.key, owner_team=item.owner_team, created_by="a_admin", created_at=now),
        RequestItemVersion(
            item_key=item.key, version=item.version, status=VersionStatus.PUBLISHED, text="",
            definition=to_record(item), checksum=item.key, writers=["a_admin"], reviewer_id="a_other",
            created_at=now, written_at=now, published_at=now, seq=1,
        ),
    ]  # fmt: skip


def a_request(id: str, now: datetime, **facts: Any) -> EmployeeRequest:
    """One request, of the sample when its id is one of those."""
    asked_by, whom, team, status = REQUESTS.get(id, REQUESTS[OWN])
    defaults: dict[str, Any] = {
        "submission_key": f"key-{id}", "item_key": "laptop", "item_version": 1, "asked_by": asked_by,
        "for_employee_id": whom, "owner_team_id": team, "status": status, "created_at": now,
        "updated_at": now, "seq": 1,
        "answers": {"model": "light", "price": 1_500_000, "is_urgent": False, "cost_centre": "CC1"},
    }  # fmt: skip
    return EmployeeRequest(id=id, **{**defaults, **facts})


def a_step(request: str, path: str, step: str, kind: StepKind, now: datetime, **facts: Any) -> RequestStep:
    """One step that has begun."""
    return RequestStep(
        request_id=request, path=path, step_id=step, kind=kind, since=now,
        **{"status": StepStatus.ACTIVE, **facts},
    )  # fmt: skip


def an_approval(request: str, approver: str, now: datetime, **facts: Any) -> RequestApproval:
    """Somebody is asked to decide the first step."""
    defaults: dict[str, Any] = {
        "path": "0", "position": 0, "status": ApprovalStatus.PENDING, "amount_minor": 1_500_000,
        "asked_at": now, "why": "manager", "escalate_at": now + timedelta(hours=24),
    }  # fmt: skip
    given = {**defaults, **facts}
    id = f"{request}.{given['path']}.{given['position']}"
    return RequestApproval(id=id, request_id=request, approver_employee_id=approver, **given)


def a_task(request: str, team: str, now: datetime, **facts: Any) -> RequestTask:
    """A team has to set something up."""
    defaults: dict[str, Any] = {
        "path": "1.0.0", "title_ko": "노트북 설치", "title_en": "Set the laptop up", "created_at": now,
        "checklist": [
            {"ko": "설치", "en": "Install", "is_done": False},
            {"ko": "전달", "en": "Hand over", "is_done": False},
        ],
        "status": TaskStatus.OPEN, "due_at": now + timedelta(hours=8),
    }  # fmt: skip
    given = {**defaults, **facts}
    return RequestTask(id=f"{request}.{given['path']}", request_id=request, team_id=team, **given)


def a_reader(request: str, account: str, why: ReaderWhy, now: datetime) -> RequestReader:
    """Somebody may see a request."""
    return RequestReader(request_id=request, account_id=account, why=why, since=now)


def a_handover(id: str, word: str, now: datetime, is_secret: bool) -> list[SQLModel]:
    """A request of the agent for the ticket T1, and what the ticket's page shows of it."""
    stage = {"names": texts(word), "state": "now", "since": now.isoformat(), "team_id": "team_two"}
    common: dict[str, Any] = {
        "ticket_id": "T1", "item_key": "laptop", "item_version": 1, "asked_by": "a_agent", "created_at": now,
        "updated_at": now, "status": RequestStatus.OPEN, "is_confidential": is_secret,
    }  # fmt: skip
    return [
        a_request(id, now, **{**common, "for_employee_id": "e_other", "owner_team_id": "team_two"}),
        RequestHandover(request_id=id, team_id="team_two", stages=[stage], answers={"desk": word}, **common),
        a_reader(id, "a_agent", ReaderWhy.ASKER, now),
    ]


def asked(word: str, now: datetime) -> list[SQLModel]:
    """The sample company's requests; `word` stands in every free text."""
    later = RequestItemVersion(
        item_key="laptop", version=2, status=VersionStatus.DRAFT, text=word, definition=None,
        checksum="laptop2", note=word, writers=["a_admin"], created_at=now, written_at=now,
    )  # fmt: skip
    simulation = ItemSimulation(
        id="si1",
        item_key="laptop",
        version=2,
        checksum="laptop2",
        asked_by="a_admin",
        asked_at=now,
        since=now,
    )  # fmt: skip
    journey = an_item("joiner", names=texts(word), trigger=Trigger.JOINER, category=Category.HR)
    laptop = an_item(from_ticket={"desk": "ticket.subject"})
    rows: list[SQLModel] = [*stored(laptop, now), later, simulation, *stored(journey, now)]
    for id in REQUESTS:
        answers = {"model": "light", "price": 1_500_000, "desk": word, "secret": word, "cost_centre": "CC1"}
        rows.append(a_request(id, now, is_confidential=id == SECRET, answers=answers, reason=word))
    rows.append(
        a_request("E5", now, submission_key="key-E5", item_key="joiner", asked_by="a_admin",
                  for_employee_id="e_two", answers={"desk": word})
    )  # fmt: skip
    for id, approver in APPROVERS.items():
        asker = ACCOUNTS[REQUESTS[id][1]]
        rows += [
            a_step(id, "0", "agree", StepKind.APPROVAL, now),
            an_approval(id, approver, now, comment=word, question=word, answer=word),
            a_reader(id, asker, ReaderWhy.ASKER, now),
            a_reader(id, ACCOUNTS[approver], ReaderWhy.APPROVER, now),
            TimelineEntry(
                key=f"{request_workflow_id(id)}/0", subject=request_workflow_id(id), case_id=id, at=now,
                kind=EntryKind.STEP, actor_kind=ActorKind.EMPLOYEE, sentence="employee_requests.opened",
                details={"why": word}, is_public=True,
            ),
        ]  # fmt: skip
    rows.append(a_step(OWN, "1", "work", StepKind.PARALLEL, now))
    rows.append(a_step("E5", "0", "agree", StepKind.APPROVAL, now, status=StepStatus.DONE, ended_at=now))
    rows.append(a_task(OWN, "team_one", now, note=word))
    rows.append(a_task(SECRET, "team_two", now, note=word))
    for n, id in enumerate((OWN, SECRET), 1):
        rows.append(
            RequestFile(
                id=f"rf{n}", request_id=id, field_id="secret", uploaded_by=REQUESTS[id][0], name=word,
                media_type="image/png", size=1, sha256="s", stored_as=f"rf{n}", created_at=now,
            )
        )  # fmt: skip
    for id, is_secret in HANDED_OVER.items():
        rows += a_handover(id, word, now, is_secret)
    order = [RequestItem, RequestItemVersion, ItemSimulation, EmployeeRequest, RequestFile]
    rest = [
        RequestFile,
        RequestHandover,
        RequestStep,
        RequestApproval,
        RequestTask,
        RequestReader,
        TimelineEntry,
    ]
    return [row for kind in (*order, *rest) for row in rows if type(row) is kind]
