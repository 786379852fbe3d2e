"""What is said about money owed: invoices, bill runs, the books."""

from models.messages.billing import invoices, runs

SENTENCES: dict[str, str] = {**invoices.SENTENCES, **runs.SENTENCES}
