"""What the sample company promises to whom, and the rules on its tickets, all of them published."""

import json
from dataclasses import replace

import psycopg

from models.kit.records import to_record
from models.messages.tickets.automation import ActionKind, RuleAction, TicketRule, Trigger
from models.messages.tickets.promises import Hours, PromiseLine, PromiseTerms, Shift
from models.rules.tickets.clocks import OFFICE

WEEK, EVERY_DAY = (0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5, 6)
WEEKDAYS = replace(OFFICE, key="평일")
EXTENDED = Hours("연장", (Shift(WEEK, 8 * 60, 20 * 60), Shift((5,), 9 * 60, 13 * 60)))
ALWAYS = Hours("24시간", (Shift(EVERY_DAY, 0, 1440),), keeps_holidays=False)
TERMS = PromiseTerms(
    (WEEKDAYS, EXTENDED, ALWAYS),
    (
        PromiseLine(
            "결제 단말기 긴급", product="pos", priority="p1", first_reply=30, next_reply=30, resolve=240,
            hours=ALWAYS.key,
        ),
        PromiseLine("골드 고객", tier="gold", first_reply=60, next_reply=60, resolve=480, hours=EXTENDED.key),
        PromiseLine("긴급", priority="p1", first_reply=30, next_reply=60, resolve=240, hours=EXTENDED.key),
        PromiseLine("높음", priority="p2", first_reply=60, next_reply=120, resolve=480, hours=WEEKDAYS.key),
        PromiseLine("낮음", priority="p4", first_reply=480, next_reply=480, resolve=2880, hours=WEEKDAYS.key),
        PromiseLine("모든 접수", first_reply=240, next_reply=240, resolve=1440, hours=WEEKDAYS.key),
    ),
)  # fmt: skip


def tag(value: str) -> RuleAction:
    """A word that queues and reports can look for."""
    return RuleAction(ActionKind.TAG, value)


RULES = (
    TicketRule(
        "danger", 1, "위험 신고는 긴급으로", "Danger is urgent", Trigger.OPENED,
        ('["연기", "감전", "화재", "smoke", "burning"].exists(word, ticket.text.contains(word))',),
        (RuleAction(ActionKind.PRIORITY, "p1"), tag("safety"), RuleAction(ActionKind.NOTIFY)), position=10,
    ),
    TicketRule(
        "gold-care", 1, "골드 고객 표시", "Gold customers are marked", Trigger.OPENED,
        ('customer.tier == "gold"',), (tag("vip"),), position=20,
    ),
    TicketRule(
        "short-mail", 1, "짧은 메일에는 모델명을 묻기", "Short mails are asked for the model", Trigger.OPENED,
        ('ticket.channel == "email"', "!product.is_known", "ticket.text.size() < 20"),
        (
            RuleAction(
                ActionKind.ASK,
                ko="제품 모델명과 증상이 시작된 날짜를 알려 주십시오.",
                en="Please tell us the model and the day on which it began.",
            ),
        ),
        position=30,
    ),
    TicketRule(
        "nobody-yet", 1, "첫 응답 임박, 담당자 없음", "A reply is due and nobody has it", Trigger.NEAR,
        ("!ticket.has_agent",), (tag("due-soon"), RuleAction(ActionKind.NOTIFY)), target="first_reply",
        minutes=15,
    ),
    TicketRule(
        "silent-customer", 1, "이틀 동안 답이 없는 고객에게 안내", "A customer who is silent for two days",
        Trigger.AFTER, ('ticket.status == "waiting_customer"',),
        (
            RuleAction(
                ActionKind.REPLY,
                ko="앞서 보내 드린 안내를 확인하셨습니까? 이 메일에 답장하시면 이어서 도와드리겠습니다.",
                en="Did our last message reach you? Answer this one and we will go on from there.",
            ),
        ),
        after="replied", minutes=2880,
    ),
    TicketRule(
        "about-money", 1, "요금을 언급한 메시지", "Messages about money", Trigger.MESSAGE,
        ('["요금", "청구", "환불", "invoice", "refund"].exists(word, message.text.contains(word))',),
        (tag("billing"),),
    ),
    TicketRule(
        "came-back", 1, "다시 열린 접수", "Tickets that came back", Trigger.STATUS,
        ('was.status == "resolved"', 'ticket.status == "open"'), (tag("came-back"),),
    ),
)  # fmt: skip


def make_promises(database: psycopg.Connection) -> None:
    """Store the policy and the rules as written by one administrator and reviewed by the other."""
    database.execute(
        """insert into promise_policies (version, status, terms, author_id, reviewer_id, note, created_at,
        published_at, seq) values (1, 'published', %s, 'acc_admin', 'acc_admin_en', '', now(), now(), 2)
        on conflict do nothing""",
        (json.dumps(to_record(TERMS), ensure_ascii=False),),
    )
    for rule in RULES:
        database.execute(
            """insert into ticket_rule_versions (rule_key, version, status, definition, note, writers,
            reviewer_id, created_at, written_at, published_at, seq)
            values (%s, 1, 'published', %s, '', '{acc_admin}', 'acc_admin_en', now(), now(), now(), 2)
            on conflict do nothing""",
            (rule.key, json.dumps(to_record(rule), ensure_ascii=False)),
        )


# Owner, team it is shared with, name, filters.
VIEWS = (
    ("acc_disp", "tm_home", "오늘 넘으면 안 되는 건", {"view": "team", "breaks": "today"}),
    ("acc_disp", "tm_home", "급한 미배정", {"view": "unassigned", "priority": ["p1", "p2"]}),
    ("acc_agent", None, "고객 답을 기다리는 내 티켓", {"view": "mine", "status": ["waiting_customer"]}),
)


def make_views(database: psycopg.Connection) -> None:
    """Kept views of the queue: two that the team shares, and one of an agent's own."""
    for place, (owner, team, name, filters) in enumerate(VIEWS):
        database.execute(
            "insert into queue_views (id, owner_id, team_id, name, filters, place, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s, %s, now(), now()) on conflict do nothing",
            (f"qv_sample{place}", owner, team, name, json.dumps(filters), place),
        )
