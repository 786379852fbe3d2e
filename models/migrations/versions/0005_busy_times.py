"""When the technician of a visit cannot come, for whoever may choose that visit's time: times, never names."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KIND = "(select nullif(current_setting('ieum.kind', true), ''))"
# The asking customer or link, for a visit of theirs; staff for any.
MAY = f"""exists (select 1 from visits mine where mine.technician_id = technician and not mine.is_over and (
    {KIND} = 'staff'
    or ({KIND} = 'customer' and mine.customer_id = nullif(current_setting('ieum.customer', true), ''))
    or ({KIND} = 'link' and mine.ticket_id = nullif(current_setting('ieum.ticket', true), ''))))"""
FUNCTIONS = {
    "ieum_busy_times(technician text, without_visit text)": (
        "table (starts_at timestamptz, ends_at timestamptz)",
        f"""select v.starts_at, v.ends_at from visits v where {MAY} and v.technician_id = technician
    and v.id <> without_visit and v.status in ('scheduled', 'travelling', 'arrived', 'working')
    and v.ends_at > now() and v.starts_at is not null""",
    ),
    "ieum_days_off(technician text)": (
        "table (day date)",
        f"""select a.day from technician_absences a where {MAY} and a.technician_id = technician
    and a.day >= current_date - 1""",
    ),
    "ieum_shifts(technician text)": (
        "table (weekday int, starts time, ends time)",
        f"""select s.weekday, s.starts, s.ends from technician_shifts s
  where {MAY} and s.technician_id = technician""",
    ),
}


def upgrade() -> None:
    for signature, (answer, body) in FUNCTIONS.items():
        op.execute(
            f"create function {signature} returns {answer} language sql stable security definer"
            f" set search_path = pg_catalog, public, pg_temp as $$ {body} $$"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
