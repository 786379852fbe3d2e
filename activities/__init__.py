"""What each word does to the world: rows, letters, outside calls."""
