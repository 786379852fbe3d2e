"""Where the routes of payments meet."""

from api.kit.routes import Router

router = Router()
