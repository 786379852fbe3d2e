"""Paying, giving money back, and what the gateway tells us."""

from api.payments import methods, refunds, saved
from api.payments.charges import pay_page
from api.payments.routing import router

__all__ = ["methods", "pay_page", "refunds", "router", "saved"]
