"""The app's connection to Temporal: pages are served before it is there, and it is sought until it is."""

import asyncio

import structlog
from fastapi import FastAPI
from temporalio.client import Client

from models.kit.settings import Settings
from workflows.kit.payloads import converter

log = structlog.get_logger()
LONGEST_PAUSE = 5.0


async def keep_connecting(app: FastAPI, settings: Settings) -> None:
    """Put a client on the app's state as soon as Temporal answers; from then on it reconnects by itself."""
    pause = 0.2
    while app.state.client is None:
        try:
            app.state.client = await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=converter(settings.payload_keys),
            )
            log.info("temporal_connected")
        except RuntimeError:
            log.warning("temporal_away", seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
