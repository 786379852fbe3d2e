"""The house's own small systems: workplaces, HR letters, expenses, licences, courses and the leave account.

Every deed has a reference and can be taken back by it; what was taken back before it came is never done."""

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from sandbox.book import Book
from sandbox.counter import Answer, Key, Window
from sandbox.gateway import Input

TABLES = """
create table if not exists office_deeds (
  reference text primary key, desk text, person text, state text, given text, details text, at real);
create table if not exists office_acts (
  id integer primary key, reference text, desk text, act text, key text, at real);
"""
# What each desk gives: the name in its answer, and how the n-th one is called.
DESKS = {
    "workplaces": ("place", "{site}-{n:03}"),
    "letters": ("number", "HR-{n:06}"),
    "expenses": ("payment", "PAY-{n:06}"),
    "licences": ("licence", "{software}-{n:05}"),
    "courses": ("seat", "{course}-{n:03}"),
    "leave": ("entry", "LV-{n:05}"),
}
FULL = {"courses": "COURSE_FULL", "workplaces": "NO_PLACE_FREE", "licences": "NO_LICENCE_LEFT"}


class Deed(Input):
    """One thing asked of a desk for one person."""

    reference: str = Field(min_length=1, max_length=200)
    person: str = Field(min_length=1, max_length=80)
    details: dict[str, str | int | bool] = Field(default_factory=dict)


class Nothing(Input):
    """A call that says everything by its address."""


class Counters:
    """All desks, as the book knows them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        book.base.executescript(TABLES)

    def do(self, desk: str, asked: Deed, key: str) -> Answer:
        """Do it once for each reference; after it was taken back it is not done any more."""
        found = self.book.row("select * from office_deeds where reference = ?", asked.reference)
        if found is None:
            limit = self.book.setting(f"office_limit:{desk}", "")
            taken = self.book.row(
                "select count(*) as n from office_deeds where desk = ? and state = 'done'", desk
            )
            if limit and int((taken or {"n": 0})["n"]) >= int(limit):
                return 409, {"reference": asked.reference, "code": FULL.get(desk, "REFUSED")}
            found = self._new(desk, asked, "done")
            self._note(desk, asked.reference, "do", key)
        if found["state"] != "done":
            return 409, {"reference": asked.reference, "code": "TAKEN_BACK"}
        return 200, {"reference": asked.reference, DESKS[desk][0]: found["given"]}

    def undo(self, desk: str, reference: str, key: str) -> Answer:
        """Take it back for good; what was never done cannot be done later."""
        found = self.book.row("select * from office_deeds where reference = ?", reference)
        if found is None:
            self._new(desk, Deed(reference=reference, person="-"), "taken_back", gives=False)
        elif found["state"] == "done":
            self.book.base.execute(
                "update office_deeds set state = 'taken_back' where reference = ?", (reference,)
            )
            self._note(desk, reference, "undo", key)
        return 200, {"reference": reference, "state": "taken_back"}

    def give_back(self, desk: str, asked: Deed, key: str) -> Answer:
        """Take back whatever this person still has of this desk with these details, once per reference."""
        if self.book.row("select 1 from office_deeds where reference = ?", asked.reference) is None:
            for one in self.book.rows(
                "select * from office_deeds where desk = ? and person = ? and state = 'done'",
                desk, asked.person,
            ):  # fmt: skip
                if asked.details.items() <= json.loads(one["details"]).items():
                    self.undo(desk, one["reference"], key)
            self._new(desk, asked, "given_back", gives=False)
        return 200, {"reference": asked.reference, "state": "given_back"}

    def _new(self, desk: str, asked: Deed, state: str, *, gives: bool = True) -> dict[str, Any]:
        number = int(self.book.setting(f"office_number:{desk}", "0")) + 1
        given = ""
        if gives:
            self.book.remember(f"office_number:{desk}", str(number))
            said = {"site": "place", "software": "licence", "course": "seat"} | asked.details
            given = DESKS[desk][1].format(n=number, **{str(k): v for k, v in said.items() if k != "n"})
        row = {
            "reference": asked.reference, "desk": desk, "person": asked.person, "state": state,
            "given": given, "details": json.dumps(asked.details), "at": self.book.now(),
        }  # fmt: skip
        self.book.write("office_deeds", **row)
        return row

    def _note(self, desk: str, reference: str, act: str, key: str) -> None:
        self.book.write("office_acts", reference=reference, desk=desk, act=act, key=key, at=self.book.now())


def office(book: Book, token: str) -> APIRouter:
    """The desks' API, and what a judge may look at and turn."""
    router = APIRouter(prefix="/office")
    counters, once = Counters(book), Window(book, token).once

    def desk(name: str) -> None:
        @router.post(f"/{name}", name=f"do_{name}")
        async def do(request: Request, asked: Deed, key: Key) -> Response:
            return once(request, key, lambda: counters.do(name, asked, key))

        @router.post(f"/{name}/returns", name=f"give_back_{name}")
        async def give_back(request: Request, asked: Deed, key: Key) -> Response:
            return once(request, key, lambda: counters.give_back(name, asked, key))

        @router.post(f"/{name}/{{reference:path}}/undo", name=f"undo_{name}")
        async def undo(request: Request, reference: str, asked: Nothing, key: Key) -> Response:
            return once(request, key, lambda: counters.undo(name, reference, key))

    for name in DESKS:
        desk(name)

    @router.put("/control/limits")
    async def limits(most: dict[str, int]) -> dict[str, int]:
        """Say how many a desk has to give."""
        with book.page():
            for name, number in most.items():
                book.remember(f"office_limit:{name}", str(number))
        return most

    @router.get("/control/book")
    async def show() -> dict[str, list[dict[str, Any]]]:
        return {
            "deeds": book.rows("select * from office_deeds order by reference"),
            "acts": book.rows("select * from office_acts order by id"),
        }

    return router
