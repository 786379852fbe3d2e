"""Workflows of the tests."""
