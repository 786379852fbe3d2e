"""What somebody may read of themselves: one query a part, without notes of ours and without secrets."""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

PARTS: Mapping[str, str] = {
    "customer": """
        select id, kind, name, phone, email, locale, tier, postcode, address, region, is_verified,
        phone_proved_at, email_proved_at, created_at from customers where id = :who or root = :who
        order by root nulls first, id""",
    "accounts": """
        select login, name, locale, is_active, created_at from accounts where customer_id = :who""",
    "sign_ins": """
        select created_at, seen_at, address, browser from sign_in_sessions where account_id in (select
        id from accounts where customer_id = :who) order by created_at""",
    "consents": """
        select kind, version, is_given, at, source from consents where customer_id = :who order by id""",
    "privacy_requests": """
        select kind, status, asked_at, due_at, done_at from privacy_requests where customer_id = :who""",
    "products": """
        select product_id, serial, bought_on, warranty_until from owned_products where customer_id =
        :who""",
    "tickets": """
        select id, channel, subject, description, status, created_at, closed_at from tickets where
        customer_id = :who order by created_at""",
    "messages": """
        select ticket_id, kind, channel, author_name, body, created_at from ticket_messages where
        ticket_id in (select id from tickets where customer_id = :who) and kind <> 'note' order by
        created_at""",
    "ratings": """
        select ticket_id, stars, comment, created_at from ticket_ratings where ticket_id in (select id
        from tickets where customer_id = :who)""",
    "files": """
        select a.ticket_id, a.name, a.media_type, a.size, a.created_at from attachments a left join
        ticket_messages m on m.id = a.message_id where a.ticket_id in (select id from tickets where
        customer_id = :who) and (m.id is null or m.kind <> 'note')""",
    "visits": """
        select id, ticket_id, status, starts_at, ends_at, signer, finished_at from visits where
        customer_id = :who order by created_at""",
    "returns": """
        select id, order_id, kind, ground, status, note, ship_name, ship_phone, ship_postcode, ship_address,
        back_minor, deducted_minor, fee_minor, asked_at, settled_at from returns where customer_id = :who
        order by asked_at""",
    "return_lines": """
        select return_id, name_ko, name_en, quantity, paid_minor, condition, deducted_minor from return_lines
        where return_id in (select id from returns where customer_id = :who) order by return_id, position""",
    "orders": """
        select id, status, once_minor, monthly_minor, currency, ship_name, ship_phone, ship_postcode,
        ship_address, placed_at, done_at, cancelled_at from orders where customer_id = :who order by
        placed_at""",
    "order_lines": """
        select order_id, position, name_ko, name_en, quantity, once_minor, monthly_minor, serials from
        order_lines where order_id in (select id from orders where customer_id = :who) order by
        order_id, position""",
    "shipments": """
        select id, order_id, carrier, tracking, status, delivered_at from shipments where order_id in
        (select id from orders where customer_id = :who)""",
    "contracts": """
        select id, plan_id, plan_version, status, starts_on, ends_on, terms from subscriptions where
        customer_id = :who""",
    "contract_changes": """
        select id, subscription_id, kind, status, effective_on, wish, reason, created_at from
        subscription_changes where customer_id = :who""",
    "invoices": """
        select id, number, status, net_minor, tax_minor, total_minor, currency, issued_on, due_at from
        invoices where customer_id = :who order by issued_on""",
    "invoice_lines": """
        select invoice_id, position, name_ko, name_en, quantity, gross_minor from invoice_lines where
        invoice_id in (select id from invoices where customer_id = :who) order by invoice_id, position""",
    "payments": """
        select invoice_id, status, amount_minor, currency, created_at, settled_at from payment_attempts
        where customer_id = :who order by created_at""",
    "payment_methods": """
        select kind, status, label, is_default, created_at from payment_methods where customer_id = :who""",
    "calls": """
        select id, caller, status, received_at, answered_at, ended_at, recording <> '' as is_recorded
        from phone_calls where customer_id = :who order by received_at""",
    "chats": """
        select id, visitor, contact, began_at, ended_at from chats where id in (select id from tickets where
        customer_id = :who) order by began_at""",
    "device_alarms": """
        select owned_product_id, fault, minute, alarms, reading from device_signals where owned_product_id in
        (select id from owned_products where customer_id = :who) order by minute""",
    "timeline": """
        select at, subject, sentence, details from timeline_entries where is_public and (customer_id =
        :who or ticket_id in (select id from tickets where customer_id = :who)) order by id""",
    "who_looked": """
        select at, actor_kind, action, purpose, fields from personal_data_accesses where subject_id =
        :who or subject_id in (select id from customers where root = :who) order by id""",
}


async def everything(session: AsyncSession, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every part, as rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, query in PARTS.items():
        rows = (await session.execute(text(query), {"who": customer_id})).mappings().all()
        found[name] = [dict(row) for row in rows]
    return found


def packed(parts: Mapping[str, list[dict[str, Any]]], made_at: datetime) -> bytes:
    """A ZIP with one JSON file a part; the same rows give the same bytes."""
    filled = io.BytesIO()
    with zipfile.ZipFile(filled, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in {"about": [{"made_at": made_at}], **parts}.items():
            entry = zipfile.ZipInfo(f"{name}.json", made_at.timetuple()[:6])
            archive.writestr(entry, json.dumps(rows, ensure_ascii=False, indent=1, default=str))
    return filled.getvalue()
