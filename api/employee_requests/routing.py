"""The routes of employee requests."""

from api.kit.routes import EMPLOYEES, STAFF, Router

PORTAL = EMPLOYEES | STAFF  # whoever works here may ask for something; who is an employee, the row says
router = Router()
