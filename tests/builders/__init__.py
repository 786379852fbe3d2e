"""Plain functions that make sample rows with good defaults."""
