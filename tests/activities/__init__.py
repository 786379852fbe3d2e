"""Activities of the tests."""
