"""One plan or bundle with its versions: what each says, what it changes, and what may be done with it now."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from sqlalchemy import update
from sqlmodel import col
from starlette.responses import Response

from api.catalogue import versions
from api.catalogue.described import Difference, Said, bundle_rows, differences, plan_rows
from api.catalogue.index import may_edit
from api.catalogue.plan_form import Number
from api.catalogue.routing import router
from api.catalogue.shelf import name_of, products_by_id, shelf_of
from api.catalogue.versions import BUNDLE, PLAN, Dates, From, Moved, Thing, VersionLine
from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import Key, MaybeParagraph, Name
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.messages.catalogue import BundleTerms, PlanTerms, VersionStatus


class About(Input):
    """What customers read beside every version."""

    name_ko: Name
    name_en: Name
    about_ko: MaybeParagraph = ""
    about_en: MaybeParagraph = ""


@dataclass(frozen=True)
class VersionPage:
    """One version beside all others of its plan or bundle."""

    word: str
    id: str
    path: str
    name: str
    code: str
    about: dict[str, str]
    versions: tuple[VersionLine, ...]
    current: VersionLine
    seq: int
    rows: tuple[Said, ...]
    against: int | None
    differences: tuple[Difference, ...]
    may_edit: bool
    is_mine: bool

    @property
    def next_steps(self) -> tuple[VersionStatus, ...]:
        """Where this version may go from here."""
        found = (step for step, before in versions.STEPS.items() if self.current.status in before)
        return tuple(found)


@router.get("/catalogue/plans/{plan_id}", may=STAFF, row="plan")
async def plan(request: Request, desk: Desk, plan_id: Key) -> Response:
    """One plan at its newest version."""
    return answer(request, "catalogue/version.html", await page_of(desk, PLAN, plan_id))


@router.get("/catalogue/bundles/{bundle_id}", may=STAFF, row="bundle")
async def bundle(request: Request, desk: Desk, bundle_id: Key) -> Response:
    """One bundle at its newest version."""
    return answer(request, "catalogue/version.html", await page_of(desk, BUNDLE, bundle_id))


@router.get("/catalogue/plans/{plan_id}/versions/{version}", may=STAFF, row="plan")
async def plan_version(
    request: Request, desk: Desk, plan_id: Key, version: Number, against: Number | None = None
) -> Response:
    """One version of a plan, compared with another one."""
    page = await page_of(desk, PLAN, plan_id, version, against)
    return answer(request, "catalogue/version.html", page)


@router.get("/catalogue/bundles/{bundle_id}/versions/{version}", may=STAFF, row="bundle")
async def bundle_version(
    request: Request, desk: Desk, bundle_id: Key, version: Number, against: Number | None = None
) -> Response:
    """One version of a bundle, compared with another one."""
    page = await page_of(desk, BUNDLE, bundle_id, version, against)
    return answer(request, "catalogue/version.html", page)


async def page_of(
    desk: DeskAt, thing: Thing, thing_id: str, number: int | None = None, against: int | None = None
) -> VersionPage:
    """Read one version with its neighbours; without a comparison it is the one before."""
    parent: Any = await desk.one(thing.parent, thing_id)
    found = await versions.versions_of(desk, thing, thing_id)
    chosen = next((one for one in found if number in (None, one.version)), None)
    if chosen is None:
        raise Refusal("not_found")
    earlier = [one.version for one in found if one.version < chosen.version]
    other = against if against is not None else max(earlier, default=None)
    before = next((one for one in found if one.version == other), None)
    describe = await describer(desk, thing)
    listed = await versions.lines(desk, thing, thing_id, found)
    rows = describe(chosen.terms)
    about = {name: getattr(parent, name) for name in About.model_fields}
    return VersionPage(
        thing.word, thing_id, thing.path(thing_id), name_of(parent), parent.code, about, listed,
        next(one for one in listed if one.version == chosen.version), chosen.seq, rows,
        before.version if before else None, differences(describe(before.terms), rows) if before else (),
        may_edit(desk.person), chosen.author_id == desk.person.id,
    )  # fmt: skip


async def describer(desk: DeskAt, thing: Thing) -> Callable[[dict[str, Any]], tuple[Said, ...]]:
    """How the terms of this kind of thing are said."""
    products = await products_by_id(desk)
    if thing is PLAN:
        return lambda terms: plan_rows(from_record(PlanTerms, terms), products)
    shelf = await shelf_of(desk, products)
    return lambda terms: bundle_rows(from_record(BundleTerms, terms), shelf)


@router.post("/catalogue/plans/{plan_id}/versions/{version}/status", may=ADMINS, row="plan")
async def move_plan(
    request: Request, desk: Desk, plan_id: Key, version: Number, sent: Typed[Moved] = typed(Moved)
) -> Response:
    """Send a plan's version to review, back, into the shop, or out of it."""
    return await moved(request, desk, PLAN, (plan_id, version), sent)


@router.post("/catalogue/bundles/{bundle_id}/versions/{version}/status", may=ADMINS, row="bundle")
async def move_bundle(
    request: Request, desk: Desk, bundle_id: Key, version: Number, sent: Typed[Moved] = typed(Moved)
) -> Response:
    """Send a bundle's version to review, back, into the shop, or out of it."""
    return await moved(request, desk, BUNDLE, (bundle_id, version), sent)


async def moved(
    request: Request, desk: DeskAt, thing: Thing, key: tuple[str, int], sent: Typed[Moved]
) -> Response:
    """Move a version, and show it again."""
    if sent.value is None:
        raise Refusal("invalid_form")
    await versions.move(desk, thing, *key, sent.value)
    return move_on(request, thing.path(*key), data={"status": sent.value.status})


@router.post("/catalogue/plans/{plan_id}/versions/{version}/dates", may=ADMINS, row="plan")
async def date_plan(
    request: Request, desk: Desk, plan_id: Key, version: Number, sent: Typed[Dates] = typed(Dates)
) -> Response:
    """Say until when a plan's version is sold."""
    return await dated(request, desk, PLAN, (plan_id, version), sent)


@router.post("/catalogue/bundles/{bundle_id}/versions/{version}/dates", may=ADMINS, row="bundle")
async def date_bundle(
    request: Request, desk: Desk, bundle_id: Key, version: Number, sent: Typed[Dates] = typed(Dates)
) -> Response:
    """Say until when a bundle's version is sold."""
    return await dated(request, desk, BUNDLE, (bundle_id, version), sent)


async def dated(
    request: Request, desk: DeskAt, thing: Thing, key: tuple[str, int], sent: Typed[Dates]
) -> Response:
    """Set the last day, or show what is wrong with it at its field."""
    wrong: Form | None = sent.form if sent.value is None else None
    if sent.value is not None and (sentence := await versions.set_dates(desk, thing, *key, sent.value)):
        wrong = sent.wrong("effective_until", sentence)
    if wrong is not None:
        return answer(
            request, "catalogue/version.html", await page_of(desk, thing, *key), status=422, form=wrong
        )
    return move_on(request, thing.path(*key))


@router.post("/catalogue/plans/{plan_id}/versions", may=ADMINS, row="plan")
async def draft_plan(request: Request, desk: Desk, plan_id: Key, sent: Typed[From] = typed(From)) -> Response:
    """Start a draft from one of the plan's versions."""
    return await drafted(request, desk, PLAN, plan_id, sent)


@router.post("/catalogue/bundles/{bundle_id}/versions", may=ADMINS, row="bundle")
async def draft_bundle(
    request: Request, desk: Desk, bundle_id: Key, sent: Typed[From] = typed(From)
) -> Response:
    """Start a draft from one of the bundle's versions."""
    return await drafted(request, desk, BUNDLE, bundle_id, sent)


async def drafted(request: Request, desk: DeskAt, thing: Thing, thing_id: str, sent: Typed[From]) -> Response:
    """Copy the terms into a fresh draft and open it."""
    if sent.value is None:
        raise Refusal("invalid_form")
    number = await versions.draft_from(desk, thing, thing_id, sent.value.version)
    where = thing.path(thing_id, number) + "/edit"
    return move_on(request, where, data={"version": number}, status=201)


@router.post("/catalogue/plans/{plan_id}", may=ADMINS, row="plan")
async def tell_plan(
    request: Request, desk: Desk, plan_id: Key, sent: Typed[About] = typed(About)
) -> Response:
    """Change what is said about a plan; no contract depends on it."""
    return await told(request, desk, PLAN, plan_id, sent)


@router.post("/catalogue/bundles/{bundle_id}", may=ADMINS, row="bundle")
async def tell_bundle(
    request: Request, desk: Desk, bundle_id: Key, sent: Typed[About] = typed(About)
) -> Response:
    """Change what is said about a bundle."""
    return await told(request, desk, BUNDLE, bundle_id, sent)


async def told(request: Request, desk: DeskAt, thing: Thing, thing_id: str, sent: Typed[About]) -> Response:
    """Store name and description, or show the form with what was typed."""
    await desk.one(thing.parent, thing_id)
    if sent.value is None:
        page = await page_of(desk, thing, thing_id)
        return answer(request, "catalogue/version.html", page, status=422, form=sent.form)
    model: Any = thing.parent
    changed = update(model).where(col(model.id) == thing_id).values(**sent.value.model_dump())
    await desk.session.execute(changed.execution_options(synchronize_session=False))
    who = desk.person
    await signing.note(
        desk.session, who.id, who.address, f"catalogue.{thing.word}.told", f"{thing.word}:{thing_id}"
    )
    await desk.commit()
    return move_on(request, thing.path(thing_id))
