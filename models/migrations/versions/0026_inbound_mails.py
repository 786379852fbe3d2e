"""Mails that come in: what the letterbox keeps, how far a mailbox was read, and by what answers name a letter."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ME = "(select nullif(current_setting('ieum.{}', true), ''))"
KIND = ME.format("kind")
DESK = (
    f"({KIND} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['agent', 'dispatcher', 'admin']))"
)
# The letterbox may put a mail down and look at nothing.
LETTERBOX = f"{KIND} = 'letterbox'"
SEES = "exists (select 1 from tickets parent where parent.id = ticket_id)"
BORN = (
    "status = 'received' and ticket_id is null and message_id is null and seq = 0 and reason in ('', 'too_large')"
    " and sender = '' and decided_by is null and not is_acknowledged"
)


def word(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def text(name: str, nullable: bool = False, **facts: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, **facts)


def moment(name: str, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def make_tables() -> None:
    op.create_table(
        "inbound_mails",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False, unique=True),
        text("sha256"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=True, unique=True),
        sa.Column("source", word("mailsource", "smtp", "imap"), nullable=False),
        text("envelope_from"),
        sa.Column("envelope_to", postgresql.ARRAY(sa.Text()), nullable=False),
        moment("received_at", nullable=False),
        sa.Column(
            "status", word("mailstatus", "received", "threaded", "quarantined", "ignored"), nullable=False
        ),
        text("reason"),
        sa.Column("ticket_id", sa.String(), sa.ForeignKey("tickets.id"), nullable=True),
        sa.Column("message_id", sa.String(), sa.ForeignKey("ticket_messages.id"), nullable=True),
        *(text(name) for name in ("sender", "sender_name", "subject", "header_id", "html", "letter_key")),
        sa.Column("held_back", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_acknowledged", sa.Boolean(), nullable=False),
        text("decided_by", nullable=True),
        moment("placed_at"),
        sa.Column("seq", sa.Integer(), nullable=False),
    )
    op.create_index("ix_inbound_mails_ticket_id", "inbound_mails", ["ticket_id"])
    op.create_index("ix_inbound_mails_message_id", "inbound_mails", ["message_id"])
    op.create_index("mails_by_status", "inbound_mails", ["status", "received_at", "id"])
    op.create_index("mails_by_sender", "inbound_mails", ["sender", "received_at"])
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        moment("read_at", nullable=False),
    )


def guard_tables() -> None:
    for table in ("inbound_mails", "mailboxes"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select, insert on {table} to ieum_app")
    op.execute(
        "create policy app_sees on inbound_mails for select to ieum_app"
        f" using ({DESK} and (ticket_id is null or {SEES}))"
    )
    op.execute(
        f"create policy app_inserts on inbound_mails for insert to ieum_app with check ({LETTERBOX} and {BORN})"
    )
    op.execute(f"create policy app_sees on mailboxes for select to ieum_app using ({LETTERBOX})")
    op.execute(f"create policy app_inserts on mailboxes for insert to ieum_app with check ({LETTERBOX})")
    op.execute(f"create policy app_updates on mailboxes for update to ieum_app using ({LETTERBOX})")
    op.execute("grant update (uid_validity, last_uid, read_at) on mailboxes to ieum_app")


def upgrade() -> None:
    make_tables()
    guard_tables()
    op.add_column("ticket_messages", text("mark", server_default=""))
    op.add_column("attachments", text("content_id", server_default=""))
    op.add_column("sent_messages", text("message_id", server_default=""))
    op.create_index("ix_sent_messages_message_id", "sent_messages", ["message_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
