"""Which passwords are good enough: long, and not what somebody would try first."""

import re
import unicodedata
from collections.abc import Collection
from itertools import pairwise

SHORTEST, LONGEST_BYTES = 10, 1024
FEWEST_LETTERS = 5
ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb",
    "q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p",
    "가나다라마바사아자차카타파하", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ",
)  # fmt: skip
LOOKS_LIKE = str.maketrans("@$013457!", "asoleastl")
NOT_LETTERS = re.compile(r"[\W_]+")


def weakness(password: str, login: str, name: str, common: Collection[str]) -> str:
    """Why this password is refused ("short", "long", "personal", "simple", "common"), or nothing."""
    if len(password) < SHORTEST:
        return "short"
    if len(password.encode()) > LONGEST_BYTES:
        return "long"
    plain = plainly(password)
    if any(word in plain for word in _about(login, name)):
        return "personal"
    if len(set(plain)) < FEWEST_LETTERS or _is_repeated(plain) or _in_a_row(plain) * 3 >= len(plain) * 2:
        return "simple"
    readings = {plain, plainly(password.translate(LOOKS_LIKE)), plainly(re.sub(r"\W*\d+\W*$", "", password))}
    readings |= {reading.translate(LOOKS_LIKE) for reading in readings}
    readings |= {plainly(re.sub(r"\W*\d+\W*$", "", password).translate(LOOKS_LIKE))}
    readings |= {re.sub(r"^\d+|\d+$", "", reading) for reading in readings}
    return "common" if readings & set(common) else ""


def plainly(text: str) -> str:
    """Only letters and digits, in lower case."""
    return NOT_LETTERS.sub("", unicodedata.normalize("NFC", text).casefold())


def _about(login: str, name: str) -> set[str]:
    parts = {plainly(login.partition("@")[0]), plainly(name), *map(plainly, name.split())}
    return {part for part in parts if len(part) >= 3}


def _is_repeated(text: str) -> bool:
    """The same few letters again and again."""
    return any(
        text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 2 + 1)
    )


def _in_a_row(text: str) -> int:
    """How many letters stand in runs of four or more, as on the keyboard, in the alphabet, or repeated."""
    rows = [line for row in ROWS for line in (row, row[::-1])]
    neighbours = {pair for row in rows for pair in pairwise(row)}
    counted, run = 0, 1
    for pair in [*pairwise(text), ("", "end")]:
        if pair in neighbours or pair[0] == pair[1]:
            run += 1
            continue
        counted += run if run >= 4 else 0
        run = 1
    return counted
