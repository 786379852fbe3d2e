"""The one router of the channels; the files beside it declare their routes on it."""

from api.kit.routes import Router

router = Router()
