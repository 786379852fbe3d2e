"""Money as integers of minor units; the Korean won has none."""

from dataclasses import dataclass

EXPONENT = {"KRW": 0, "USD": 2, "EUR": 2, "JPY": 0}


@dataclass(frozen=True)
class Money:
    """An amount of one currency, in its minor unit."""

    minor: int
    currency: str = "KRW"

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError("cannot add two currencies")
        return Money(self.minor + other.minor, self.currency)


def divide_half_up(numerator: int, denominator: int) -> int:
    """The one rounding of the house: half up, away from zero for negatives."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    quotient, rest = divmod(abs(numerator), abs(denominator))
    return sign * (quotient + (1 if 2 * rest >= abs(denominator) else 0))


def shown(minor: int, currency: str = "KRW") -> str:
    """An amount for sentences stored as data, the same in Korean and English: ₩110,000."""
    digits = EXPONENT[currency]
    if digits == 0:
        return f"₩{minor:,}" if currency == "KRW" else f"{currency} {minor:,}"
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{currency} {whole:,}.{rest:0{digits}d}"
