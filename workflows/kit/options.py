"""Every timeout and retry policy of the house, named once."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class ActivityOptions(TypedDict, total=False):
    """The part of `execute_activity`'s options that the house decides."""

    task_queue: str
    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


DESK_QUEUE = "desk"
BATCH_QUEUE = "batch"
PAYMENTS_QUEUE = "system-payments"
MAIL_QUEUE = "system-mail"
SMS_QUEUE = "system-sms"
MARKETING_QUEUE = "system-marketing"
STOCK_QUEUE = "system-stock"
CARRIER_QUEUE = "system-carrier"
CREDIT_QUEUE = "system-credit"
ACCOUNTING_QUEUE = "system-accounting"
SERVICE_QUEUE = "system-service"
BANK_QUEUE = "system-bank"
TAX_QUEUE = "system-tax"
INBOUND_QUEUE = "system-inbound"
HR_QUEUE = "system-hr"
DIRECTORY_QUEUE = "system-directory"
OFFICE_QUEUE = "system-office"

# Whoever asks outside is heard every few seconds (the worker sees to it), so that a call that died with its
# worker is noticed long before its time is over.
HEARD = timedelta(seconds=15)

# A short SQL step: tried until the database is back, soon again at first.
ROWS: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
}

# A letter or SMS: idempotent by key, tried for a day, then a person is told.
LETTER: ActivityOptions = {
    "task_queue": MAIL_QUEUE,
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(days=1),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
}

# A call that moves money: asked once. An unclear answer is looked up, never simply asked again.
MONEY: ActivityOptions = {
    "task_queue": PAYMENTS_QUEUE,
    "start_to_close_timeout": timedelta(seconds=45),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(maximum_attempts=1),
}

# Billing keys: no money moves, the same key gives the same answer; the form's answer lives for an hour.
KEYS: ActivityOptions = {
    "task_queue": PAYMENTS_QUEUE,
    "start_to_close_timeout": timedelta(seconds=45),
    "schedule_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
}

# A key that has to go before a customer is forgotten: a day, then the timeline says that it is left.
LAST_KEYS: ActivityOptions = {**KEYS, "schedule_to_close_timeout": timedelta(days=1)}

# A look-up changes nothing, so it may be tried again.
LOOK_UP: ActivityOptions = {
    "task_queue": PAYMENTS_QUEUE,
    "start_to_close_timeout": timedelta(seconds=30),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=5
    ),
}

# A one-time code: after ten minutes it would be of no use to anybody.
CODE: ActivityOptions = {
    "task_queue": MAIL_QUEUE,
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
    ),
}

# The CRM is told until it knows: every upsert carries its version, so a late one changes nothing.
MARKETING: ActivityOptions = {
    "task_queue": MARKETING_QUEUE,
    "start_to_close_timeout": timedelta(seconds=45),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10)
    ),
}
# A slice of a collection: claimed in SQL, so that a second try goes on where the first one ended.
SLICE: ActivityOptions = {
    "task_queue": BATCH_QUEUE,
    "start_to_close_timeout": timedelta(minutes=30),
    "heartbeat_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
}
# Letters of a slice: a mail system that is down for a day holds nothing up any longer.
NOTICES: ActivityOptions = {**SLICE, "schedule_to_close_timeout": timedelta(days=1)}
# Rows written in sets: short, but longer than one row.
SETS: ActivityOptions = {
    "task_queue": BATCH_QUEUE,
    "start_to_close_timeout": timedelta(minutes=5),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)
    ),
}

# A call that an outside system takes once per key: asked until it answers, however long it is away; a minute
# after it is back, everything goes on (measured: with five minutes one order of sixty waited that long).
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
STOCK: ActivityOptions = {
    "task_queue": STOCK_QUEUE, "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
CARRIER: ActivityOptions = {
    "task_queue": CARRIER_QUEUE, "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
CREDIT: ActivityOptions = {
    "task_queue": CREDIT_QUEUE, "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
# A slice of a run: one long transaction that either is there or is not; its worker is heard while it works.
BATCH: ActivityOptions = {
    "task_queue": BATCH_QUEUE,
    "start_to_close_timeout": timedelta(minutes=15),
    "heartbeat_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)
    ),
}
# The books of the ERP: looked up before anything is made, asked for as long as it is away.
ACCOUNTING: ActivityOptions = {
    "task_queue": ACCOUNTING_QUEUE, "start_to_close_timeout": timedelta(minutes=3),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
# Set-based work over a million rows, slice by slice; a slice that is done is not done again.
SLICES: ActivityOptions = {
    "task_queue": BATCH_QUEUE,
    "start_to_close_timeout": timedelta(hours=6),
    "heartbeat_timeout": timedelta(minutes=2),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)
    ),
}
# The letters of a slice, for as long as the mail system needs to come back.
BILL_LETTERS: ActivityOptions = {
    "task_queue": MAIL_QUEUE,
    "start_to_close_timeout": timedelta(hours=2),
    "heartbeat_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
}
SERVICE: ActivityOptions = {
    "task_queue": SERVICE_QUEUE, "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
# A file that the bank takes once per name, however often it is handed in or read.
BANK: ActivityOptions = {
    "task_queue": BANK_QUEUE, "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
# A result that is read again in half an hour anyway.
FETCH: ActivityOptions = {**BANK, "schedule_to_close_timeout": timedelta(minutes=30)}
# Documents for the tax office: claimed in SQL, so that a second try goes on where the first one ended.
TAX: ActivityOptions = {**SLICE, "task_queue": TAX_QUEUE}
# A mail that came in: read in another process within seconds, again when its worker died over it.
INBOUND: ActivityOptions = {
    "task_queue": INBOUND_QUEUE, "start_to_close_timeout": timedelta(minutes=2),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
# A page of the HR system's news: it is asked again in a minute anyway, and nothing else waits for it.
HR: ActivityOptions = {
    "task_queue": HR_QUEUE,
    "start_to_close_timeout": timedelta(seconds=30),
    "schedule_to_close_timeout": timedelta(seconds=40),
    "heartbeat_timeout": HEARD,
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)
    ),
}
DIRECTORY: ActivityOptions = {
    "task_queue": DIRECTORY_QUEUE, "start_to_close_timeout": timedelta(seconds=60),
    "heartbeat_timeout": HEARD, "retry_policy": PATIENT,
}  # fmt: skip
OFFICE: ActivityOptions = {**DIRECTORY, "task_queue": OFFICE_QUEUE}
