"""The directory of accounts and groups, by SCIM 2.0 (RFC 7643, 7644): looked up before anything is made."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience, Refused, refusal
from activities.kit.calls import CallLog
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCIM = {"content-type": "application/scim+json", "accept": "application/scim+json"}
ORIGIN = "ieum"  # the type of the entitlement that says which request made an account


@dataclass(frozen=True)
class Holder:
    """Whose account: `hr_id` is the directory's externalId for ever, the address is the user name."""

    hr_id: str
    email: str
    name: str


class Directory(Protocol):
    """Whoever keeps our people's accounts. Raises until the answer is clear; asking again is always safe."""

    async def create_account(self, holder: Holder, reference: str, case: str) -> str:
        """Make the account unless it is there; its id. `reference` stays written at what it made."""

    async def remove_account(self, holder: Holder, reference: str, case: str) -> None:
        """Remove the account that this reference made; an account that was there before stays."""

    async def set_active(self, holder: Holder, is_active: bool, key: str, case: str) -> None:
        """Lock an account or open it again; locking one that is not there is done already."""

    async def set_member(self, holder: Holder, group: str, is_member: bool, key: str, case: str) -> None:
        """Put an account into a group or take it out; there is no taking out of what is not there."""


class ScimDirectory:
    """A directory that speaks SCIM 2.0. It knows no idempotency keys: what is there is looked at first."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.DIRECTORY, url, f"Bearer {token}", calls, patience or Patience())

    async def create_account(self, holder: Holder, reference: str, case: str) -> str:
        """Look by externalId, then make it; a user name that somebody else has is a definite no."""
        found = await self._account(holder, reference, case)
        if found is None:
            heard = await self._ask(
                "create_account", "POST", "/Users", reference, case, _user(holder, reference)
            )
            made = read_object(heard.body) or {}
            if heard.status == 201 and is_code(made.get("id")):
                return str(made["id"])
            if heard.status != 409:  # what came instead is no account
                raise _unclear(heard)
            found = await self._account(holder, reference, case)  # an earlier asking of ours came late
            if found is None:
                raise refusal("the directory", Refused("USER_NAME_TAKEN"))
        if found.get("active") is False:
            await self._patch(found["id"], _replace("active", True), "unlock_account", reference, case)
        return str(found["id"])

    async def remove_account(self, holder: Holder, reference: str, case: str) -> None:
        """Delete it only when it says that this reference made it."""
        found = await self._account(holder, f"{reference}:undo", case)
        if found is None or reference not in _origins(found):
            return
        path = f"/Users/{quote(found['id'], safe='')}"
        heard = await self._ask("remove_account", "DELETE", path, f"{reference}:undo", case)
        if heard.status not in (204, 404):
            raise _unclear(heard)

    async def set_active(self, holder: Holder, is_active: bool, key: str, case: str) -> None:
        """Say how it stands: saying it twice is the same."""
        found = await self._account(holder, key, case)
        if found is None and is_active:
            raise refusal("the directory", Refused("ACCOUNT_UNKNOWN"))
        if found is not None:
            word = "unlock_account" if is_active else "lock_account"
            await self._patch(found["id"], _replace("active", is_active), word, key, case)

    async def set_member(self, holder: Holder, group: str, is_member: bool, key: str, case: str) -> None:
        """Say who belongs to it: saying it twice is the same."""
        found, place = await self._account(holder, key, case), await self._group(group, key, case)
        if is_member and (found is None or place is None):
            raise refusal("the directory", Refused("GROUP_UNKNOWN" if place is None else "ACCOUNT_UNKNOWN"))
        if found is None or place is None:
            return
        change = (
            {"op": "add", "path": "members", "value": [{"value": found["id"]}]}
            if is_member
            else {"op": "remove", "path": f'members[value eq "{found["id"]}"]'}
        )
        word = "join_group" if is_member else "leave_group"
        await self._patch(place, change, word, key, case, kind="Groups")

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()

    async def _account(self, holder: Holder, key: str, case: str) -> dict[str, Any] | None:
        found = await self._find("Users", "externalId", holder.hr_id, key, case)
        if len(found) > 1:
            raise refusal("the directory", Refused("ACCOUNT_AMBIGUOUS"))
        return found[0] if found else None

    async def _group(self, name: str, key: str, case: str) -> str | None:
        found = await self._find("Groups", "displayName", name, key, case)
        if len(found) > 1:
            raise refusal("the directory", Refused("GROUP_AMBIGUOUS"))
        return str(found[0]["id"]) if found else None

    async def _find(self, kind: str, name: str, value: str, key: str, case: str) -> list[dict[str, Any]]:
        query = urlencode({"filter": f"{name} eq {json.dumps(value)}", "excludedAttributes": "members"})
        heard = await self._ask("look_up", "GET", f"/{kind}?{query}", key, case)
        said = read_object(heard.body) or {}
        rows = said.get("Resources", [] if said.get("totalResults") == 0 else None)
        if (
            heard.status != 200
            or not isinstance(rows, list)
            or not all(_is_ours(r, name, value) for r in rows)
        ):
            raise _unclear(heard)
        return rows

    async def _patch(
        self, id: str, change: dict[str, Any], word: str, key: str, case: str, kind: str = "Users"
    ) -> None:
        body = {"schemas": [PATCH], "Operations": [change]}
        heard = await self._ask(word, "PATCH", f"/{kind}/{quote(id, safe='')}", key, case, body)
        if heard.status not in (200, 204):
            raise _unclear(heard)

    async def _ask(
        self, operation: str, method: str, path: str, key: str, case: str, body: dict[str, Any] | None = None
    ) -> Heard:
        content = json.dumps(body).encode() if body is not None else None
        asked = Asked(operation, method, path, key, case_id=case, headers=SCIM, content=content)
        return await self.line.ask(asked, judge)


def judge(heard: Heard) -> CallResult:
    """What SCIM's statuses say; whatever is neither may have been done."""
    match heard.status:
        case None:
            return CallResult.FAILED if heard.error in NEVER_SENT else CallResult.UNKNOWN
        case 200 | 201 | 204:
            return CallResult.OK
        case 404 | 409:
            return CallResult.REFUSED
        case 401 | 403 | 429:
            return CallResult.FAILED
    return CallResult.UNKNOWN


def _user(holder: Holder, reference: str) -> dict[str, Any]:
    return {
        "schemas": [USER], "userName": holder.email, "externalId": holder.hr_id, "active": True,
        "displayName": holder.name, "name": {"formatted": holder.name},
        "emails": [{"value": holder.email, "type": "work", "primary": True}],
        "entitlements": [{"value": reference, "type": ORIGIN}],
    }  # fmt: skip


def _replace(path: str, value: bool) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def _origins(account: dict[str, Any]) -> set[str]:
    marks = account.get("entitlements") or []
    return {str(one.get("value")) for one in marks if isinstance(one, dict) and one.get("type") == ORIGIN}


def _is_ours(row: Any, name: str, value: str) -> bool:
    """An answer that names something else is none."""
    said = row.get(name) if isinstance(row, dict) else None
    return isinstance(said, str) and said.casefold() == value.casefold() and is_code(row.get("id"))


def _unclear(heard: Heard) -> ApplicationError:
    """No yes and no documented no: asked again after looking."""
    wait = retry_after(heard.headers) if heard.status == 429 else 0
    return ApplicationError(
        f"the directory gave no clear answer: {heard.error or heard.status}", type="directory_unclear",
        next_retry_delay=timedelta(seconds=wait) if wait else None,
    )  # fmt: skip


@dataclass
class ConsoleDirectory:
    """Keeps accounts in memory: by hr_id, with the reference that made them, locks and groups."""

    accounts: dict[str, str] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    groups: dict[str, set[str]] = field(default_factory=dict)

    async def create_account(self, holder: Holder, reference: str, case: str) -> str:
        """Keep the first reference."""
        self.accounts.setdefault(holder.hr_id, reference)
        self.locked.discard(holder.hr_id)
        return f"account-{holder.hr_id}"

    async def remove_account(self, holder: Holder, reference: str, case: str) -> None:
        """Forget what this reference made."""
        if self.accounts.get(holder.hr_id) == reference:
            del self.accounts[holder.hr_id]

    async def set_active(self, holder: Holder, is_active: bool, key: str, case: str) -> None:
        """Remember who is locked."""
        (self.locked.discard if is_active else self.locked.add)(holder.hr_id)

    async def set_member(self, holder: Holder, group: str, is_member: bool, key: str, case: str) -> None:
        """Remember who belongs to it."""
        members = self.groups.setdefault(group, set())
        (members.add if is_member else members.discard)(holder.hr_id)
