"""Editing a draft: the form of a plan's terms and that of a bundle's, with 422 at the field."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.catalogue import bundle_form, plan_form, versions
from api.catalogue.bundle_form import BundleDraft
from api.catalogue.plan_form import Number, PlanDraft
from api.catalogue.routing import router
from api.catalogue.shelf import name_of, plans_by_id, products_by_id
from api.catalogue.versions import BUNDLE, PLAN, Thing, editable
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ADMINS
from api.kit.texts import Key
from models.catalogue import BundleVersion, Plan, PlanVersion
from models.kit.records import from_record, to_record
from models.kit.refusals import Refusal
from models.messages.catalogue import BundleTerms, PhaseKind, PlanTerms, PriceKind, RuleKind

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DraftPage:
    """The form of one draft."""

    id: str
    version: int
    path: str  # of the version
    parent: str
    name: str
    seq: int
    values: dict[str, Any]
    effective_from: date
    effective_until: date | None
    note: str
    things: Options
    plan_kind: str = ""

    @staticmethod
    def options(kind: str) -> Options:
        """The values of a stored word, for a select."""
        words = {"price": PriceKind, "phase": PhaseKind, "bundle_rule": RuleKind}[kind]
        return tuple((str(one), labels.label_text(one, kind)) for one in words)


@router.get("/catalogue/plans/{plan_id}/versions/{version}/edit", may=ADMINS, row="plan")
async def edit_plan(request: Request, desk: Desk, plan_id: Key, version: Number) -> Response:
    """Open the form of a plan's draft."""
    await editable(desk, PLAN, plan_id, version)
    return answer(request, "catalogue/plan_draft.html", await plan_page(desk, plan_id, version))


@router.get("/catalogue/bundles/{bundle_id}/versions/{version}/edit", may=ADMINS, row="bundle")
async def edit_bundle(request: Request, desk: Desk, bundle_id: Key, version: Number) -> Response:
    """Open the form of a bundle's draft."""
    await editable(desk, BUNDLE, bundle_id, version)
    return answer(request, "catalogue/bundle_draft.html", await bundle_page(desk, bundle_id, version))


@router.post("/catalogue/plans/{plan_id}/versions/{version}", may=ADMINS, row="plan")
async def save_plan(
    request: Request, desk: Desk, plan_id: Key, version: Number, sent: Typed[PlanDraft] = typed(PlanDraft)
) -> Response:
    """Store the terms of a plan's draft."""
    draft, form, status = sent.value, sent.form, 422
    if draft is not None:
        found, plan = await editable(desk, PLAN, plan_id, version), await desk.one(Plan, plan_id)
        if draft.product_id is not None and draft.product_id not in await products_by_id(desk):
            raise Refusal("not_found")
        terms, errors = plan_form.terms_of(draft, plan_id, version, plan.kind)
        if not errors and draft.seq == found.seq:
            return await saved(request, desk, PLAN, found, (to_record(terms), draft))
        form, status = Form(form.values, errors or stale()), 422 if errors else 409
    page = await plan_page(desk, plan_id, version)
    return answer(request, "catalogue/plan_draft.html", page, block="draft_form", form=form, status=status)


@router.post("/catalogue/bundles/{bundle_id}/versions/{version}", may=ADMINS, row="bundle")
async def save_bundle(
    request: Request,
    desk: Desk,
    bundle_id: Key,
    version: Number,
    sent: Typed[BundleDraft] = typed(BundleDraft),
) -> Response:
    """Store the parts and rules of a bundle's draft."""
    draft, form, status = sent.value, sent.form, 422
    if draft is not None:
        found = await editable(desk, BUNDLE, bundle_id, version)
        known = {value for value, _text in await things(desk)}
        terms, errors = bundle_form.terms_of(draft, bundle_id, version, known)
        if not errors and draft.seq == found.seq:
            return await saved(request, desk, BUNDLE, found, (to_record(terms), draft))
        form, status = Form(form.values, errors or stale()), 422 if errors else 409
    page = await bundle_page(desk, bundle_id, version)
    return answer(request, "catalogue/bundle_draft.html", page, block="draft_form", form=form, status=status)


def stale() -> dict[str, str]:
    """Somebody saved in between."""
    return {"form": _("Someone else changed this meanwhile. What you typed is kept; send it again.")}


async def saved(
    request: Request,
    desk: DeskAt,
    thing: Thing,
    found: Any,
    typed_in: tuple[dict[str, Any], PlanDraft | BundleDraft],
) -> Response:
    """Store what was typed and show the version."""
    terms, draft = typed_in
    key = getattr(found, thing.key)
    changes = {
        "terms": terms, "effective_from": draft.effective_from, "effective_until": draft.effective_until,
        "note": draft.note,
    }  # fmt: skip
    await versions.store(desk, thing, found, changes)
    await versions.noted(desk, thing, key, found.version, "edited")
    await desk.commit()
    return move_on(request, thing.path(key, found.version), data={"seq": found.seq + 1})


async def plan_page(desk: DeskAt, plan_id: str, version: int) -> DraftPage:
    """The form of a plan's draft as it is stored."""
    found, plan = await desk.one(PlanVersion, (plan_id, version)), await desk.one(Plan, plan_id)
    values = plan_form.typed_in(from_record(PlanTerms, found.terms))
    devices = tuple((one.id, name_of(one)) for one in (await products_by_id(desk)).values())
    return page_of(PLAN, found, name_of(plan), values, devices, str(plan.kind))


async def bundle_page(desk: DeskAt, bundle_id: str, version: int) -> DraftPage:
    """The form of a bundle's draft as it is stored."""
    found = await desk.one(BundleVersion, (bundle_id, version))
    parent: Any = await desk.one(BUNDLE.parent, bundle_id)
    values = bundle_form.typed_in(from_record(BundleTerms, found.terms))
    return page_of(BUNDLE, found, name_of(parent), values, await things(desk))


def page_of(
    thing: Thing, found: Any, name: str, values: dict[str, Any], options: Options, plan_kind: str = ""
) -> DraftPage:
    """The form's page from a stored version."""
    key = getattr(found, thing.key)
    return DraftPage(
        key, found.version, thing.path(key, found.version), thing.path(key), name, found.seq, values,
        found.effective_from, found.effective_until, found.note, options, plan_kind,
    )  # fmt: skip


async def things(desk: DeskAt) -> Options:
    """What a bundle can hold."""
    products = [(f"product:{one.id}", name_of(one)) for one in (await products_by_id(desk)).values()]
    plans = [(f"plan:{one.id}", name_of(one)) for one in (await plans_by_id(desk)).values()]
    return (*plans, *products)
