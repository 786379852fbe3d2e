"""Builders of the tests."""
