"""What is said about money owed: invoices, bill runs, the books."""

from models.messages.billing import invoices, write_offs

SENTENCES: dict[str, str] = {**invoices.SENTENCES, **write_offs.SENTENCES}
