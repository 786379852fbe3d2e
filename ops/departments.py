"""Who works in the sample company, and what they can ask for: departments, colleagues, published items."""

import json
from datetime import date
from pathlib import Path

import psycopg

from models.kit.item_files import checksum, from_yaml, to_yaml
from models.kit.records import to_record
from models.messages.employee_requests.items import Item

ITEMS = Path(__file__).parent / "items"
DEPARTMENTS = (
    ("tm_hr", "인사팀", "Human resources"),
    ("tm_it", "정보기술팀", "IT"),
    ("tm_finance", "재무팀", "Finance department"),
    ("tm_legal", "법무팀", "Legal"),
    ("tm_workplace", "총무팀", "Workplace"),
    ("tm_purchasing", "구매팀", "Purchasing"),
)
# name of the sign-in, account, e-mail, name, language, department
STAFF: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    ("director", "acc_director", "director@ieum.example", "서정훈", "ko", {}),
    ("manager", "acc_manager", "manager@ieum.example", "노하람", "ko", {}),
    ("hr", "acc_hr", "hr@ieum.example", "배수아", "ko", {"team_id": "tm_hr"}),
    ("it", "acc_it", "it@ieum.example", "임현우", "ko", {"team_id": "tm_it"}),
    ("workplace", "acc_workplace", "workplace@ieum.example", "Dana Reeve", "en", {"team_id": "tm_workplace"}),
    ("legal", "acc_legal", "legal@ieum.example", "류은채", "ko", {"team_id": "tm_legal"}),
    ("ledger", "acc_ledger", "ledger@ieum.example", "마지운", "ko", {"team_id": "tm_finance"}),
)
CENTRES = {
    "경영지원본부": "CC-100", "서비스기획팀": "CC-100", "고객지원팀": "CC-200", "인사팀": "CC-300",
    "정보기술팀": "CC-400", "재무팀": "CC-500", "총무팀": "CC-600",
    "구매팀": "CC-700", "법무팀": "CC-800", "영업팀": "CC-900",
}  # fmt: skip
SITE, MOVING = (
    "서울 본사",
    {"e_mate": "판교"},
)  # who comes to the head office as soon as the HR system tells it
# id, account, name, e-mail, department, title, manager
COLLEAGUES = (
    ("e_director", "acc_director", "서정훈", "director@ieum.example", "경영지원본부", "본부장", None),
    ("e_manager", "acc_manager", "노하람", "manager@ieum.example", "서비스기획팀", "팀장", "e_director"),
    ("e_employee", "acc_emp", "서다온", "employee@ieum.example", "서비스기획팀", "매니저", "e_manager"),
    ("e_mate", None, "문소율", "soyul@ieum.example", "서비스기획팀", "매니저", "e_manager"),
    ("e_hr", "acc_hr", "배수아", "hr@ieum.example", "인사팀", "매니저", "e_director"),
    ("e_it", "acc_it", "임현우", "it@ieum.example", "정보기술팀", "매니저", "e_director"),
    ("e_workplace", "acc_workplace", "Dana Reeve", "workplace@ieum.example", "총무팀", "매니저",
     "e_director"),
    ("e_legal", "acc_legal", "류은채", "legal@ieum.example", "법무팀", "매니저", "e_director"),
    ("e_ledger", "acc_ledger", "마지운", "ledger@ieum.example", "재무팀", "매니저", "e_director"),
    ("e_agent", "acc_agent", "조은별", "agent@ieum.example", "고객지원팀", "매니저", "e_director"),
    ("e_finance", "acc_fin", "윤재경", "finance@ieum.example", "재무팀", "팀장", "e_director"),
    ("e_admin", "acc_admin", "문가온", "admin@ieum.example", "정보기술팀", "팀장", "e_director"),
)  # fmt: skip


def make_departments(database: psycopg.Connection) -> None:
    """The teams that work on requests."""
    for team in DEPARTMENTS:
        database.execute(
            "insert into teams (id, name_ko, name_en, skills, is_default) values (%s, %s, %s, '{}', false)"
            " on conflict do nothing",
            team,
        )


def make_services(database: psycopg.Connection) -> None:
    """Colleagues with their managers, who answers for the money, and every item that comes with the house."""
    for id, account, name, email, department, title, manager in COLLEAGUES:
        database.execute(
            """insert into employees (id, hr_id, account_id, name, email, phone, department, title, site,
            cost_centre, manager_hr_id, manager_id, starts_on, status, seen_seq)
            values (%s, %s, %s, %s, %s, '', %s, %s, %s, %s, %s, %s, %s, 'active', 0)
            on conflict do nothing""",
            (id, hr_id(id), account, name, email, department, title, MOVING.get(id, SITE),
             CENTRES[department], hr_id(manager) if manager else "", manager, date(2024, 3, 4)),
        )  # fmt: skip
    database.execute(
        "insert into cost_centres (id, name, owner_hr_id, owner_id, seen_seq)"
        " values ('CC-100', '경영지원', %s, 'e_director', 0) on conflict do nothing",
        (hr_id("e_director"),),
    )
    for path in sorted(ITEMS.glob("*.yaml")):
        found = from_yaml(path.read_text())
        if not isinstance(found, Item):
            raise SystemExit(f"{path.name}: {[(one.place, one.code) for one in found]}")
        publish(database, found)


def hr_id(employee: str) -> str:
    """The number by which the HR system knows a sample colleague."""
    return f"HR-{employee.removeprefix('e_')}"


def publish(database: psycopg.Connection, item: Item) -> None:
    """Store one item as written by one administrator and reviewed by the other."""
    text = to_yaml(item)
    database.execute(
        "insert into request_items (key, owner_team, created_by, created_at)"
        " values (%s, %s, 'acc_admin', now()) on conflict do nothing",
        (item.key, item.owner_team),
    )
    database.execute(
        """insert into request_item_versions (item_key, version, status, text, definition, checksum, note,
        writers, reviewer_id, review_note, created_at, written_at, published_at, seq)
        values (%s, 1, 'published', %s, %s, %s, '', '{acc_admin}', 'acc_admin_en', '', now(), now(), now(), 1)
        on conflict do nothing""",
        (item.key, text, json.dumps({**to_record(item), "version": 1}, ensure_ascii=False), checksum(text)),
    )
