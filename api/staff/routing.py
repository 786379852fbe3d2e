"""The routes of people who sign in."""

from api.kit.routes import Router

router = Router()
