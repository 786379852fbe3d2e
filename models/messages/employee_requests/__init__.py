"""Words about what employees ask for: catalogue items as data, requests, and outside operations."""
