"""Letters as they are written: templates in the reader's language; values and links are passed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates, numbers
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

ROOT = Path(__file__).resolve().parent.parent.parent
SEOUL = ZoneInfo("Asia/Seoul")
LOCALES = ("ko", "en")
PATTERNS = {
    "ko": {"moment": "M월 d일 (EEE) HH:mm", "day": "y년 M월 d일"},
    "en": {"moment": "EEE, d MMM, HH:mm", "day": "d MMMM y"},
}


@dataclass(frozen=True)
class Mailing:
    """One mail, ready to be sent."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Stationery:
    """Writes letters from `templates/<word>/letters/<name>.{subject.txt,txt,html,sms.txt}`."""

    templates: Path = ROOT / "templates"
    locales: Path = ROOT / "locales"
    environments: dict[str, Environment] = field(default_factory=dict, repr=False)

    def mail(self, template: str, locale: str, values: Mapping[str, Any]) -> Mailing:
        """Write a letter for an e-mail address; the subject is one line whatever the values hold."""
        subject = " ".join(self.render(template, "subject.txt", locale, values).split())
        html = self.render(template, "html", locale, {**values, "title": subject})
        return Mailing(subject, self.render(template, "txt", locale, values), html)

    def sms(self, template: str, locale: str, values: Mapping[str, Any]) -> str:
        """Write the short form for a phone: one line."""
        return " ".join(self.render(template, "sms.txt", locale, values).split())

    def render(self, template: str, form: str, locale: str, values: Mapping[str, Any]) -> str:
        """One form of a letter. A value that the template needs and does not get is an error."""
        word, name = template.split("/")
        return self.environment(locale).get_template(f"{word}/letters/{name}.{form}").render(values)

    def environment(self, locale: str) -> Environment:
        """The templates in one language; Korean when we do not speak the reader's."""
        spoken = locale if locale in LOCALES else "ko"
        if spoken not in self.environments:
            self.environments[spoken] = self._open(spoken)
        return self.environments[spoken]

    def _open(self, locale: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self.templates),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(words(locale, self.locales), newstyle=True)  # type: ignore[attr-defined]
        environment.globals["locale"] = locale
        environment.filters["moment"] = lambda value: written(value, "moment", locale)
        environment.filters["day"] = lambda value: written(value, "day", locale)
        return environment


def said(locale: str, text: str) -> str:
    """One of our sentences in a reader's language; Korean when we do not speak theirs."""
    return str(words(locale if locale in LOCALES else "ko").gettext(text))


def words(locale: str, locales: Path = ROOT / "locales") -> NullTranslations:
    """Everything that we can say in one language."""
    compiled = locales / locale / "LC_MESSAGES" / "messages.mo"
    return Translations.load(locales, [locale]) if compiled.exists() else NullTranslations()


def written(value: datetime, pattern: str, locale: str) -> str:
    """A moment on a Korean clock in the reader's language."""
    local = value.astimezone(SEOUL)
    return dates.format_datetime(local, PATTERNS[locale][pattern], tzinfo=SEOUL, locale=locale)


def money(minor: int, currency: str, locale: str) -> str:
    """An amount as a reader writes it: 55,000원 in Korean, ₩55,000 in English."""
    if currency == "KRW" and locale != "en":
        return f"{minor:,}원"
    digits = numbers.get_currency_precision(currency)
    return numbers.format_currency(Decimal(minor).scaleb(-digits), currency, locale=locale)
