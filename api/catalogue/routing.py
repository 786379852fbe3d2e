"""The routes of the catalogue: the shop for everybody, and the pages on which it is edited."""

from api.kit.routes import Router

router = Router()
