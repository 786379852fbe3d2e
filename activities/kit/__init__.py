"""What every activity shares: transactions, outbox, inbox, letters."""
