"""What a thing is: stored, said, decided. Nothing is imported here, because workflows pass through."""
