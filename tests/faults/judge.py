"""Judges from outside, when all is quiet: what the outside world knows against what the house says."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import psycopg
from temporalio.client import WorkflowExecutionStatus

from activities.kit.invariants import INVARIANTS
from tests.faults.site import Site
from tests.faults.stories import BILLED, Story
from tests.faults.watch import Promises

ONCE = (
    "tickets.opened", "tickets.closed", "tickets.paid", "billing.issued", "billing.paid",
    "payments.succeeded", "visits.completed", "tickets.cancelled",
)  # fmt: skip
SOLVED = frozenset({"paid", "warranty", "remote", "reopened", "refused"})


class Judge:
    """One verdict over one site; every finding is one sentence, no finding means innocent."""

    def __init__(self, site: Site, promises: Promises, told: Sequence[Story]) -> None:
        self.site, self.promises, self.told = site, promises, told

    async def quiet(self, seconds: float) -> list[str]:
        """Wait until nothing is under way anywhere; what still is when time is over is stuck."""
        until = time.monotonic() + seconds
        while stuck := await self.under_way():
            if time.monotonic() > until:
                return stuck
            await asyncio.sleep(1)
        return []

    async def under_way(self) -> list[str]:
        """Waiting outbox items, undelivered webhooks, living workflows of tickets that are over."""
        waiting = self.rows("select key from outbox where status = 'waiting'")
        found = [f"stuck: outbox {key}" for (key,) in waiting]
        async with httpx.AsyncClient() as http:
            deliveries = (await http.get(f"{self.site.sandbox}/gateway/control/deliveries")).json()
        found += [f"stuck: webhook {one['event_id']}" for one in deliveries if one["state"] == "waiting"]
        client = await self.site.client()
        async for execution in client.list_workflows("ExecutionStatus = 'Running'"):
            found.append(f"stuck: workflow {execution.id}")
        return found

    async def findings(self) -> set[str]:
        """Everything that is wrong."""
        moves = await self._moves()
        found = [*self._tickets(), *self._commands(), *self._money(moves), *self._invoices(),
                 *self._letters(), *self._timeline(), *self._invariants()]  # fmt: skip
        return {*found, *await self._workflows()}

    # What the outside world knows

    async def _moves(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient() as http:
            book: list[dict[str, Any]] = (await http.get(f"{self.site.sandbox}/gateway/control/book")).json()
        return book

    def _messages(self) -> Counter[str]:
        """How often each letter was really delivered, from the sandbox's own book."""
        with sqlite3.connect(f"file:{self.site.folder / 'sandbox.sqlite'}?mode=ro", uri=True) as book:
            return Counter(key for (key,) in book.execute("select key from messages"))

    # What the house says

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """A question to the tables, past all rights."""
        with psycopg.connect(self.site.admin_url) as base:
            return base.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]

    def _tickets(self) -> Iterator[str]:
        """Every promised ticket is there once, and stands where its story leaves it."""
        stored = self.rows("select submission_key, id, status from tickets")
        known = {ticket for _, ticket, _ in stored}
        for ticket in self.promises.keys("ticket") - known:
            yield f"lost: ticket {ticket} was acknowledged and is not there"
        by_key: dict[str, list[tuple[str, str]]] = {}
        for key, ticket, status in stored:
            by_key.setdefault(key, []).append((ticket, status))
        for story in self.told:
            found = by_key.get(story.key, [])
            if len(found) != 1:
                yield f"lost or doubled: {story.kind} {story.key} has {len(found)} tickets"
            elif found[0][1] != story.end:
                yield f"lost: {story.kind} {found[0][0]} is {found[0][1]}, not {story.end}"

    def _commands(self) -> Iterator[str]:
        """Every command and every attempt that was answered with 2xx is stored, and was done."""
        told = dict(self.rows("select key, status || ' ' || refusal from outbox"))
        for key in self.promises.keys("command"):
            if told.get(key, "missing") not in ("sent ", "refused slot_taken"):
                yield f"lost: command {key} is {told.get(key, 'missing')}"
        attempts = {key for (key,) in self.rows("select id from payment_attempts")}
        for key in self.promises.keys("attempt") - attempts:
            yield f"lost: attempt {key} was acknowledged and is not there"

    def _money(self, moves: list[dict[str, Any]]) -> Iterator[str]:
        """The gateway's book, the attempts and the ledger say the same; nobody paid twice."""
        book = {move["order_id"]: 0 for move in moves}
        for move in moves:
            book[move["order_id"]] += move["amount"] * (1 if move["kind"] == "charge" else -1)
        charged = Counter(move["order_id"].split(".")[0] for move in moves if move["kind"] == "charge")
        for invoice, times in charged.items():
            if times > 1:
                yield f"doubled: invoice {invoice} was charged {times} times"
        attempts = dict(self.rows("select id, amount_minor from payment_attempts where status = 'succeeded'"))
        ledger: Counter[str] = Counter()
        for source, amount in self.rows(
            """select t.source, sum(e.debit_minor - e.credit_minor) from ledger_transactions t
               join ledger_entries e on e.transaction_id = t.id where e.account = 'gateway'
               group by t.source"""
        ):
            ledger[source.split(":")[1]] += int(amount)
        for order in book.keys() | attempts.keys() | ledger.keys():
            said = book.get(order, 0), attempts.get(order, 0), ledger.get(order, 0)
            if len(set(said)) > 1:
                yield f"money: {order}: gateway {said[0]}, attempt {said[1]}, ledger {said[2]}"
        if sum(book.values()) != sum(ledger.values()):
            yield f"money: the gateway's book says {sum(book.values())}, the ledger {sum(ledger.values())}"

    def _invoices(self) -> Iterator[str]:
        """One paid invoice for each billed story and none for any other."""
        stored = self.rows(
            "select t.submission_key, i.status from invoices i join tickets t on t.id = i.ticket_id"
        )
        count = Counter(key for key, _ in stored)
        paid = {key for key, status in stored if status == "paid"}
        for story in self.told:
            wanted = 1 if story.kind in BILLED else 0
            if count[story.key] != wanted:
                yield f"invoices: {story.kind} {story.key} has {count[story.key]}, not {wanted}"
            elif wanted and story.key not in paid:
                yield f"invoices: {story.key} is not paid"

    def _letters(self) -> Iterator[str]:
        """Each letter was delivered once; what we call sent was, and what the story needs is there."""
        delivered = self._messages()
        for key, times in delivered.items():
            if times > 1:
                yield f"doubled: letter {key} was delivered {times} times"
        sent = {key for (key,) in self.rows("select key from sent_messages")}
        for key in sent - delivered.keys():
            yield f"lost: letter {key} is called sent and was not delivered"
        for key in delivered.keys() - sent:
            if not key.startswith("visit:"):  # letters about a visit that is over may be dropped half-way
                yield f"letters: {key} was delivered and is not noted"
        kinds = {story.key: story.kind for story in self.told}
        for submission, ticket in self.rows("select submission_key, id from tickets"):
            for word in letters_of(kinds.get(submission, ""), ticket):
                if not any(
                    key.startswith(word[0]) and key.endswith(word[1]) for key in self._about(sent, ticket)
                ):
                    yield f"lost: {ticket} never got {word[1]}"

    def _about(self, keys: set[str], ticket: str) -> list[str]:
        if not hasattr(self, "_by_ticket"):
            self._by_ticket: dict[str, list[str]] = {}
            for key in keys:
                number = "".join(c if c.isdigit() else " " for c in key).split()
                self._by_ticket.setdefault(number[0] if number else "", []).append(key)
        return self._by_ticket.get(ticket[1:], [])

    def _timeline(self) -> Iterator[str]:
        """What can happen once stands once; nobody waits any more for a ticket that is over."""
        for ticket, sentence, times in self.rows(
            "select ticket_id, sentence, count(*) from timeline_entries group by 1, 2 having count(*) > 1"
        ):
            if sentence in ONCE:
                yield f"doubled: {ticket} says {sentence} {times} times"
        for workflow, key in self.rows(
            """select w.workflow_id, w.key from waits w join tickets t on t.id = w.ticket_id
               where w.ended_at is null and t.is_over"""
        ):
            yield f"stuck: {workflow} still waits for {key} in the tables"

    def _invariants(self) -> Iterator[str]:
        for name, query in INVARIANTS.items():
            for row in self.rows(query):
                yield f"invariant {name}: {row}"

    async def _workflows(self) -> list[str]:
        """One ticket, one life, and every life ended as it should."""
        client = await self.site.client()
        lives: Counter[str] = Counter()
        found = []
        async for execution in client.list_workflows("ExecutionStatus != 'Running'"):
            lives[execution.id] += 1
            if execution.status is not WorkflowExecutionStatus.COMPLETED:
                found.append(f"broken: {execution.id} ended as {execution.status}")
        for (ticket,) in self.rows("select id from tickets"):
            if lives[f"ticket:{ticket}"] != 1:
                found.append(f"lost or doubled: {ticket} lived {lives[f'ticket:{ticket}']} times")
        return found


def letters_of(kind: str, ticket: str) -> list[tuple[str, str]]:
    """The letters that the customer of a story must have got: how their keys begin and end."""
    if not kind:
        return []
    story = [(f"ticket:{ticket}/", "received")]
    story += [(f"ticket:{ticket}/", "confirm"), (f"ticket:{ticket}/", "closed")] if kind in SOLVED else []
    story += [(f"ticket:{ticket}/", "cancelled")] if kind in ("cancelled", "called_off") else []
    if kind in BILLED:
        story += [
            (f"invoice:I{ticket[1:]}-", "billing/invoice"),
            (f"invoice:I{ticket[1:]}-", "billing/receipt"),
        ]
    return story
