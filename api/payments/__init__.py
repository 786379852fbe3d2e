"""Paying, giving money back, and what the gateway tells us."""

from api.payments import collections, deposits, methods, refunds, saved, transfers
from api.payments.charges import pay_page
from api.payments.routing import router

__all__ = ["collections", "deposits", "methods", "pay_page", "refunds", "router", "saved", "transfers"]
