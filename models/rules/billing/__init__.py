"""Pure decisions about money owed: one invoice, a bill run, a month's books."""
