"""What every router shares: rendering, people, rights, forms, live updates."""
