"""One-time codes: derived from the house's secret, so that nothing but a keyed hash is ever stored."""

import hashlib
import hmac

DIGITS = 6


def one_time_code(secret: bytes, signup_id: str, number: int) -> str:
    """The n-th code of a signup: six digits; asked again it is the same."""
    made = hmac.new(secret, f"one-time-code:{signup_id}:{number}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(made) % 10**DIGITS:0{DIGITS}d}"


def code_hash(secret: bytes, signup_id: str, code: str) -> str:
    """What is stored of a code: useless without the secret."""
    return hmac.new(secret, f"code-hash:{signup_id}:{code}".encode(), hashlib.sha256).hexdigest()


def resume_token(secret: bytes, signup_id: str) -> str:
    """256 bits in the reminder's link that nobody guesses who does not hold the secret."""
    return hmac.new(secret, f"signup-resume:{signup_id}".encode(), hashlib.sha256).hexdigest()
