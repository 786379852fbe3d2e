"""The life of each thing: one Temporal workflow file per word."""
