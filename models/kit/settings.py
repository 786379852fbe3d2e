"""Every setting of the house, read once from the environment; docs/settings.md explains each."""

import base64
import os
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

LOOK_UPS = "5,30,120,300,3600,86400,86400,86400,86400,86400"


def _read(name: str, default: str | None = None) -> str:
    """The variable NAME, or the content of the file that NAME_FILE points to."""
    if name in os.environ:
        return os.environ[name]
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    if default is None:
        raise SystemExit(f"The setting {name} (or {name}_FILE) is missing; docs/settings.md explains it.")
    return default


def _keys(text: str) -> tuple[tuple[str, bytes], ...]:
    """`k1:<base64>,k0:<base64>` as pairs; the first key encrypts, all of them decrypt."""
    pairs = (part.split(":", 1) for part in text.split(",") if part)
    return tuple((name, base64.b64decode(key)) for name, key in pairs)


def _numbers(text: str) -> tuple[int, ...]:
    """`5,30,3600` as whole numbers; a mistake ends the start, not the first payment."""
    return tuple(int(part) for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class Settings:
    """What an operator may set; no secret has a default."""

    database_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    payload_keys: tuple[tuple[str, bytes], ...] = field(repr=False)
    gateway_secret: str = field(repr=False)
    gateway_webhook_secret: str = field(repr=False)
    systems_token: str = field(repr=False)
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str
    public_url: str
    gateway_url: str
    gateway_public_url: str
    mail_url: str
    sms_url: str
    desk_address: str
    files_dir: Path
    metrics_port: int
    log_level: str
    pool_size: int
    is_secure: bool
    carrier_webhook_secret: str = field(default="", repr=False)  # empty: nothing is heard from a carrier
    stock_webhook_secret: str = field(default="", repr=False)  # empty: nothing is heard from the warehouse
    sms_webhook_secret: str = field(default="", repr=False)  # empty: no text is heard
    telephony_webhook_secret: str = field(default="", repr=False)  # empty: no call is heard of
    stock_url: str = "http://127.0.0.1:9000/stock"
    carrier_url: str = "http://127.0.0.1:9000/carrier"
    credit_url: str = "http://127.0.0.1:9000/credit"
    service_url: str = "http://127.0.0.1:9000/service"
    alimtalk_url: str = "http://127.0.0.1:9000/alimtalk"
    hr_url: str = "http://127.0.0.1:9000/hr"
    hr_most_leavers: int = 20  # of one day; 0: however many
    directory_url: str = "http://127.0.0.1:9000/directory/scim/v2"
    office_url: str = "http://127.0.0.1:9000/office"
    tracking_url: str = "http://127.0.0.1:9000/carrier/track"
    gateway_patience_seconds: int = 40
    gateway_latency_seconds: int = 60
    gateway_look_up_after: tuple[int, ...] = (5, 30, 120, 300, 3_600, *(86_400,) * 5)
    gateway_late_news_seconds: int = 600
    gateway_per_second: float = 50.0
    bank_url: str = "http://127.0.0.1:9000/bank"
    tax_url: str = "http://127.0.0.1:9000/tax"
    bank_webhook_secret: str = field(default="", repr=False)  # empty: no deposit is heard of
    stripe_url: str = ""  # empty: nobody is charged through Stripe
    stripe_secret: str = field(default="", repr=False)
    stripe_webhook_secret: str = field(default="", repr=False)
    stripe_per_second: float = 25.0
    marketing_url: str = "http://127.0.0.1:9000/marketing"
    accounting_url: str = "http://127.0.0.1:8069"
    accounting_database: str = "ieum_erp"
    accounting_user: str = "ieum"
    accounting_password: str = field(default="", repr=False)  # empty: there is no ERP, a close waits for one
    mail_addresses: tuple[str, ...] = ("help@localhost",)
    mail_vouched_by: str = ""  # empty: nobody vouches for senders
    undo_seconds: int = 10  # in which a person may take back what they sent


@dataclass(frozen=True)
class LetterboxSettings:
    """All that the door for mails is told: it can put mails down and has no other secret."""

    database_url: str = field(repr=False)
    files_dir: Path
    log_level: str
    mail_addresses: tuple[str, ...]
    mail_listen: str
    mail_most_bytes: int
    mail_certificate: str
    mail_certificate_key: str
    imap_url: str
    imap_password: str = field(repr=False)
    imap_after: str
    imap_seconds: int


@cache
def settings(database: str = "DATABASE_URL") -> Settings:
    """Read the environment once; the worker asks for DATABASE_WORKER_URL."""
    public_url = _read("PUBLIC_URL", "http://localhost:8000").rstrip("/")
    gateway_url = _read("GATEWAY_URL", "http://127.0.0.1:9000/gateway").rstrip("/")
    return Settings(
        database_url=_read(database),
        secret_key=_read("SECRET_KEY").encode(),
        payload_keys=_keys(_read("PAYLOAD_KEYS")),
        gateway_secret=_read("GATEWAY_SECRET"),
        gateway_webhook_secret=_read("GATEWAY_WEBHOOK_SECRET"),
        systems_token=_read("SYSTEMS_TOKEN"),
        temporal_address=_read("TEMPORAL_ADDRESS", "127.0.0.1:7233"),
        temporal_namespace=_read("TEMPORAL_NAMESPACE", "default"),
        temporal_ui_url=_read("TEMPORAL_UI_URL", "http://localhost:8233").rstrip("/"),
        public_url=public_url,
        gateway_url=gateway_url,
        gateway_public_url=_read("GATEWAY_PUBLIC_URL", gateway_url).rstrip("/"),
        gateway_patience_seconds=int(_read("GATEWAY_PATIENCE_SECONDS", "40")),
        gateway_latency_seconds=int(_read("GATEWAY_LATENCY_SECONDS", "60")),
        gateway_look_up_after=_numbers(_read("GATEWAY_LOOK_UP_AFTER", LOOK_UPS)),
        gateway_late_news_seconds=int(_read("GATEWAY_LATE_NEWS_SECONDS", "600")),
        desk_address=_read("DESK_ADDRESS", "desk@localhost"),
        files_dir=Path(_read("FILES_DIR", "files")),
        metrics_port=int(_read("METRICS_PORT", "9464")),
        log_level=_read("LOG_LEVEL", "info"),
        pool_size=int(_read("POOL_SIZE", "10")),
        is_secure=public_url.startswith("https://"),
        **_collecting(),
        **_beside(),
    )


def _collecting() -> dict[str, Any]:
    """What collections, bank files and deposits need."""
    return {
        "gateway_per_second": float(_read("GATEWAY_PER_SECOND", "50")),
        "bank_url": _read("BANK_URL", "http://127.0.0.1:9000/bank").rstrip("/"),
        "tax_url": _read("TAX_URL", "http://127.0.0.1:9000/tax").rstrip("/"),
        "bank_webhook_secret": _read("BANK_WEBHOOK_SECRET", ""),
        "stripe_url": _read("STRIPE_URL", "").rstrip("/"),
        "stripe_secret": _read("STRIPE_SECRET", ""),
        "stripe_webhook_secret": _read("STRIPE_WEBHOOK_SECRET", ""),
        "stripe_per_second": float(_read("STRIPE_PER_SECOND", "25")),
    }


def _beside() -> dict[str, Any]:
    """Where the other outside systems are, and what they know us by."""
    return {
        "stock_url": _read("STOCK_URL", "http://127.0.0.1:9000/stock").rstrip("/"),
        "carrier_url": _read("CARRIER_URL", "http://127.0.0.1:9000/carrier").rstrip("/"),
        "credit_url": _read("CREDIT_URL", "http://127.0.0.1:9000/credit").rstrip("/"),
        "service_url": _read("SERVICE_URL", "http://127.0.0.1:9000/service").rstrip("/"),
        "hr_most_leavers": int(_read("HR_MOST_LEAVERS", "20")),
        "hr_url": _read("HR_URL", "http://127.0.0.1:9000/hr").rstrip("/"),
        "directory_url": _read("DIRECTORY_URL", "http://127.0.0.1:9000/directory/scim/v2").rstrip("/"),
        "office_url": _read("OFFICE_URL", "http://127.0.0.1:9000/office").rstrip("/"),
        "alimtalk_url": _read("ALIMTALK_URL", "http://127.0.0.1:9000/alimtalk").rstrip("/"),
        "tracking_url": _read("TRACKING_URL", "http://127.0.0.1:9000/carrier/track").rstrip("/"),
        "accounting_url": _read("ACCOUNTING_URL", "http://127.0.0.1:8069").rstrip("/"),
        "accounting_database": _read("ACCOUNTING_DATABASE", "ieum_erp"),
        "accounting_user": _read("ACCOUNTING_USER", "ieum"),
        "accounting_password": _read("ACCOUNTING_PASSWORD", ""),
        "mail_addresses": _addresses(),
        "mail_vouched_by": _read("MAIL_VOUCHED_BY", ""),
        "undo_seconds": int(_read("UNDO_SECONDS", "10")),
        "mail_url": _read("MAIL_URL", "http://127.0.0.1:9000/mail").rstrip("/"),
        "marketing_url": _read("MARKETING_URL", "http://127.0.0.1:9000/marketing").rstrip("/"),
        "sms_url": _read("SMS_URL", "http://127.0.0.1:9000/sms").rstrip("/"),
        "carrier_webhook_secret": _read("CARRIER_WEBHOOK_SECRET", ""),
        "stock_webhook_secret": _read("STOCK_WEBHOOK_SECRET", ""),
        "sms_webhook_secret": _read("SMS_WEBHOOK_SECRET", ""),
        "telephony_webhook_secret": _read("TELEPHONY_WEBHOOK_SECRET", ""),
    }


def _addresses() -> tuple[str, ...]:
    """`help@a.example,desk@a.example`: the first is what letters are answered to."""
    found = tuple(one.strip().lower() for one in _read("MAIL_ADDRESSES", "help@localhost").split(","))
    if not all(one.count("@") == 1 and "+" not in one for one in found):
        raise SystemExit("MAIL_ADDRESSES holds something that is no address; docs/settings.md explains it.")
    return found


def letterbox_settings() -> LetterboxSettings:
    """Read what the door for mails needs, and nothing else."""
    after = _read("IMAP_AFTER", "keep")
    if after not in ("keep", "delete"):
        raise SystemExit("IMAP_AFTER is keep or delete; docs/settings.md explains it.")
    return LetterboxSettings(
        database_url=_read("DATABASE_URL"),
        files_dir=Path(_read("FILES_DIR", "files")),
        log_level=_read("LOG_LEVEL", "info"),
        mail_addresses=_addresses(),
        mail_listen=_read("MAIL_LISTEN", "127.0.0.1:2525"),
        mail_most_bytes=int(_read("MAIL_MOST_BYTES", "26214400")),
        mail_certificate=_read("MAIL_CERTIFICATE", ""),
        mail_certificate_key=_read("MAIL_CERTIFICATE_KEY", ""),
        imap_url=_read("IMAP_URL", ""),
        imap_password=_read("IMAP_PASSWORD", ""),
        imap_after=after,
        imap_seconds=int(_read("IMAP_SECONDS", "30")),
    )


def names() -> tuple[str, ...]:
    """The environment names behind the fields, for the documentation test."""
    derived = {"is_secure"}
    every = (*fields(Settings), *fields(LetterboxSettings))
    return tuple(dict.fromkeys(f.name.upper() for f in every if f.name not in derived))
