"""Catalogue, signup, orders, contracts: their tables; and cases, what belongs to no ticket."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A word gets new values: the CHECK that lists them is made anew.
WORDS = {
    ("invoice_lines", "kind", "linekind"): (
        "call_out", "labour", "part", "product", "setup", "recurring", "proration", "fee",
    ),
    ("signed_links", "purpose", "linkpurpose"): (
        "follow", "slot", "track", "confirm", "pay", "rate", "order", "change",
    ),
    **{
        (table, "system", "system"): ("payments", "mail", "sms", "stock", "carrier", "credit", "marketing")
        for table in ("inbox", "system_calls", "sent_messages")
    },
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_ko", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("about_ko", sa.Text(), nullable=False),
        sa.Column("about_en", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "cart_items",
        sa.Column("cart_key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("cart_key", "position"),
    )
    op.create_table(
        "bundle_versions",
        sa.Column("bundle_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "review",
                "published",
                "retired",
                name="versionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_until", sa.Date(), nullable=True),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("reviewer_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bundle_id"],
            ["bundles.id"],
        ),
        sa.PrimaryKeyConstraint("bundle_id", "version"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "terms",
                "privacy",
                "marketing",
                "third_party",
                name="consentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("is_given", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consents_by_customer", "consents", ["customer_id", "kind", "at"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("submission_key", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "credit_check",
                "payment_due",
                "reserving",
                "shipping",
                "installing",
                "activating",
                "done",
                "cancelling",
                "cancelled",
                "returning",
                "returned",
                name="orderstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("once_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("monthly_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("ship_name", sa.Text(), nullable=False),
        sa.Column("ship_phone", sa.Text(), nullable=False),
        sa.Column("ship_postcode", sa.Text(), nullable=False),
        sa.Column("ship_address", sa.Text(), nullable=False),
        sa.Column("ship_region", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Text(), nullable=True),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pay_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.CheckConstraint("once_minor = net_minor + tax_minor", name="order_adds_up"),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "submission_key"),
    )
    op.create_index("orders_by_customer", "orders", ["customer_id", "placed_at"], unique=False)
    op.create_index(
        "orders_open",
        "orders",
        ["status", "placed_at", "id"],
        unique=False,
        postgresql_where=sa.text("not is_over"),
    )
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("card", name="methodkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "active",
                "invalid",
                "revoked",
                name="methodstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("customer_key", sa.Text(), nullable=False),
        sa.Column("billing_key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_key"),
    )
    op.create_index("methods_by_customer", "payment_methods", ["customer_id", "status"], unique=False)
    op.create_index(
        "one_default_method",
        "payment_methods",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("is_default and status = 'active'"),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "rental",
                "subscription",
                "content",
                "service",
                name="plankind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name_ko", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "privacy_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "export", "erase", name="privacykind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "working",
                "done",
                "refused",
                name="privacystatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("privacy_by_customer", "privacy_requests", ["customer_id", "asked_at"], unique=False)
    op.create_table(
        "signups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "started",
                "proved",
                "done",
                "abandoned",
                name="signupstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("return_to", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(
        "signups_open", "signups", ["created_at"], unique=False, postgresql_where=sa.text("not is_over")
    )
    op.create_table(
        "cross_sells",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owns_product_id", sa.String(), nullable=True),
        sa.Column("owns_category", sa.Text(), nullable=False),
        sa.Column("has_plan_id", sa.String(), nullable=True),
        sa.Column("offers_product_id", sa.String(), nullable=True),
        sa.Column("offers_plan_id", sa.String(), nullable=True),
        sa.Column("offers_bundle_id", sa.String(), nullable=True),
        sa.Column("reason_ko", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["has_plan_id"],
            ["plans.id"],
        ),
        sa.ForeignKeyConstraint(
            ["offers_bundle_id"],
            ["bundles.id"],
        ),
        sa.ForeignKeyConstraint(
            ["offers_plan_id"],
            ["plans.id"],
        ),
        sa.ForeignKeyConstraint(
            ["offers_product_id"],
            ["products.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owns_product_id"],
            ["products.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(), nullable=True),
        sa.Column("plan_id", sa.String(), nullable=True),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("bundle_id", sa.Text(), nullable=True),
        sa.Column("name_ko", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("once_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("monthly_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rule", sa.Text(), nullable=False),
        sa.Column("needs_shipping", sa.Boolean(), nullable=False),
        sa.Column("needs_installation", sa.Boolean(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("serials", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        sa.CheckConstraint("once_minor = net_minor + tax_minor", name="order_line_adds_up"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plans.id"],
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "position"),
    )
    op.create_table(
        "order_steps",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "credit",
                "payment",
                "reservation",
                "shipment",
                "installation",
                "activation",
                name="stepkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "doing",
                "done",
                "skipped",
                "undoing",
                "undone",
                "stuck",
                name="stepstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "position"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "plan_versions",
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "review",
                "published",
                "retired",
                name="versionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_until", sa.Date(), nullable=True),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("reviewer_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plans.id"],
        ),
        sa.PrimaryKeyConstraint("plan_id", "version"),
    )
    op.create_index(
        "plan_versions_sold",
        "plan_versions",
        ["effective_from"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_table(
        "shipments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "ready",
                "collected",
                "in_transit",
                "out_for_delivery",
                "delivered",
                "failed",
                "cancelled",
                "returned",
                name="shipmentstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_back_order", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("carrier", "tracking"),
    )
    op.create_index("shipments_by_order", "shipments", ["order_id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("owned_product_id", sa.String(), nullable=True),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("percent_off", sa.Integer(), nullable=False),
        sa.Column("bundle_id", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "active",
                "paused",
                "suspended",
                "ended",
                name="subscriptionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("bill_day", sa.Integer(), nullable=False),
        sa.Column("billed_until", sa.Date(), nullable=True),
        sa.Column("next_bill_on", sa.Date(), nullable=True),
        sa.Column("obligation_until", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owned_product_id"],
            ["owned_products.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["subscriptions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plans.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_subscriptions_order_id"), "subscriptions", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_subscriptions_owned_product_id"), "subscriptions", ["owned_product_id"], unique=False
    )
    op.create_index("subscriptions_by_customer", "subscriptions", ["customer_id", "status"], unique=False)
    op.create_index(
        "subscriptions_due",
        "subscriptions",
        ["next_bill_on", "id"],
        unique=False,
        postgresql_where=sa.text("status in ('active', 'paused')"),
    )
    op.create_table(
        "shipment_events",
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ready",
                "collected",
                "in_transit",
                "out_for_delivery",
                "delivered",
                "failed",
                "cancelled",
                "returned",
                name="shipmentstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id"],
            ["shipments.id"],
        ),
        sa.PrimaryKeyConstraint("carrier", "event_id"),
    )
    op.create_index(op.f("ix_shipment_events_shipment_id"), "shipment_events", ["shipment_id"], unique=False)
    op.create_table(
        "subscription_pauses",
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("subscription_id", "from_on"),
    )
    op.create_table(
        "subscription_changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("submission_key", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "upgrade",
                "downgrade",
                "add_on",
                "drop_add_on",
                "pause",
                "move",
                "transfer",
                "renewal",
                "termination",
                name="changekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "previewed",
                "requested",
                "awaiting",
                "done",
                "cancelled",
                name="changestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("wish", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("preview", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("ticket_id", sa.String(), nullable=True),
        sa.Column("other_customer_id", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["other_customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "submission_key"),
    )
    op.create_index(
        "changes_by_subscription", "subscription_changes", ["subscription_id", "created_at"], unique=False
    )
    op.create_index(
        "one_open_change",
        "subscription_changes",
        ["subscription_id"],
        unique=True,
        postgresql_where=sa.text("status in ('requested', 'awaiting')"),
    )
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name="credit_adds_up"),
        sa.CheckConstraint("total_minor > 0", name="credit_is_positive"),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("credit_notes_by_invoice", "credit_notes", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_credit_notes_case_id"), "credit_notes", ["case_id"], unique=False)
    op.create_table(
        "subscription_charges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("change_id", sa.String(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "recurring",
                "proration",
                "setup",
                "termination_fee",
                "move_fee",
                name="chargekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name_ko", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_rule", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("is_void", sa.Boolean(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name="charge_adds_up"),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["subscription_changes.id"],
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "charges_open",
        "subscription_charges",
        ["customer_id", "id"],
        unique=False,
        postgresql_where=sa.text("document_id is null"),
    )
    op.create_index(
        op.f("ix_subscription_charges_subscription_id"),
        "subscription_charges",
        ["subscription_id"],
        unique=False,
    )
    op.create_index(
        "recurring_once",
        "subscription_charges",
        ["subscription_id", "from_on"],
        unique=True,
        postgresql_where=sa.text("kind = 'recurring' and not is_void"),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "created",
                "succeeded",
                "refused",
                "not_sent",
                "unknown",
                name="refundstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="refund_is_positive"),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["payment_attempts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refunds_by_attempt", "refunds", ["attempt_id"], unique=False)
    op.add_column("invoices", sa.Column("case_id", sa.Text(), nullable=True))
    op.alter_column("invoices", "ticket_id", existing_type=sa.VARCHAR(), nullable=True)
    op.create_index(op.f("ix_invoices_case_id"), "invoices", ["case_id"], unique=False)
    op.add_column(
        "products",
        sa.Column(
            "kind",
            sa.Enum(
                "device",
                "content",
                "service",
                name="productkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            server_default="device",
        ),
    )
    op.add_column("products", sa.Column("price_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("products", sa.Column("is_sold", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column(
        "products", sa.Column("needs_installation", sa.Boolean(), nullable=False, server_default="false")
    )
    op.add_column("products", sa.Column("warranty_months", sa.Integer(), nullable=False, server_default="24"))
    op.add_column("products", sa.Column("about_ko", sa.Text(), nullable=False, server_default=""))
    op.add_column("products", sa.Column("about_en", sa.Text(), nullable=False, server_default=""))
    op.add_column("sent_messages", sa.Column("case_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_sent_messages_case_id"), "sent_messages", ["case_id"], unique=False)
    op.add_column("signed_links", sa.Column("case_id", sa.Text(), nullable=True))
    op.alter_column("signed_links", "ticket_id", existing_type=sa.VARCHAR(), nullable=True)
    op.create_index("signed_links_by_case", "signed_links", ["case_id", "purpose"], unique=False)
    op.add_column("system_calls", sa.Column("case_id", sa.Text(), nullable=True))
    op.add_column(
        "tickets",
        sa.Column(
            "kind",
            sa.Enum(
                "fault",
                "installation",
                "task",
                name="ticketkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
            server_default="fault",
        ),
    )
    op.add_column("tickets", sa.Column("case_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_tickets_case_id"), "tickets", ["case_id"], unique=False)
    op.add_column("timeline_entries", sa.Column("case_id", sa.Text(), nullable=True))
    op.add_column("timeline_entries", sa.Column("customer_id", sa.Text(), nullable=True))
    op.create_index("timeline_by_case", "timeline_entries", ["case_id", "at", "id"], unique=False)
    op.add_column("waits", sa.Column("case_id", sa.Text(), nullable=True))
    op.add_column("waits", sa.Column("customer_id", sa.Text(), nullable=True))
    op.create_index(
        "waits_open_by_case", "waits", ["case_id"], unique=False, postgresql_where=sa.text("ended_at is null")
    )

    for (table, column, name), values in WORDS.items():
        listed = ", ".join(f"'{value}'" for value in values)
        op.execute(f"alter table {table} drop constraint {name}")
        op.execute(f"alter table {table} add constraint {name} check ({column} in ({listed}))")
    op.execute("create sequence order_numbers start 100001")
    op.execute("create sequence change_numbers start 100001")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
