"""Visits as technicians, dispatchers and customers see and steer them."""

from api.field_service import words
from api.field_service.acts import take_all
from api.field_service.day import index
from api.field_service.job import show
from api.field_service.links import track
from api.field_service.report import show_report
from api.field_service.routing import router

__all__ = ["index", "router", "show", "show_report", "take_all", "track", "words"]
