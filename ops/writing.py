"""Templates and fields of the sample company, as its dispatcher and its administrator wrote them."""

import psycopg

TEMPLATES = (
    (
        "restart", None, "any", "reply", "전원 다시 켜기 안내", "Ask to restart",
        "{{customer}} 고객님, 안녕하세요.\n\n{{product}}의 전원을 끄고 1분 뒤에 다시 켜 주십시오. "
        "그래도 같으면 이 메일에 답장해 주십시오.\n\n{{agent}} 드림",
        "Hello {{customer}},\n\nplease switch {{product}} off and on again after a minute. "
        "If it stays the same, just answer this mail.\n\n{{agent}}",
        "", "", "", False,
    ),
    (
        "visit-time", None, "any", "reply", "방문 시간 안내", "When the technician comes",
        "{{customer}} 고객님, {{technician}} 기사가 {{visit_time}}에 방문합니다.",
        "Hello {{customer}}, {{technician}} comes at {{visit_time}}.",
        "", "", "", False,
    ),
    (
        "terminal-down", "tm_store", "any", "reply", "결제 단말기 장애 접수", "Payment terminal is down",
        "{{customer}} 고객님, {{product}} 장애를 긴급으로 접수했습니다. {{due}}까지 해결하겠습니다.",
        "Hello {{customer}}, {{product}} is handled as urgent. We will have it working by {{due}}.",
        "p1", "tm_store", "terminal", True,
    ),
    (
        "short-sms", None, "sms", "reply", "부재 중 문자", "We could not reach you",
        "{{customer}} 고객님, 연락이 닿지 않아 문자 드립니다. {{ticket}} 건으로 회신 부탁드립니다.",
        "Hello {{customer}}, we could not reach you. Please call us about {{ticket}}.",
        "", "", "", False,
    ),
    (
        "reset-solved", None, "any", "resolve", "초기화로 해결", "Solved by a reset",
        "{{product}} 설정을 초기화했습니다. 이제 동작하는지 확인해 주십시오.",
        "We have reset {{product}}. Please see whether it works now.",
        "", "", "reset", False,
    ),
)  # fmt: skip
FIELDS = (
    (
        "terminal_cause", "장애 원인", "Cause of the fault", "choice",
        ["통신", "전원", "카드 판독기", "프로그램"], ["Network", "Power", "Card reader", "Software"],
        ["pos"], 10,
    ),
)  # fmt: skip


def make_templates(database: psycopg.Connection) -> None:
    """Store them; what is there stays."""
    for key, team, *rest in TEMPLATES:
        database.execute(
            """insert into reply_templates (key, team_id, channel, use, name_ko, name_en, body_ko, body_en,
            priority, to_team, tag, takes, approved_as, is_active, written_by, written_at, seq)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', true, 'acc_disp', now(), 1)
            on conflict do nothing""",
            (key, team, *rest),
        )
    for row in FIELDS:
        database.execute(
            """insert into closing_fields (key, name_ko, name_en, kind, choices_ko, choices_en, categories,
            position, asked_at, ticket_kinds, team_ids, is_active, written_by, written_at, seq)
            values (%s, %s, %s, %s, %s, %s, %s, %s, 'resolve', '{}', '{}', true, 'acc_admin', now(), 1)
            on conflict do nothing""",
            row,
        )
