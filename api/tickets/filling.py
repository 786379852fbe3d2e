"""Templates for one ticket: in the customer's language, with the ticket's values, gaps where it has none."""

from dataclasses import dataclass

from sqlmodel import col

from api.kit import formats, labels
from api.kit.desk import DeskAt
from api.kit.formats import NOTHING
from api.kit.language import gettext as _
from api.kit.language import locale, speak
from api.tickets.page import TicketPage, ticket_page
from models.messages.tickets import Channel
from models.messages.tickets.writing import TemplateChannel, TemplateUse
from models.rules.tickets import writing as rules
from models.staff import Team
from models.tickets.writing import ReplyTemplate

MOST = 500


@dataclass(frozen=True)
class Choice:
    """One template as it would stand in the composer of a ticket."""

    key: str
    name: str
    text: str
    use: TemplateUse
    gaps: tuple[str, ...]  # what the ticket does not know, in words
    does: tuple[str, ...]  # what using it sets, in words
    why_not: str = ""  # why it cannot be used here


async def values_of(desk: DeskAt, ticket_id: str) -> tuple[TicketPage, dict[str, str]]:
    """What placeholders stand for on this ticket, in the customer's language."""
    mine = locale()
    ticket = await ticket_page(desk.session, desk.person, ticket_id)
    speak(ticket.card.locale if ticket.card else mine)
    try:
        theirs = await ticket_page(desk.session, desk.person, ticket_id) if locale() != mine else ticket
        head, visit, invoice, product = theirs.head, theirs.visit, theirs.invoice, theirs.product
        values = {
            "customer": theirs.card.name if theirs.card else "",
            "agent": desk.person.name,
            "team": head.team or "",
            "ticket": head.id,
            "subject": head.subject,
            "product": product.name if product else "",
            "serial": product.serial if product else "",
            "technician": (visit.technician or "") if visit else "",
            "visit_time": formats.exact(visit.starts_at) if visit and visit.starts_at else "",
            "invoice": invoice.number if invoice else "",
            "amount": formats.money(invoice.total_minor, invoice.currency) if invoice else "",
            "pay_by": formats.day(invoice.due_at) if invoice else "",
            "due": formats.exact(head.resolve_due) if head.resolve_due else "",
        }
    finally:
        speak(mine)
    return ticket, {name: "" if value == NOTHING else value for name, value in values.items()}


async def choices_of(desk: DeskAt, ticket_id: str) -> tuple[Choice, ...]:
    """The templates for this ticket: everybody's, and those of its team or of one's own."""
    ticket, values = await values_of(desk, ticket_id)
    language = ticket.card.locale if ticket.card else locale()
    teams = [one for one in (ticket.head.team_id, desk.person.team_id) if one]
    query = (
        desk.visible(ReplyTemplate)
        .where(
            col(ReplyTemplate.is_active),
            col(ReplyTemplate.team_id).is_(None) | col(ReplyTemplate.team_id).in_(teams),
        )
        .order_by(col(ReplyTemplate.name_ko if locale() == "ko" else ReplyTemplate.name_en))
        .limit(MOST)
    )
    rows = list(await desk.session.scalars(query))
    names = await team_names(desk)
    return tuple(choice(row, values, language, names, ticket) for row in rows)


async def choice_of(desk: DeskAt, ticket_id: str, key: str) -> Choice | None:
    """One template for this ticket, if it can be used there."""
    return next(
        (one for one in await choices_of(desk, ticket_id) if one.key == key and not one.why_not), None
    )


def choice(
    row: ReplyTemplate, values: dict[str, str], language: str, teams: dict[str, str], ticket: TicketPage
) -> Choice:
    """One template filled in."""
    text = rules.filled(row.body_en if language == "en" else row.body_ko, values)
    name = row.name_ko if locale() == "ko" else row.name_en
    missing = tuple(placeholder(one) for one in rules.gaps(text))
    return Choice(row.key, name, text, row.use, missing, does(row, teams), why_not(row, ticket))


def why_not(row: ReplyTemplate, ticket: TicketPage) -> str:
    """Why a template cannot be used on this ticket; nothing when it can."""
    if row.channel is TemplateChannel.ALIMTALK:
        return _("KakaoTalk carries only approved texts, unchanged; answers go by e-mail or text message.")
    if row.channel is TemplateChannel.SMS and ticket.card and ticket.card.phone == NOTHING:
        return _("There is no telephone number for a text message.")
    if row.channel is TemplateChannel.EMAIL and ticket.card and ticket.card.email == NOTHING:
        return _("There is no e-mail address.")
    return ticket.why_not.get(row.use.value, "")


def does(row: ReplyTemplate, teams: dict[str, str]) -> tuple[str, ...]:
    """What using a template sets, in words."""
    said = []
    if row.priority:
        said.append(_("Priority becomes %(priority)s", priority=row.priority.upper()))
    if row.to_team:
        said.append(_("Goes to %(team)s", team=teams.get(row.to_team, row.to_team)))
    if row.tag:
        said.append(_("Gets the tag %(tag)s", tag=row.tag))
    if row.takes:
        said.append(_("You take it"))
    if row.use is TemplateUse.RESOLVE:
        said.append(_("It is resolved; the customer is asked to confirm"))
    return tuple(said)


def placeholder(name: str) -> str:
    """What a placeholder stands for, in words."""
    return labels.label_text(name, "placeholder")


def gap_sentence(body: str) -> str:
    """Why a text with gaps is not sent; nothing when it has none."""
    missing = rules.gaps(body)
    if not missing:
        return ""
    named = ", ".join(f"{{{{{one}}}}} ({placeholder(one)})" for one in missing)
    return _("Please fill in what is still missing before you send: %(gaps)s", gaps=named)


async def team_names(desk: DeskAt) -> dict[str, str]:
    """All teams by what they are called."""
    name = col(Team.name_ko) if locale() == "ko" else col(Team.name_en)
    found = await desk.session.execute(desk.visible(Team).with_only_columns(col(Team.id), name))
    return {str(line[0]): str(line[1]) for line in found}


def way_out(channel: str, head_channel: Channel) -> Channel:
    """By which way an answer goes: as it was chosen, else as the ticket came, else by e-mail."""
    if channel in (Channel.EMAIL, Channel.SMS):
        return Channel(channel)
    ways = (Channel.EMAIL, Channel.SMS, Channel.CHAT)
    return head_channel if head_channel in ways else Channel.EMAIL
