"""The only place where anything leaves the house: one file per capability."""
