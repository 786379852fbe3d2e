"""One file per claim; each prints one JSON line last."""
