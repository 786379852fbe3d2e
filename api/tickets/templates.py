"""Templates for answers: written by who may, used in the composer of a ticket."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import Field
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import labels, signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.rendering import Form, answer, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeKey, MaybeLine, Name, Paragraph
from api.tickets.drafts import keep_draft
from api.tickets.filling import Choice, choices_of, does, placeholder, team_names
from api.tickets.page import Head, head_of
from api.tickets.routing import router
from api.tickets.rule_rows import KEY
from models.kit.refusals import Refusal
from models.messages.staff import Role
from models.messages.tickets import MessageKind, Priority
from models.messages.tickets.writing import TemplateChannel, TemplateUse
from models.rules.tickets import writing as rules
from models.tickets.writing import ReplyTemplate

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
LEADERS = frozenset({Role.DISPATCHER, Role.ADMIN})
MOST = 500


class Template(Input):
    """A template as it is typed."""

    command_id: Key
    key: MaybeLine = ""
    seq: Number = 0
    team_id: MaybeKey = None
    channel: TemplateChannel = TemplateChannel.ANY
    use: TemplateUse = TemplateUse.REPLY
    approved_as: MaybeLine = ""
    name_ko: Name
    name_en: Name
    body_ko: Paragraph
    body_en: Paragraph
    priority: Priority | Literal[""] = ""
    to_team: MaybeKey = None
    tag: MaybeLine = ""
    takes: Literal["yes", ""] = ""
    is_active: Literal["yes", ""] = ""


class Using(Input):
    """Put a template into one's draft on a ticket; for pages without scripts."""

    command_id: Key
    template: Key


@dataclass(frozen=True)
class TemplateLine:
    """One template in the list."""

    key: str
    name: str
    team: str
    channel: TemplateChannel
    use: TemplateUse
    does: tuple[str, ...]
    is_active: bool
    written_at: datetime


@dataclass(frozen=True)
class TemplatesPage:
    """All templates, or one of them with its form."""

    templates: tuple[TemplateLine, ...]
    may_add: bool
    teams: tuple[tuple[str, str], ...]  # for which one may write
    all_teams: tuple[tuple[str, str], ...]
    placeholders: tuple[tuple[str, str], ...]
    row: ReplyTemplate | None = None
    may_edit: bool = False

    @property
    def pairs(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """What the selects offer."""
        return {
            "channel": tuple(
                (one.value, labels.label_text(one, "template_channel")) for one in TemplateChannel
            ),
            "use": tuple((one.value, labels.label_text(one, "template_use")) for one in TemplateUse),
            "priority": (("", "–"), *((one.value, labels.label_text(one, "priority")) for one in Priority)),
        }


@dataclass(frozen=True)
class ChoicesPage:
    """What can be put into the composer of one ticket."""

    ticket_id: str
    templates: tuple[Choice, ...]


@router.get("/tickets/templates", may=AGENTS)
async def templates(request: Request, desk: Desk) -> Response:
    """Show every template."""
    return answer(request, "tickets/templates.html", await templates_page(desk))


@router.post("/tickets/templates", may=AGENTS)
async def add_template(request: Request, desk: Desk, sent: Typed[Template] = typed(Template)) -> Response:
    """Write a new template."""
    form = faults(desk, sent, is_new=True)
    if sent.value is None or form.errors:
        return await again(request, desk, None, form)
    key = sent.value.key
    row = {**values_of(desk, sent.value), "key": key, "written_by": desk.person.id, "seq": 1}
    new = insert(ReplyTemplate).values(row).on_conflict_do_nothing().returning(col(ReplyTemplate.key))
    if (await desk.session.execute(new)).first() is None:
        known = await desk.one(ReplyTemplate, key)
        if all(getattr(known, name) == value for name, value in row.items() if name not in ("written_at",)):
            return move_on(request, f"/tickets/templates/{key}", data={"key": key})  # the same form once more
        return await again(request, desk, None, sent.wrong("key", _("There is such a template already.")))
    await noted(desk, key, "created")
    await desk.commit()
    return move_on(request, f"/tickets/templates/{key}", data={"key": key})


@router.get("/tickets/templates/{template_key}", may=AGENTS, row="template")
async def template(request: Request, desk: Desk, template_key: str) -> Response:
    """Show one template with its form."""
    return answer(request, "tickets/template.html", await templates_page(desk, template_key))


@router.post("/tickets/templates/{template_key}", may=AGENTS, row="template")
async def save_template(
    request: Request, desk: Desk, template_key: str, sent: Typed[Template] = typed(Template)
) -> Response:
    """Keep a changed template; what somebody else changed meanwhile is not overwritten."""
    row = await desk.one(ReplyTemplate, template_key)
    if not may_write(desk, row.team_id):
        raise Refusal("not_allowed")
    form = faults(desk, sent, is_new=False)
    if sent.value is None or form.errors:
        return await again(request, desk, template_key, form)
    values = {**values_of(desk, sent.value), "written_by": desk.person.id, "seq": row.seq + 1}
    changed = (
        update(ReplyTemplate)
        .where(col(ReplyTemplate.key) == template_key, col(ReplyTemplate.seq) == sent.value.seq)
        .values(values)
        .returning(col(ReplyTemplate.key))
    )
    done = await desk.session.execute(changed, execution_options={"synchronize_session": False})
    if done.first() is None:
        form = Form(
            {**sent.form.values, "seq": row.seq}, {"form": _("Somebody else changed this meanwhile.")}
        )
        return await again(request, desk, template_key, form, status=409)
    await noted(desk, template_key, "changed")
    await desk.commit()
    return move_on(request, f"/tickets/templates/{template_key}", data={"key": template_key})


async def again(request: Request, desk: DeskAt, key: str | None, form: Form, status: int = 422) -> Response:
    """The form with what was typed and what is wrong."""
    page = await templates_page(desk, key)
    name = "tickets/templates.html" if key is None else "tickets/template.html"
    return answer(request, name, page, form=form, status=status)


def faults(desk: DeskAt, sent: Typed[Template], *, is_new: bool) -> Form:
    """What is wrong with a template beyond what its fields can say."""
    errors = dict(sent.form.errors)
    one = sent.value
    if one is None:
        return sent.form
    if is_new and not KEY.match(one.key):
        errors["key"] = _("Small letters, digits and hyphens, beginning with a letter.")
    for name, text in (("body_ko", one.body_ko), ("body_en", one.body_en)):
        if unknown := rules.strangers(text):
            errors[name] = _("There is no such placeholder: %(names)s", names=", ".join(unknown))
        elif one.channel is TemplateChannel.SMS and rules.sms_parts(text) > rules.MOST_SMS:
            errors[name] = _("This is too long for text messages.")
    if one.channel is TemplateChannel.ALIMTALK and not one.approved_as:
        errors["approved_as"] = _(
            "KakaoTalk carries only texts that it has approved. Please enter their number."
        )
    if not may_write(desk, one.team_id):
        errors["team_id"] = _("You may write templates for your own team only.")
    return Form(sent.form.values, errors)


def may_write(desk: DeskAt, team_id: str | None) -> bool:
    """A team's own templates are written by its agents, everybody's by those who lead."""
    return bool(desk.person.roles & LEADERS) or (team_id is not None and team_id == desk.person.team_id)


def values_of(desk: DeskAt, one: Template) -> dict[str, object]:
    """What is kept of the form."""
    return {
        "team_id": one.team_id, "channel": one.channel, "use": one.use, "approved_as": one.approved_as,
        "name_ko": one.name_ko, "name_en": one.name_en, "body_ko": one.body_ko, "body_en": one.body_en,
        "priority": str(one.priority), "to_team": one.to_team or "", "tag": one.tag,
        "takes": one.takes == "yes", "is_active": one.is_active == "yes", "written_at": datetime.now(UTC),
    }  # fmt: skip


async def templates_page(desk: DeskAt, key: str | None = None) -> TemplatesPage:
    """All templates, or one."""
    names = await team_names(desk)
    query = desk.visible(ReplyTemplate).order_by(col(ReplyTemplate.key)).limit(MOST)
    row = await desk.one(ReplyTemplate, key) if key is not None else None
    lines = tuple(
        TemplateLine(
            one.key, one.name_ko if locale() == "ko" else one.name_en,
            names.get(one.team_id or "", ""), one.channel, one.use, does(one, names), one.is_active,
            one.written_at,
        )
        for one in (await desk.session.scalars(query) if row is None else ())
    )  # fmt: skip
    leads = bool(desk.person.roles & LEADERS)
    mine = tuple((team, name) for team, name in names.items() if leads or team == desk.person.team_id)
    return TemplatesPage(
        lines, bool(leads or mine), ((("", _("Everybody")),) if leads else ()) + mine,
        (("", "–"), *names.items()), tuple((one, placeholder(one)) for one in rules.PLACEHOLDERS),
        row, row is not None and may_write(desk, row.team_id),
    )  # fmt: skip


async def noted(desk: DeskAt, key: str, what: str) -> None:
    """One line in the audit log."""
    who = desk.person
    await signing.note(desk.session, who.id, who.address, f"tickets.template.{what}", f"reply_template:{key}")


# On a ticket


@router.get("/tickets/{ticket_id}/templates", may=AGENTS, row="ticket")
async def choices(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Show what can be put into the composer of this ticket, filled in."""
    await head_of(desk.session, desk.person, ticket_id)
    page = ChoicesPage(ticket_id, await choices_of(desk, ticket_id))
    return answer(request, "tickets/choices.html", page, block="template_list")


@router.post("/tickets/{ticket_id}/templates", may=AGENTS, row="ticket")
async def use(request: Request, desk: Desk, ticket_id: Key, sent: Typed[Using] = typed(Using)) -> Response:
    """Put a template into one's draft."""
    await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    wanted = sent.value.template
    found = next((one for one in await choices_of(desk, ticket_id) if one.key == wanted), None)
    if found is None:
        raise Refusal("not_found")
    if not wants_json(request):
        kind = MessageKind.NOTE if found.use is TemplateUse.NOTE else MessageKind.REPLY
        await keep_draft(desk, ticket_id, kind, found.text)
    data = {"text": found.text, "does": found.does, "gaps": found.gaps}
    return move_on(request, f"/tickets/{ticket_id}?template={found.key}#reply", data=data)


async def used_template(desk: DeskAt, head: Head, key: str | None) -> ReplyTemplate | None:
    """The template that a text was made from, when using it also does something to the ticket."""
    if key is None:
        return None
    row = await desk.one(ReplyTemplate, key)
    fitting = next((one for one in await choices_of(desk, head.id) if one.key == key), None)
    if fitting is None or not (fitting.does or row.use is TemplateUse.NOTE):
        return None
    return row


def sets_of(row: ReplyTemplate) -> dict[str, str]:
    """What using it sets."""
    wanted = {"priority": row.priority, "team": row.to_team, "tag": row.tag}
    return {name: value for name, value in wanted.items() if value}
