"""Rules of the tests."""
