"""Where the routes of billing meet."""

from api.kit.routes import Router

router = Router()
