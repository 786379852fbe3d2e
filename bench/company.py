"""A company for benchmarks, inserted set-based: no journeys run, only rows that pages read."""

import hashlib
import secrets

import psycopg

COMPANY = """
insert into teams (id, name_ko, name_en, skills, is_default)
  values ('tm_1', '고객지원', 'Support', '{}', true);
insert into products (id, sku, name_ko, name_en, category, labour_minor, call_out_minor, currency, checklist)
  values ('prd_1', 'TV-1', '텔레비전', 'Television', 'tv', 20000, 15000, 'KRW', '[]');
insert into accounts (id, login, name, locale, roles, team_id, is_active, created_at, version)
  values ('acc_1', 'jo@example.test', '조은별', 'ko', '{agent}', 'tm_1', true, now(), 1);
"""

CUSTOMERS = """
insert into customers (id, kind, name, phone, email, locale, tier, postcode, address, region, is_verified,
                       created_at, version)
select 'cus_' || n, 'person', '고객 ' || n, '+8210' || lpad(n::text, 8, '0'), 'c' || n || '@example.test',
       'ko', 'standard', '', '', 'seoul', true, now(), 1
from generate_series(%(from)s::int, %(to)s::int) n
"""

TICKETS = """
insert into tickets (id, submission_key, customer_id, channel, subject, description, status, is_over,
                     priority, team_id, agent_id, is_confidential, answer_due, next_due,
                     created_at, updated_at, seq)
select 'T' || (100000 + n), 'bench-' || n, 'cus_' || (1 + n %% 1000), 'form', '화면 고장 ' || n, '',
       case when n %% 3 = 0 then 'in_progress' else 'open' end, false, 'p' || (1 + n %% 4), 'tm_1',
       case when n %% 3 = 0 then 'acc_1' end, false, now() + n * interval '1 second',
       now() + n * interval '1 second', now(), now(), 1
from generate_series(%(from)s::int, %(to)s::int) n
"""

WAITS = """
insert into waits (workflow_id, key, subject, ticket_id, who, what, since, until, "then", may, details)
select 'ticket:T' || (100000 + n), 'answer', 'ticket:T' || (100000 + n), 'T' || (100000 + n), 'us', 'answer',
       now(), now() + n * interval '1 second', 'warn_team', '{reply,dispatch}', '{}'
from generate_series(%(from)s::int, %(to)s::int) n
"""


def make_company(worker_url: str) -> str:
    """One team, one product, one agent; returns the agent's API token."""
    token = secrets.token_urlsafe(32)
    with psycopg.connect(worker_url) as owner:
        owner.execute(COMPANY)
        owner.execute(
            "insert into api_tokens values (%s, 'acc_1', 'bench', now(), now() + interval '1 day', null)",
            (hashlib.sha256(token.encode()).hexdigest(),),
        )
        owner.execute(CUSTOMERS, {"from": 1, "to": 1000})
    return token


def make_tickets(worker_url: str, owner_url: str, count: int) -> None:
    """Fill up to `count` open tickets with their waits."""
    with psycopg.connect(worker_url) as owner:
        row = owner.execute("select count(*) from tickets").fetchone()
        span = {"from": (row[0] if row else 0) + 1, "to": count}
        owner.execute(TICKETS, span)
        owner.execute(WAITS, span)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("vacuum analyze")
