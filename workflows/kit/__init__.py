"""What every workflow shares: waiting, options, deadlines."""
