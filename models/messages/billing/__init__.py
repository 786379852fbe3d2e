"""What is said about money owed: invoices, bill runs, write-offs, the books."""

from models.messages.billing import close, invoices, runs, write_offs

SENTENCES: dict[str, str] = {
    **invoices.SENTENCES, **runs.SENTENCES, **close.SENTENCES, **write_offs.SENTENCES,
}  # fmt: skip
