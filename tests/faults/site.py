"""A whole house on real parts for fault tests: every part a process of its own, PostgreSQL durable."""

import asyncio
import base64
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import httpx
import psycopg
from temporalio.client import Client

from ops import database
from ops.company import Keys, make_company
from ops.introduce import introduce
from ops.parts import House, Part, Program
from ops.plan import PORTS, ROOT, Plan, kept_secrets
from ops.postgres import free_port
from ops.walk import Walker
from workflows.kit.payloads import converter

# Waits of the journeys are real; those that depend on the gateway are this (fast) gateway's own.
PACE = {
    "GATEWAY_PATIENCE_SECONDS": "4",
    "GATEWAY_LATENCY_SECONDS": "6",
    "GATEWAY_LOOK_UP_AFTER": "1,3,5,5,10,10,20,20,20,20,30,30,30,30",
    "GATEWAY_LATE_NEWS_SECONDS": "8",
    "LOG_LEVEL": "warning",
}
TECHNICIANS, CUSTOMERS = 24, 40
SKILLS = ["tv", "washer", "fridge", "pos", "cooler"]
REGION = "seoul-gangnam"


class Site:
    """One running copy: its plan, its parts, its company and somebody who walks journeys."""

    def __init__(self, folder: Path | None = None, extra: Mapping[str, str] | None = None) -> None:
        base = os.environ.get("TEST_RUN_DIR") or tempfile.gettempdir()
        self.folder = folder or Path(tempfile.mkdtemp(prefix="ieum-faults-", dir=base))
        self.folder.chmod(0o755)
        ports = {name: free_port() for name in PORTS}
        admin = f"postgresql://postgres@127.0.0.1:{ports['POSTGRES_PORT']}/postgres"
        secret = kept_secrets(self.folder)
        self.plan = Plan(self.folder, ports, secret, admin, True, "ieum", {**PACE, **(extra or {})})
        self.house = House(self.plan)
        self.parts: dict[str, Part] = {part.name: part for part in self.house.parts}
        self.keys = Keys("")
        self.admin_url = database.address(admin, "ieum")
        self.sandbox = f"http://127.0.0.1:{ports['SANDBOX_PORT']}"
        self.app = f"http://127.0.0.1:{ports['PORT']}"

    async def start(self) -> None:
        """Bring everything up with an empty company and an introduced gateway."""
        await self._up(self.house.ground)
        database.make_roles(self.plan.admin_url, self.plan.secrets)
        database.make_database(self.plan.admin_url, self.plan.database_name)
        migrate = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "alembic", "upgrade", "head",
            cwd=ROOT, env=self.plan.environment("owner"), stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await migrate.wait() == 0, "the migrations failed"
        (self.folder / "files").mkdir(exist_ok=True)
        self.keys = make_company(self.plan.urls.worker)
        self.phones = grow(self.plan.urls.worker, self.keys)
        await self._up(self.house.ours)
        introduce(f"{self.sandbox}/gateway", self.app, self.plan.secrets["GATEWAY_WEBHOOK_SECRET"])

    async def _up(self, parts: Sequence[Part]) -> None:
        for part in parts:
            part.start()
        until = time.monotonic() + 120
        for part in parts:
            while not await asyncio.to_thread(part.is_ready):
                assert part.is_alive(), f"{part.name} ended while starting:\n{part.last_lines()}"
                assert time.monotonic() < until, f"{part.name} does not answer:\n{part.last_lines()}"
                await asyncio.sleep(0.2)

    def program(self, name: str) -> Program:
        """One of our own programs."""
        part = self.parts[name]
        assert isinstance(part, Program)
        return part

    async def replace_worker(self, command: list[str], env: Mapping[str, str]) -> None:
        """Another worker instead of ours."""
        worker = self.program("worker")
        worker.process.kill()
        worker.process.command = command
        worker.process.env = {**self.plan.environment("worker"), **env}
        await self._up([worker])

    async def client(self) -> Client:
        """Temporal as the house sees it."""
        keys = converter([("judge", bytes(32))])
        return await Client.connect(f"127.0.0.1:{self.plan.ports['TEMPORAL_PORT']}", data_converter=keys)

    def payload_keys(self) -> tuple[tuple[str, bytes], ...]:
        """The keys that this copy encrypts with."""
        pairs = (part.split(":", 1) for part in self.plan.secrets["PAYLOAD_KEYS"].split(","))
        return tuple((name, base64.b64decode(key)) for name, key in pairs)

    def walker(self, patience: float) -> Walker:
        """Somebody who plays every part."""
        return Walker(self.app, self.sandbox, self.keys.tokens, self.phones, patience=patience)

    async def fail(self, system: str, rules: Sequence[Mapping[str, object]]) -> None:
        """Switch an outside system's failures on; an empty list switches them off."""
        async with httpx.AsyncClient() as http:
            (await http.put(f"{self.sandbox}/faults/{system}", json=list(rules))).raise_for_status()

    async def fired(self) -> dict[tuple[str, str], int]:
        """How often each failure of each system happened."""
        async with httpx.AsyncClient() as http:
            listed = (await http.get(f"{self.sandbox}/faults")).json()["fired"]
        counts: dict[tuple[str, str], int] = {}
        for one in listed:
            place = (one["system"], one["kind"])
            counts[place] = counts.get(place, 0) + one["count"]
        return counts

    def stop(self) -> None:
        """End everything and remove what it left, unless KEEP_RUN_DIR asks for it."""
        self.house.stop()
        if "KEEP_RUN_DIR" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)
            database_part = self.parts["postgres"]
            shutil.rmtree(database_part.cluster.data, ignore_errors=True)  # type: ignore[attr-defined]


def grow(worker_url: str, keys: Keys) -> dict[str, str]:
    """Technicians who can do everything, and customers with one product in and one out of warranty."""
    phones: dict[str, str] = {}
    with psycopg.connect(worker_url) as base, base.cursor() as rows:
        base.execute("update technicians set is_active = false")
        for number in range(TECHNICIANS):
            technician, phone, token = f"tec_f{number}", f"+82105300{number:04}", secrets.token_urlsafe(32)
            phones[phone], keys.tokens[technician] = technician, token
            rows.execute(
                """insert into technicians (id, partner_id, name, phone, skills, territories, is_active)
                   values (%s, null, %s, %s, %s, %s, true)""",
                (technician, f"기사 {number}", phone, SKILLS, [REGION]),
            )
            rows.executemany(
                """insert into technician_shifts (technician_id, weekday, starts, ends)
                   values (%s, %s, '06:00', '22:00')""",
                [(technician, weekday) for weekday in range(7)],
            )
            rows.execute(
                """insert into accounts (id, login, name, locale, roles, technician_id, is_active, created_at,
                   version) values (%s, %s, %s, 'ko', '{technician}', %s, true, now(), 1)""",
                (f"acc_{technician}", f"{technician}@ieum.example", f"기사 {number}", technician),
            )
            rows.execute(
                "insert into api_tokens values (%s, %s, 'faults', now(), now() + interval '1 day', null)",
                (sha256(token.encode()).hexdigest(), f"acc_{technician}"),
            )
        for number in range(CUSTOMERS):
            customer = f"cus_f{number}"
            rows.execute(
                """insert into customers (id, kind, name, phone, email, locale, tier, address, region,
                   postcode, is_verified, created_at, version)
                   values (%s, 'person', %s, %s, %s, 'ko', 'standard',
                   '서울 강남구 테헤란로 1', %s, '', true, now(), 1)""",
                (customer, f"고객 {number}", f"+82104400{number:04}", f"f{number}@customer.example", REGION),
            )
            for kind, days in (("in", 300), ("out", -30)):
                rows.execute(
                    """insert into owned_products (id, customer_id, product_id, serial, bought_on,
                       warranty_until, region)
                       values (%s, %s, 'prd_tv', %s, current_date - 400, current_date + %s, '')""",
                    (f"own_{kind}_{number}", customer, f"F-{kind}-{number}", days),
                )
    return phones
