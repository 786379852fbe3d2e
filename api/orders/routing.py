"""The routes of orders."""

from api.kit.routes import Router

router = Router()
