"""The one search over N customers (1,000,000), what they own and asked for: what people type, word by word.

Each word goes over HTTP as a POST of an agent and waits for its answer; every word is asked as often as every
other, and the line names the slowest way of asking. Aim: p95 ≤ 100 ms."""

import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg

from bench import kit
from bench.company import make_company
from bench.queue import served
from ops.plan import PORTS, Plan
from ops.postgres import free_port

ROUNDS = 20
BATCH = 100_000
# Names as they are given in Korea: few family names, many syllables; every hundredth is a company.
NAMES = """
create temporary table syllables as
select string_to_array('김김김김김김이이이이박박박최최정정강조윤장임한오서신권황안송류홍전고문양손'
  '배백허유남심노하곽성차주우구나민진지엄채원천', null) as family,
  string_to_array('가강건겸경고관광규균근기나남다단달담대덕도동두라란래련령로린림마만명모무문미민바'
  '백범별병보복봄빈산상새서석선설성세소솔송수숙순슬승시신아안애양연열영예옥온완용우욱운원유윤율은'
  '의이익인일임자재정제조종주준중지진찬창채천철초춘태평하학한해향혁현형혜호홍화환회효훈휘희힘', null)
    as given
"""
CUSTOMERS = """
insert into customers (id, kind, name, phone, email, locale, tier, postcode, address, region, is_verified,
                       created_at, version)
select 'cus_s' || n, case when n %% 100 = 0 then 'company' else 'person' end,
  case when n %% 100 = 0 then '주식회사 ' else '' end
    || family[1 + abs(hashint4(n)) %% cardinality(family)]
    || given[1 + abs(hashint4(n * 7 + 1)) %% cardinality(given)]
    || given[1 + abs(hashint4(n * 13 + 5)) %% cardinality(given)],
  '+8210' || lpad((10000 + (n::bigint * 7919 + 1234) %% 99990000)::text, 8, '0'),
  case when n %% 3 = 0 then 'kim' when n %% 3 = 1 then 'user.' else 'mail_' end || n || '@'
    || case when n %% 5 = 0 then 'example.com' else 'mail' || n %% 97 || '.example.org' end,
  'ko', 'standard', '', '', 'seoul', true, now(), 1
from generate_series(%(from)s::int, %(to)s::int) n, syllables
"""
PRODUCTS = """
insert into owned_products (id, customer_id, product_id, serial, bought_on, region)
select 'own_s' || n, 'cus_s' || n, 'prd_1',
  'SN' || lpad(((n::bigint * 104729) %% 1000000000)::text, 9, '0'), current_date, 'seoul'
from generate_series(%(from)s::int, %(to)s::int) n where n %% 2 = 0
"""
TICKETS = """
insert into tickets (id, submission_key, customer_id, channel, subject, description, status, is_over,
                     priority, team_id, is_confidential, answer_due, next_due, created_at, updated_at, seq)
select 'T' || (100000 + n), 'search-' || n, 'cus_s' || n, 'form',
  (array['화면이 켜지지 않습니다', '냉장고 소음', '배송 문의', '필터 교체 요청',
         '요금이 이상합니다'])[1 + n %% 5] || ' ' || n,
  '', 'open', false, 'p3', 'tm_1', n %% 50 = 0, now(), now(), now(), now(), 1
from generate_series(%(from)s::int, %(to)s::int) n where n %% 4 = 0
"""
WAYS = {
    "surname": ("김", "민", "채"),
    "syllable": ("준", "수", "힘"),
    "two syllables": ("김민", "민준", "서연", "하은"),
    "whole name": ("김민준", "이서연", "박하은", "최도윤"),
    "initials": ("ㄱㅁㅈ", "ㅇㅅㅇ", "ㅂㅎ"),
    "typo": ("김빈준", "이서얀", "박하온", "최도융"),
    "english keyboard": ("rlaalswns", "dltjdus"),
    "last four digits": ("5678", "1234", "9153"),
    "telephone": ("010-4613-7333", "01069824189", "7333"),
    "e-mail": ("kim12", "user.10", "mail_2@", "example.com"),
    "ticket": ("T100004", "100400", "냉장고 소음", "화면이 켜지지 않습니다 4"),
    "serial": ("SN000209458", "209458"),
    "nobody": ("뷁뷁뷁", "zzzz", "010-0000-0000"),
}


@dataclass
class Measured:
    """How long each way of asking took, and what the serving process spent."""

    times: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: float = 0.0
    found: int = 0


def fill(worker_url: str, owner_url: str, customers: int) -> None:
    """Customers, products of every second and tickets of every fourth, in batches."""
    with psycopg.connect(worker_url, autocommit=True) as worker:
        worker.execute(NAMES)
        for start in range(1, customers + 1, BATCH):
            span = {"from": start, "to": min(start + BATCH - 1, customers)}
            begun = time.monotonic()
            for statement in (CUSTOMERS, PRODUCTS, TICKETS):
                worker.execute(statement, span)
            print(f"{span['to']} customers, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("vacuum analyze")


async def ask(plan: Plan, token: str, process: psutil.Process) -> Measured:
    """Ask every word in turns, so that whatever else the machine does slows all ways alike."""
    measured = Measured({way: [] for way in WAYS})
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Accept-Language": "ko"}
    address = plan.local("PORT", "/home/search")
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        for turn in range(ROUNDS + 1):
            if turn == 1:  # the first round warms up
                measured, before = Measured({way: [] for way in WAYS}), process.cpu_times()
            for way, words in WAYS.items():
                for word in words:
                    begun = time.perf_counter()
                    answer = await client.post(address, json={"q": word})
                    measured.times[way].append((time.perf_counter() - begun) * 1000)
                    if answer.status_code != 200:
                        raise SystemExit(f"{word} answered {answer.status_code}")
                    measured.found += sum(len(group["hits"]) for group in answer.json()["groups"])
    after = process.cpu_times()
    asked = sum(map(len, measured.times.values()))
    measured.cpu_ms = (after.user + after.system - before.user - before.system) * 1000 / asked
    return measured


def p95(times: list[float]) -> float:
    """The time that 19 of 20 answers did not pass."""
    return round(sorted(times)[int(len(times) * 0.95)], 1)


def main() -> None:
    """Fill, ask, and print the line."""
    customers = kit.asked(1_000_000)
    with kit.folder() as place, kit.migrated(place) as (cluster, urls, secrets):
        ports = {name: free_port() for name in PORTS} | {"POSTGRES_PORT": cluster.port}
        plan = Plan(Path(place), ports, secrets, cluster.url(), True, "ieum")
        token = make_company(urls.worker)
        fill(urls.worker, urls.owner, customers)
        ready = plan.local("PORT", "/health/ready")
        with served(plan.command("app"), plan.environment("app"), ready) as app:
            measured = asyncio.run(ask(plan, token, app))
    for way, times in measured.times.items():
        print(f"{way}: p50 {statistics.median(times):.1f} ms, p95 {p95(times)} ms", file=sys.stderr)
    every = [one for times in measured.times.values() for one in times]
    slowest = max(measured.times, key=lambda way: p95(measured.times[way]))
    kit.report(
        p50_ms=round(statistics.median(every), 1),
        p95_ms=p95(every),
        cpu_ms=round(measured.cpu_ms, 2),
        slowest=slowest,
        slowest_p95_ms=p95(measured.times[slowest]),
        found=measured.found,
        asked=len(every),
        load=round(os.getloadavg()[0], 1),
        n=customers,
    )


if __name__ == "__main__":
    main()
