"""Runs the relay alone, beside workers that are busy or elsewhere: `python -m ops.relay`."""

import asyncio

from activities.kit.outbox import Relay
from activities.kit.running import connect, run_until_stopped
from models.kit.engine import engine_for
from models.kit.logs import log_as_json
from models.kit.settings import settings
from workflows.kit.payloads import converter


async def main() -> None:
    """Empty the outbox until asked to stop."""
    setting = settings("DATABASE_WORKER_URL")
    log_as_json(setting.log_level)
    engine = engine_for(setting.database_url, pool_size=setting.pool_size, application="ieum-relay")
    client = await connect(setting, converter(setting.payload_keys))
    await run_until_stopped([], Relay(engine, client).run())
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
