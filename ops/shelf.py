"""The sample shelf: products, plans in several versions, a bundle with rules, and what fits to what."""

import json
from dataclasses import replace
from datetime import date, timedelta

import psycopg

from models.kit.records import to_record
from models.messages.catalogue import (
    BundleItem,
    BundleRule,
    BundleTerms,
    Phase,
    PhaseKind,
    PlanKind,
    PlanTerms,
    Price,
    PriceKind,
    PriceTier,
    RuleKind,
)

TRIAL, OPEN = Phase(PhaseKind.TRIAL, 1), Phase(PhaseKind.EVERGREEN)
# id, sku, Korean, English, category, kind, price, is sold alone, needs installation, about in Korean and English
PRODUCTS = (
    ("prd_water", "AQUA-300", "직수 정수기 아쿠아 300", "Aqua 300 water purifier", "purifier", "device", 890_000,
     False, True, "냉수와 온수를 바로 내는 직수 정수기입니다.", "Cold and hot water straight from the tap."),
    ("prd_air", "BREEZE-70", "공기청정기 브리즈 70", "Breeze 70 air purifier", "purifier", "device", 459_000,
     True, False, "70제곱미터까지 조용하게 정화합니다.", "Cleans up to 70 square metres, quietly."),
    ("prd_stand", "STAND-65", "티브이 스탠드", "TV stand", "tv", "device", 129_000,
     True, False, "65인치까지 흔들림 없이 받쳐 줍니다.", "Holds up to 65 inches, and does not wobble."),
    ("prd_ebook", "COOK-100", "요리책 100선 (전자책)", "100 recipes (e-book)", "content", "content", 12_100,
     True, False, "바로 내려받아 읽으실 수 있습니다.", "Yours to read at once."),
    ("prd_clean", "CLEAN-1", "세탁기 분해 청소", "Deep clean of a washer", "washer", "service", 99_000,
     True, True, "전문 기사가 방문하여 통까지 청소합니다.", "A technician comes and cleans it down to the drum."),
)  # fmt: skip
SOLD = (
    (
        "prd_tv",
        1_890_000,
        "영화관 같은 65인치 올레드 화면입니다.",
        "A 65-inch OLED picture, as in the cinema.",
    ),
)

WATER = PlanTerms(
    "pln_water", 1, PlanKind.RENTAL, "아쿠아 300 렌탈", "Aqua 300 rental", Price(unit_minor=32_900),
    phases=(Phase(PhaseKind.DISCOUNT, 3, 50), Phase(PhaseKind.TERM, 33), OPEN),
    obligation_months=36, setup_minor=33_000, product_id="prd_water", family="water", rank=1,
)  # fmt: skip
AIR = PlanTerms(
    "pln_air", 1, PlanKind.RENTAL, "브리즈 70 렌탈", "Breeze 70 rental", Price(PriceKind.PER_UNIT, 19_900),
    phases=(Phase(PhaseKind.TERM, 24), OPEN), obligation_months=24, product_id="prd_air", family="air", rank=1,
)  # fmt: skip
STREAM = PlanTerms(
    "pln_stream", 1, PlanKind.CONTENT, "이음 플레이", "Ieum Play", Price(unit_minor=9_900),
    phases=(TRIAL, OPEN), family="stream", rank=1,
)  # fmt: skip
STREAM_PLUS = PlanTerms(
    "pln_stream_plus", 1, PlanKind.CONTENT, "이음 플레이 플러스", "Ieum Play Plus", Price(unit_minor=14_900),
    phases=(TRIAL, Phase(PhaseKind.DISCOUNT, 2, 30), OPEN), family="stream", rank=2,
)  # fmt: skip
CARE = PlanTerms(
    "pln_care", 1, PlanKind.SERVICE, "정수기 방문 관리", "Water purifier care", Price(unit_minor=6_600),
    family="water", is_add_on=True,
)  # fmt: skip
STORE = PlanTerms(
    "pln_store", 1, PlanKind.SUBSCRIPTION, "매장 장비 안심 구독", "Store equipment cover",
    Price(PriceKind.TIERED, tiers=(PriceTier(5, 11_000), PriceTier(20, 8_800), PriceTier(None, 6_600))),
    family="store", rank=1,
)  # fmt: skip
METERED = PlanTerms(
    "pln_litres", 1, PlanKind.SUBSCRIPTION, "정수 사용량 요금", "Water by the litre",
    Price(PriceKind.USAGE, tiers=(PriceTier(200, 30), PriceTier(None, 20)), meter="water_litres"),
    in_advance=False, family="water", is_add_on=True,
)  # fmt: skip
# code, terms, about in Korean and English
PLANS = (
    ("water", WATER, "설치부터 필터 교체까지 한 번에 해결합니다.", "Installed and kept fresh, with nothing to buy."),
    ("air", AIR, "필터와 함께 집으로 보내 드립니다.", "Sent to your door together with its filters."),
    ("stream", STREAM, "영화와 드라마를 끝없이 즐기실 수 있습니다.", "Films and series without end."),
    ("stream-plus", STREAM_PLUS, "네 대에서 4K로 함께 보실 수 있습니다.", "In 4K, on four screens at once."),
    ("care", CARE, "넉 달마다 찾아가 점검하고 살균합니다.", "Checked and cleaned at your home every four months."),
    ("store", STORE, "많이 쓰실수록 대당 요금이 낮아집니다.", "The more devices, the less each costs."),
    ("litres", METERED, "쓰신 만큼만 내시면 됩니다.", "Pay for what you drink."),
)  # fmt: skip
HOME = BundleTerms(
    "bun_home", 1, "새집 꾸러미", "New home bundle",
    (
        BundleItem("tv", product_id="prd_tv", percent_off=10),
        BundleItem("water", plan_id="pln_water", percent_off=10),
        BundleItem("play", plan_id="pln_stream", percent_off=50, is_optional=True),
        BundleItem("play-plus", plan_id="pln_stream_plus", percent_off=30, is_optional=True),
        BundleItem("care", plan_id="pln_care", percent_off=20, is_optional=True),
        BundleItem("litres", plan_id="pln_litres", is_optional=True),
        BundleItem("stand", product_id="prd_stand", percent_off=20, is_optional=True),
    ),
    (
        BundleRule(RuleKind.ONE_OF, ("play", "play-plus")),
        BundleRule(RuleKind.EXCLUDES, ("care", "litres")),
        BundleRule(RuleKind.REQUIRES, ("stand", "tv")),
    ),
)  # fmt: skip
# id, owns product, owns category, has plan, offers product, plan, bundle, reasons
RULES = (
    ("xs_care", "prd_water", "", "pln_water", None, "pln_care", None,
     "정수기를 쓰고 계시니 방문 관리로 필터를 늘 깨끗하게 유지하실 수 있습니다.",
     "You have a water purifier: with care its filters are always fresh."),
    ("xs_play", None, "tv", None, None, "pln_stream", None,
     "티브이를 가지고 계시니 첫 달은 무료로 영화를 보실 수 있습니다.", "You own a TV: the first month of films is free."),
    ("xs_stand", None, "tv", None, "prd_stand", None, None,
     "가지고 계신 티브이에 맞는 스탠드입니다.", "This stand fits your TV."),
    ("xs_clean", None, "washer", None, "prd_clean", None, None,
     "세탁기를 쓰신 지 오래되었다면 분해 청소를 권해 드립니다.", "You own a washer: a deep clean keeps it fresh."),
    ("xs_home", None, "fridge", None, None, None, "bun_home",
     "냉장고를 쓰고 계시니 정수기와 티브이를 함께 바꾸시면 더 저렴합니다.",
     "You own one of our fridges: TV and water purifier cost less together."),
)  # fmt: skip


# Devices that left the factory and that nobody has registered yet.
KNOWN = (("prd_tv", "OLED-65C-1001"), ("prd_wash", "TURBO-21-1002"), ("prd_air", "BREEZE-70-1003"))


def make_shelf(worker_url: str) -> None:
    """Store the shelf; safe to repeat."""
    with psycopg.connect(worker_url) as database:
        _store_products(database)
        _store_plans(database)
        _store_bundle(database)
        _many(
            database,
            "insert into known_serials (product_id, serial, sold_on) values (%s, %s, current_date - 30)",
            KNOWN,
        )
        _many(database, """insert into cross_sells (id, owns_product_id, owns_category, has_plan_id,
              offers_product_id, offers_plan_id, offers_bundle_id, reason_ko, reason_en, is_active)
              values (%s, %s, %s, %s, %s, %s, %s, %s, %s, true)""", RULES)  # fmt: skip


def _many(database: psycopg.Connection, statement: str, rows: object) -> None:
    with database.cursor() as cursor:
        cursor.executemany(statement + " on conflict do nothing", list(rows))  # type: ignore[call-overload]


def _store_products(database: psycopg.Connection) -> None:
    _many(database, """insert into products (id, sku, name_ko, name_en, category, kind, price_minor, is_sold,
          needs_installation, about_ko, about_en, labour_minor, call_out_minor, currency, checklist,
          warranty_months) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 22000, 18000, 'KRW', '[]', 24)""",
          PRODUCTS)  # fmt: skip
    for product, price, korean, english in SOLD:
        database.execute(
            """update products set price_minor = %s, is_sold = true, needs_installation = true, about_ko = %s,
            about_en = %s where id = %s and not is_sold""",
            (price, korean, english, product),
        )


def _store_plans(database: psycopg.Connection) -> None:
    """Each plan with a published version; the water rental has an older one, Play a coming one and a draft."""
    _many(database, """insert into plans (id, code, kind, name_ko, name_en, product_id, about_ko, about_en,
          created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, now() - interval '400 days')""",
          [(terms.plan_id, code, terms.kind, terms.name_ko, terms.name_en, terms.product_id, korean, english)
           for code, terms, korean, english in PLANS])  # fmt: skip
    today = date.today()
    old, older = today - timedelta(days=200), today - timedelta(days=400)
    dearer = replace(STREAM, version=2, price=Price(unit_minor=10_900))
    rows = [
        (replace(terms, version=1), "published", old, "")
        for _, terms, _, _ in PLANS if terms is not WATER
    ] + [
        (replace(WATER, price=Price(unit_minor=29_900), phases=(OPEN,)), "published", older, "첫 판"),
        (replace(WATER, version=2), "published", old, "첫 석 달 반값"),
        (dearer, "published", today + timedelta(days=60), "두 달 뒤 요금 인상"),
        (replace(dearer, version=3, phases=(Phase(PhaseKind.TRIAL, 2), OPEN)), "draft",
         today + timedelta(days=90), "체험 두 달로 늘리기"),
    ]  # fmt: skip
    for terms, status, day, note in rows:
        _version(database, "plan", terms.plan_id, terms.version, to_record(terms), (status, day, note))


def _store_bundle(database: psycopg.Connection) -> None:
    database.execute(
        """insert into bundles (id, code, name_ko, name_en, about_ko, about_en, created_at) values (%s, 'home',
        %s, %s, %s, %s, now() - interval '200 days') on conflict do nothing""",
        (HOME.bundle_id, HOME.name_ko, HOME.name_en,
         "티브이와 정수기, 볼거리를 한 번에 들여놓으십시오. 설치까지 해 드립니다.",
         "TV, water purifier and something to watch, installed in one go."),
    )  # fmt: skip
    day = date.today() - timedelta(days=200)
    _version(database, "bundle", HOME.bundle_id, 1, to_record(HOME), ("published", day, ""))
    cheaper = replace(HOME, version=2, items=(replace(HOME.items[0], percent_off=15), *HOME.items[1:]))
    next_day = date.today() + timedelta(days=30)
    _version(
        database, "bundle", HOME.bundle_id, 2, to_record(cheaper), ("draft", next_day, "티브이 15% 할인")
    )


def _version(
    database: psycopg.Connection,
    kind: str,
    thing: str,
    number: int,
    terms: dict[str, object],
    rest: tuple[str, date, str],
) -> None:
    """One version; what is published was reviewed by the second administrator."""
    status, day, note = rest
    reviewer = "acc_admin_en" if status == "published" else None
    database.execute(
        f"""insert into {kind}_versions ({kind}_id, version, status, terms, effective_from, author_id,
        reviewer_id, note, created_at, published_at, seq) values (%s, %s, %s, %s, %s, 'acc_admin', %s, %s,
        now() - interval '200 days', case when %s then now() - interval '200 days' end, 0)
        on conflict do nothing""".encode(),
        (thing, number, status, json.dumps(terms), day, reviewer, note, status == "published"),
    )
