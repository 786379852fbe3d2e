"""The routes of partners."""

from api.kit.routes import Router

router = Router()
