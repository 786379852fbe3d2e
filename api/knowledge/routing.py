"""The routes of knowledge."""

from api.kit.routes import Router

router = Router()
