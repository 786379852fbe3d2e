"""Keys of programs and devices, whose telephone an extension is, and when alarms become a ticket."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, Field
from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from starlette.responses import Response

from api.channels.routing import router
from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import token_hash
from api.kit.rendering import Form, answer, move_on, toast
from api.kit.routes import ADMINS
from api.kit.texts import Key, MaybeLine, Name
from models.channels import ApiClient, DeviceKey, DeviceRule, PhoneLine
from models.kit.refusals import Refusal
from models.messages.channels import Scope
from models.messages.staff import Role
from models.staff import Account

KEY_DAYS = 365
DESK_ROLES = frozenset({Role.AGENT, Role.DISPATCHER, Role.ADMIN})
Code = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^(\*|[a-z0-9_]+)$")]
Serial = Annotated[MaybeLine, Field(max_length=64, pattern=r"^[A-Za-z0-9._-]*$")]
Extension = Annotated[str, AfterValidator(str.strip), Field(pattern=r"^[0-9*#+]{1,16}$", max_length=16)]


class NewClient(Input):
    """A program's key: for what, with whose rights, and how far they go."""

    program: Name
    agent_id: Key
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]


class NewDevice(Input):
    """A device's key; without a serial number it is a gateway's."""

    device: Name
    serial: Serial = ""


class NewLine(Input):
    """Whose telephone an extension is."""

    account_id: Key
    extension: Extension


class NewRule(Input):
    """When alarms of a fault become a ticket."""

    fault: Code
    alarms: Annotated[int, Field(ge=1, le=1_000)]
    minutes: Annotated[int, Field(ge=1, le=1_440)]
    quiet_minutes: Annotated[int, Field(ge=1, le=1_440)]
    closes: bool = False


@dataclass(frozen=True)
class KeysPage:
    """Everything that an administrator sets for the channels."""

    clients: tuple[ApiClient, ...]
    devices: tuple[DeviceKey, ...]
    lines: tuple[tuple[str, str, str], ...]  # account, name, extension
    rules: tuple[DeviceRule, ...]
    colleagues: tuple[tuple[str, str], ...]
    scopes: tuple[Scope, ...] = tuple(Scope)
    fresh_key: str = ""


async def keys_page(desk: DeskAt, fresh_key: str = "") -> KeysPage:
    """Read what is in force; what was ended is no longer shown."""
    now = datetime.now(UTC)
    clients = desk.visible(ApiClient).where(
        col(ApiClient.revoked_at).is_(None), col(ApiClient.expires_at) > now
    )
    devices = desk.visible(DeviceKey).where(col(DeviceKey.revoked_at).is_(None))
    newest = desk.visible(DeviceRule).order_by(
        col(DeviceRule.fault), col(DeviceRule.version).desc()
    ).distinct(col(DeviceRule.fault))  # fmt: skip
    people = (
        desk.visible(Account)
        .where(col(Account.is_active), col(Account.roles).op("&&")(sorted(DESK_ROLES)))
        .order_by(col(Account.name), col(Account.id))
        .limit(500)
    )
    colleagues = {one.id: one.name for one in await desk.session.scalars(people)}
    lines = await desk.session.scalars(desk.visible(PhoneLine).order_by(col(PhoneLine.extension)).limit(500))
    return KeysPage(
        tuple(await desk.session.scalars(clients.order_by(col(ApiClient.created_at).desc()).limit(200))),
        tuple(await desk.session.scalars(devices.order_by(col(DeviceKey.created_at).desc()).limit(200))),
        tuple((one.id, colleagues.get(one.id, one.id), one.extension) for one in lines),
        tuple(await desk.session.scalars(newest)), tuple(colleagues.items()), fresh_key=fresh_key,
    )  # fmt: skip


async def shown(
    request: Request, desk: DeskAt, *, fresh_key: str = "", form: Form | None = None, message: str = ""
) -> Response:
    """The page, after an act or with what is wrong in a form."""
    page = await keys_page(desk, fresh_key)
    return answer(
        request, "channels/keys.html", page, block="keys", form=form, status=422 if form else 200,
        trigger=toast(message) if message else None, data={"key": fresh_key} if fresh_key else None,
    )  # fmt: skip


@router.get("/channels/keys", may=ADMINS)
async def keys(request: Request, desk: Desk) -> Response:
    """Show keys, telephones and rules."""
    return answer(request, "channels/keys.html", await keys_page(desk))


async def note(desk: DeskAt, action: str, subject: str) -> None:
    """Into the audit log, with who did it."""
    await signing.note(desk.session, desk.person.id, desk.person.address, action, subject)


@router.post("/channels/clients", may=ADMINS)
async def make_client(request: Request, desk: Desk, sent: Typed[NewClient] = typed(NewClient)) -> Response:
    """Make a program's key, shown this once; a key cannot make keys."""
    if sent.value is None:
        return await shown(request, desk, form=sent.form)
    if desk.person.is_token:
        raise Refusal("not_allowed")
    await of_desk(desk, sent.value.agent_id)
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    row = ApiClient(
        id=f"ac_{secrets.token_hex(8)}", name=sent.value.program, account_id=sent.value.agent_id,
        scopes=sorted({one.value for one in sent.value.scopes}), token_hash=token_hash(token),
        created_by=desk.person.id, created_at=now, expires_at=now + timedelta(days=KEY_DAYS),
    )  # fmt: skip
    desk.session.add(row)
    await note(desk, "client_key_made", row.id)
    await desk.commit()
    return await shown(request, desk, fresh_key=token, message=_("Key made"))


async def of_desk(desk: DeskAt, account_id: str) -> Account:
    """Somebody of the desk who works here."""
    account = await desk.one(Account, account_id)
    if not account.is_active or not DESK_ROLES & set(account.roles):
        raise Refusal("not_found")
    return account


@router.post("/channels/clients/{api_client_id}/end", may=ADMINS, row="api_client")
async def end_client(request: Request, desk: Desk, api_client_id: Key) -> Response:
    """Revoke a program's key at once."""
    found = await desk.one(ApiClient, api_client_id)
    await end(desk, ApiClient, found.id, "client_key_ended")
    return move_on(request, "/channels/keys")


@router.post("/channels/devices", may=ADMINS)
async def make_device(request: Request, desk: Desk, sent: Typed[NewDevice] = typed(NewDevice)) -> Response:
    """Make a device's key, shown this once."""
    if sent.value is None:
        return await shown(request, desk, form=sent.form)
    if desk.person.is_token:
        raise Refusal("not_allowed")
    token = secrets.token_urlsafe(32)
    row = DeviceKey(
        id=f"dk_{secrets.token_hex(8)}", name=sent.value.device, serial=sent.value.serial.upper(),
        token_hash=token_hash(token), created_by=desk.person.id, created_at=datetime.now(UTC),
    )  # fmt: skip
    desk.session.add(row)
    await note(desk, "device_key_made", row.id)
    await desk.commit()
    return await shown(request, desk, fresh_key=token, message=_("Key made"))


@router.post("/channels/devices/{device_key_id}/end", may=ADMINS, row="device_key")
async def end_device(request: Request, desk: Desk, device_key_id: Key) -> Response:
    """Revoke a device's key at once."""
    found = await desk.one(DeviceKey, device_key_id)
    await end(desk, DeviceKey, found.id, "device_key_ended")
    return move_on(request, "/channels/keys")


async def end(desk: DeskAt, model: type[ApiClient] | type[DeviceKey], key: str, action: str) -> None:
    """Write down that a key has ended; ended twice it ended the first time."""
    mine = (col(model.id) == key, col(model.revoked_at).is_(None))
    await desk.session.execute(update(model).where(*mine).values(revoked_at=datetime.now(UTC)))
    await note(desk, action, key)
    await desk.commit()


@router.post("/channels/lines", may=ADMINS)
async def set_line(request: Request, desk: Desk, sent: Typed[NewLine] = typed(NewLine)) -> Response:
    """Say whose telephone an extension is."""
    if sent.value is None:
        return await shown(request, desk, form=sent.form)
    account = await of_desk(desk, sent.value.account_id)
    taken = desk.visible(PhoneLine).where(
        col(PhoneLine.extension) == sent.value.extension, col(PhoneLine.id) != account.id
    )
    if await desk.session.scalar(taken) is not None:
        raise Refusal("extension_taken")
    row: dict[str, Any] = {"id": account.id, "extension": sent.value.extension}
    statement = insert(PhoneLine).values(row)
    fresh = {"extension": statement.excluded.extension}
    await desk.session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=fresh))
    await note(desk, "phone_line_set", account.id)
    await desk.commit()
    return await shown(request, desk, message=_("Telephone set"))


@router.post("/channels/lines/{phone_line_id}/end", may=ADMINS, row="phone_line")
async def end_line(request: Request, desk: Desk, phone_line_id: Key) -> Response:
    """An extension is nobody's any more."""
    found = await desk.one(PhoneLine, phone_line_id)
    await desk.session.execute(delete(PhoneLine).where(col(PhoneLine.id) == found.id))
    await note(desk, "phone_line_ended", found.id)
    await desk.commit()
    return move_on(request, "/channels/keys")


@router.post("/channels/rules", may=ADMINS)
async def set_rule(request: Request, desk: Desk, sent: Typed[NewRule] = typed(NewRule)) -> Response:
    """A new version of a rule; watches ask for the newest at each look."""
    if sent.value is None:
        return await shown(request, desk, form=sent.form)
    newest = select(func.coalesce(func.max(col(DeviceRule.version)), 0)).where(
        col(DeviceRule.fault) == sent.value.fault
    )
    version = int(await desk.session.scalar(newest) or 0) + 1
    row = {
        **sent.value.model_dump(), "version": version, "set_by": desk.person.id, "set_at": datetime.now(UTC),
    }  # fmt: skip
    statement = insert(DeviceRule).values(row).on_conflict_do_nothing().returning(col(DeviceRule.version))
    if (await desk.session.execute(statement)).first() is None:
        raise Refusal("changed_meanwhile")
    await note(desk, "device_rule_set", sent.value.fault)
    await desk.commit()
    return await shown(request, desk, message=_("Rule set"))
