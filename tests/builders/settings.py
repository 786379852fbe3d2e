"""Settings of a test: nothing real, nothing read from the environment."""

from dataclasses import replace
from pathlib import Path

from models.kit.settings import Settings


def some_settings(**changes: object) -> Settings:
    setting = Settings(
        database_url="", secret_key=b"test" * 8, payload_keys=(("test", bytes(32)),), gateway_secret="g",
        gateway_webhook_secret="w", systems_token="s", temporal_address="", temporal_namespace="default",
        temporal_ui_url="", public_url="http://desk.test", gateway_url="http://127.0.0.1:1/gateway",
        gateway_public_url="http://127.0.0.1:1/gateway", mail_url="http://127.0.0.1:1/mail",
        sms_url="http://127.0.0.1:1/sms", desk_address="desk@desk.test",
        files_dir=Path("/nonexistent"), metrics_port=0, log_level="info",
        pool_size=5, is_secure=False, undo_seconds=0,
    )  # fmt: skip
    return replace(setting, **changes)  # type: ignore[arg-type]
