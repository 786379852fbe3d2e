"""The sample company before anything has happened: teams, products, technicians, customers and sign-ins."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg
from argon2 import PasswordHasher

from ops.channels import let_in
from ops.departments import STAFF, make_departments, make_services
from ops.knowledge import make_articles
from ops.promises import make_promises, make_views
from ops.shelf import make_shelf
from ops.writing import make_templates

TEAMS = (
    ("tm_home", "생활가전 지원팀", "Home appliance support", ["tv", "washer", "fridge"], True),
    ("tm_store", "매장 장비 지원팀", "Store equipment support", ["pos", "cooler"], False),
)
CHECKS = {
    "look": ("도착 사진 촬영", "Photograph what you found", True),
    "safe": ("전원과 누수 점검", "Check power and leaks", True),
    "test": ("수리 후 시운전", "Test run after the repair", True),
    "tidy": ("작업 자리 정리", "Tidy up", False),
}
# id, sku, Korean, English, category, labour per half hour, call-out (won, VAT included)
PRODUCTS = (
    ("prd_tv", "OLED-65C", "올레드 TV 65", "OLED TV 65", "tv", 22_000, 18_000),
    ("prd_wash", "TURBO-21", "트윈 세탁기 21kg", "Twin washer 21 kg", "washer", 20_000, 18_000),
    ("prd_fridge", "DUAL-870", "듀얼 냉장고 870", "Dual fridge 870", "fridge", 24_000, 20_000),
    ("prd_pos", "VX-820", "결제 단말기 VX-820", "Payment terminal VX-820", "pos", 27_500, 22_000),
    ("prd_cool", "SHOW-500", "쇼케이스 500", "Display cooler 500", "cooler", 30_000, 25_000),
)
PARTS = (
    ("prt_panel", "P-6510", "전원 보드", "Power board", "tv", 88_000),
    ("prt_t_con", "P-6511", "티콘 보드", "T-Con board", "tv", 132_000),
    ("prt_pump", "P-2101", "배수 펌프", "Drain pump", "washer", 45_000),
    ("prt_belt", "P-2102", "구동 벨트", "Drive belt", "washer", 19_000),
    ("prt_fan", "P-8701", "냉각 팬", "Cooling fan", "fridge", 52_000),
    ("prt_nic", "P-8201", "통신 모듈", "Network module", "pos", 64_000),
    ("prt_comp", "P-5001", "압축기", "Compressor", "cooler", 230_000),
)
PARTNERS = (("par_hanbit", "한빛서비스", "+82215880001"), ("par_north", "Northwind Service", "+82215880002"))
# partner, kind, product line, number, days left: one certificate expires soon
PAPERS = (
    ("par_hanbit", "contract", "", "HB-2026-01", 500), ("par_hanbit", "insurance", "", "INS-88012", 210),
    ("par_hanbit", "certificate", "pos", "POS-0417", 6), ("par_hanbit", "certificate", "cooler", "COOL-0031", 300),
    ("par_hanbit", "certificate", "tv", "TV-1120", 180), ("par_hanbit", "certificate", "washer", "WA-0902", 365),
    ("par_hanbit", "certificate", "fridge", "FR-0903", 365),
    ("par_north", "contract", "", "NW-2026-02", 420), ("par_north", "insurance", "", "INS-90233", 330),
    ("par_north", "certificate", "tv", "TV-2201", 240), ("par_north", "certificate", "pos", "POS-2202", 240),
    ("par_north", "certificate", "cooler", "COOL-2203", 240),
)  # fmt: skip
# id, partner, name, phone, skills, territories
TECHNICIANS = (
    ("tec_kim", None, "김도윤", "+821052010001", ["tv", "washer", "fridge"], ["seoul-gangnam", "seoul-mapo"]),
    (
        "tec_lee",
        "par_hanbit",
        "이서준",
        "+821052010002",
        ["pos", "cooler", "tv"],
        ["seoul-gangnam", "gyeonggi"],
    ),
    ("tec_park", "par_hanbit", "박하린", "+821052010003", ["washer", "fridge"], ["seoul-mapo", "incheon"]),
    (
        "tec_cole",
        "par_north",
        "Morgan Cole",
        "+821052010004",
        ["tv", "pos", "cooler"],
        ["seoul-mapo", "gyeonggi"],
    ),
)
# id, kind, name, phone, e-mail, language, tier, address, region
CUSTOMERS = (
    ("cus_mina", "person", "최민아", "+821041230001", "mina@customer.example", "ko", "gold",
     "서울 강남구 테헤란로 152, 1203호", "seoul-gangnam"),
    ("cus_ava", "person", "Ava Collins", "+821041230002", "ava@customer.example", "en", "standard",
     "Mapo-daero 45, Mapo-gu, Seoul", "seoul-mapo"),
    ("cus_hanbit", "company", "한빛리테일 강남점", "+821041230003", "gangnam@retail.example", "ko", "gold",
     "서울 강남구 테헤란로 152, 지하 1층", "seoul-gangnam"),
    ("cus_jung", "person", "정우성민", "+821041230004", "jung@customer.example", "ko", "silver",
     "서울 마포구 양화로 23", "seoul-mapo"),
    ("cus_noah", "person", "Noah Whitfield", "+821041230005", "noah@customer.example", "en", "silver",
     "Teheran-ro 501, Gangnam-gu, Seoul", "seoul-gangnam"),
    ("cus_dal", "company", "달빛카페 판교점", "+821041230006", "pangyo@cafe.example", "ko", "standard",
     "경기 성남시 분당구 판교역로 12", "gyeonggi"),
)  # fmt: skip
# Written down at the telephone by somebody who did not find the record: the list of duplicates shows it at once.
TWICE = ("cus_jung_2", "person", "정우성민", "jung@mail.example", "서울 마포구 양화로 23", "seoul-mapo")
# customer, who wrote it, the note, pinned
NOTES = (
    ("cus_mina", "acc_agent", "저녁 7시 이후 통화를 원하십니다.", True),
    ("cus_mina", "acc_agent", "지난번 방문 때 주차 등록이 필요했습니다.", False),
    ("cus_hanbit", "acc_agent", "점포 담당자가 바뀌면 본사 시설팀에 먼저 확인합니다.", True),
    ("cus_ava", "acc_agent_en", "Prefers English, also on the phone.", True),
)
# id, customer, product, serial, warranty in days from now (negative: over)
OWNED = (
    ("own_1", "cus_mina", "prd_tv", "OLED-65C-0001", -40), ("own_2", "cus_mina", "prd_wash", "TURBO-21-0002", 300),
    ("own_3", "cus_ava", "prd_wash", "TURBO-21-0003", -10), ("own_4", "cus_hanbit", "prd_pos", "VX-820-0004", 500),
    ("own_5", "cus_jung", "prd_fridge", "DUAL-870-0005", -200), ("own_6", "cus_noah", "prd_tv", "OLED-65C-0006", 90),
    ("own_7", "cus_dal", "prd_cool", "SHOW-500-0007", -5), ("own_8", "cus_noah", "prd_fridge", "DUAL-870-0008", -1),
)  # fmt: skip
# role, id, e-mail, name, language, columns
PEOPLE: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    ("agent", "acc_agent", "agent@ieum.example", "조은별", "ko", {"team_id": "tm_home"}),
    ("agent_en", "acc_agent_en", "agent.en@ieum.example", "Jo Bennett", "en", {"team_id": "tm_store"}),
    ("dispatcher", "acc_disp", "dispatcher@ieum.example", "한지우", "ko", {"team_id": "tm_home"}),
    ("finance", "acc_fin", "finance@ieum.example", "윤재경", "ko", {}),
    ("admin", "acc_admin", "admin@ieum.example", "문가온", "ko", {}),
    ("admin_en", "acc_admin_en", "admin.en@ieum.example", "Robin Hale", "en", {}),
    ("employee", "acc_emp", "employee@ieum.example", "서다온", "ko", {}),
    ("partner", "acc_partner", "partner@ieum.example", "한빛서비스 배차", "ko", {"partner_id": "par_hanbit"}),
    ("technician", "acc_tec_kim", "technician@ieum.example", "김도윤", "ko", {"technician_id": "tec_kim"}),
    ("technician", "acc_tec_lee", "lee@ieum.example", "이서준", "ko",
     {"technician_id": "tec_lee", "partner_id": "par_hanbit"}),
    ("technician", "acc_tec_park", "park@ieum.example", "박하린", "ko",
     {"technician_id": "tec_park", "partner_id": "par_hanbit"}),
    ("technician", "acc_tec_cole", "cole@ieum.example", "Morgan Cole", "en",
     {"technician_id": "tec_cole", "partner_id": "par_north"}),
    ("customer", "acc_mina", "mina@customer.example", "최민아", "ko", {"customer_id": "cus_mina"}),
    ("customer_en", "acc_ava", "ava@customer.example", "Ava Collins", "en", {"customer_id": "cus_ava"}),
)  # fmt: skip
# Nobody grants a right that they do not hold, so whoever sets up the staff holds every staff right.
EVERYTHING = ["admin", "agent", "dispatcher", "finance"]
ROLES = {
    "admin": EVERYTHING,
    "admin_en": EVERYTHING,
    "partner": ["partner", "partner_dispatcher"],
} | {person[0]: ["employee"] for person in STAFF}
# priority: answer, resolve, confirm in working minutes
PROMISES = {"p1": (30, 240, 480), "p2": (60, 480, 960), "p3": (240, 1440, 1440), "p4": (480, 2880, 1440)}


@dataclass
class Keys:
    """How scripts and people get in: a token for everybody, one password for all sign-ins."""

    password: str
    tokens: dict[str, str] = field(default_factory=dict)
    sign_ins: list[dict[str, str]] = field(default_factory=list)


def role_of(name: str) -> str:
    """`agent_en` is an agent too."""
    return name.removesuffix("_en")


def make_company(worker_url: str) -> Keys:
    """Store the company; safe to repeat, but tokens are new ones each time."""
    keys = Keys(secrets.token_urlsafe(9))
    with psycopg.connect(worker_url) as database:
        _store_house(database)
        _store_customers(database)
        hashed = PasswordHasher().hash(keys.password)
        make_departments(database)
        for person in (*PEOPLE, *STAFF):
            _store_person(database, person, hashed, keys)
        _many(database, """insert into customer_notes (id, customer_id, author_id, body, is_pinned, made_at)
              values (%s, %s, %s, %s, %s, now())""",
              [(f"nt_sample{n}", *note) for n, note in enumerate(NOTES)])  # fmt: skip
        make_services(database)
        make_articles(database)
        make_promises(database)
        let_in(database, keys.tokens)
        make_views(database)
        make_templates(database)
    make_shelf(worker_url)
    return keys


def _many(database: psycopg.Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    with database.cursor() as cursor:
        cursor.executemany(statement + " on conflict do nothing", rows)


def _store_house(database: psycopg.Connection) -> None:
    """Teams, products, parts, partners, technicians with their weeks, and promises."""
    checklist = json.dumps([
        {"code": code, "ko": ko, "en": en, "is_required": required} for code, (ko, en, required) in CHECKS.items()
    ])  # fmt: skip
    _many(database, "insert into teams (id, name_ko, name_en, skills, is_default) values (%s, %s, %s, %s, %s)",
          list(TEAMS))  # fmt: skip
    _many(database, """insert into products (id, sku, name_ko, name_en, category, labour_minor, call_out_minor,
          currency, checklist) values (%s, %s, %s, %s, %s, %s, %s, 'KRW', %s)""",
          [(*product, checklist) for product in PRODUCTS])  # fmt: skip
    _many(database, """insert into parts (id, sku, name_ko, name_en, category, price_minor, currency)
          values (%s, %s, %s, %s, %s, %s, 'KRW')""", list(PARTS))  # fmt: skip
    _many(
        database,
        "insert into partners (id, name, phone, status, checks_papers) values (%s, %s, %s, 'active', true)",
        list(PARTNERS),
    )
    _store_papers(database)
    _many(database, """insert into technicians (id, partner_id, name, phone, skills, territories, is_active)
          values (%s, %s, %s, %s, %s, %s, true)""", list(TECHNICIANS))  # fmt: skip
    weeks = [(one[0], weekday) for one in TECHNICIANS for weekday in range(6)]
    _many(database, """insert into technician_shifts (technician_id, weekday, starts, ends)
          values (%s, %s, '09:00', '18:00')""", weeks)  # fmt: skip
    _many(database, """insert into service_policies (name, version, priority, answer_minutes, resolve_minutes,
          confirm_minutes, offer_minutes, slot_hours, invoice_days, rating_days, valid_from)
          values ('standard', 1, %s, %s, %s, %s, 30, 24, 14, 14, now())""",
          [(priority, *minutes) for priority, minutes in PROMISES.items()])  # fmt: skip


def _store_papers(database: psycopg.Connection) -> None:
    """The papers of the partners, and the lives that wait for their expiry."""
    today = date.today()
    rows = [
        (f"pap_{number}", partner, number, kind, category, number, today - timedelta(days=200),
         today + timedelta(days=left), 55_000 if kind == "contract" else None)
        for partner, kind, category, number, left in PAPERS
    ]  # fmt: skip
    _many(database, """insert into partner_papers (id, partner_id, submission_key, kind, category, number, valid_from,
          valid_until, pay_minor, name, media_type, added_by, added_at)
          values (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', '', 'acc_admin', now() - interval '200 days')""",
          rows)  # fmt: skip
    orders = [
        (f"partner:{partner[0]}", f"partner:{partner[0]}",
         json.dumps({"partner_id": partner[0], "status": "active", "seq": 0, "since": None}))
        for partner in PARTNERS
    ]  # fmt: skip
    _many(database, """insert into outbox (key, kind, workflow_id, payload, not_before, created_at, workflow, name,
          actor_id, task_queue, summary, status, tries, refusal) values (%s, 'start', %s, %s, now(), now(), 'Partner',
          '', '', 'desk', 'Look after a partner', 'waiting', 0, '')""", orders)  # fmt: skip


def _store_customers(database: psycopg.Connection) -> None:
    """Customers and what they own."""
    _many(database, """insert into customers (id, kind, name, phone, email, locale, tier, address, region, postcode,
          is_verified, created_at, version) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', true, now(), 1)""",
          list(CUSTOMERS))  # fmt: skip
    database.execute(
        """insert into customers (id, kind, name, email, address, region, locale, tier, postcode, is_verified,
           created_at, version) values (%s, %s, %s, %s, %s, %s, 'ko', 'standard', '', false, now(), 1)""",
        TWICE,
    )
    database.execute(
        """insert into customer_pairs (id, first_id, second_id, score, reasons, likeness, status, found_at,
           found_by) values ('pair_jung', 'cus_jung', 'cus_jung_2', 75, %s, '', 'open', now(), 'entry')""",
        (["mail_name", "name_same", "address_same"],),
    )
    today = date.today()
    rows = [
        (owned, customer, product, serial, today - timedelta(days=400), today + timedelta(days=days))
        for owned, customer, product, serial, days in OWNED
    ]
    _many(database, """insert into owned_products (id, customer_id, product_id, serial, bought_on, warranty_until,
          region) values (%s, %s, %s, %s, %s, %s, '')""", list(rows))  # fmt: skip


def _store_person(
    database: psycopg.Connection,
    person: tuple[str, str, str, str, str, dict[str, str]],
    hashed: str,
    keys: Keys,
) -> None:
    """One account with a password and a token."""
    name, account, login, shown, locale, belongs = person
    columns = {"team_id": None, "customer_id": None, "technician_id": None, "partner_id": None, **belongs}
    database.execute(
        """insert into accounts (id, login, password_hash, name, locale, roles, team_id, customer_id,
        technician_id, partner_id, is_active, created_at, version)
        values (%(id)s, %(login)s, %(hash)s, %(name)s, %(locale)s, %(roles)s, %(team_id)s, %(customer_id)s,
        %(technician_id)s, %(partner_id)s, true, now(), 1)
        on conflict (id) do update set password_hash = excluded.password_hash""",
        {"id": account, "login": login, "hash": hashed, "name": shown, "locale": locale,
         "roles": ROLES.get(name, [role_of(name)]), **columns},
    )  # fmt: skip
    token = secrets.token_urlsafe(32)
    database.execute(
        "insert into api_tokens values (%s, %s, 'demo', now(), now() + interval '90 days', null)",
        (hashlib.sha256(token.encode()).hexdigest(), account),
    )
    keys.tokens.setdefault(name, token)
    if "technician_id" in belongs:
        keys.tokens[belongs["technician_id"]] = token
    if not any(known["role"] == name for known in keys.sign_ins):
        keys.sign_ins.append({"role": name, "login": login, "password": keys.password, "name": shown})
