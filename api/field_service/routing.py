"""The routes of visits."""

from api.kit.routes import Router

router = Router()
