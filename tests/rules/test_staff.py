"""Which passwords are refused, and why."""

from pathlib import Path

import pytest

from models.rules.staff.passwords import weakness

COMMON = frozenset(
    (Path(__file__).parents[2] / "models/kit/common_passwords.txt").read_text(encoding="utf-8").split()
)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "short"),
        ("123456789", "short"),
        ("가나다라마바사아자", "short"),
        ("가" * 400, "long"),
        ("minji.kim-2026", "personal"),
        ("MINJIKIM!!2026", "personal"),
        ("김민지입니다2026", "personal"),
        ("aaaaaaaaaaaa", "simple"),
        ("abcabcabcabc", "simple"),
        ("abcdefghijkl", "simple"),
        ("0987654321!!", "simple"),
        ("qwertyuiop12", "simple"),
        ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "simple"),
        ("1q2w3e4r5t6y", "simple"),
        ("12121212121212", "simple"),
        ("correct horse battery staple", "common"),
        ("Password2026!", "common"),
        ("P@ssw0rd!2026", "common"),
        ("administrator1", "common"),
        ("qlalfqjsgh1234", "common"),
        ("감사합니다12345", "common"),
        ("helpdesk-2026", "common"),
        ("차가운 유리컵 셋과 노을", ""),
        ("violet tractor hums at dawn", ""),
        ("vT7#kp!x2Lq9", ""),
        ("x" * 5 + "The quick 9 foxes ate", ""),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password: str, why: str) -> None:
    assert weakness(password, "minjikim@example.com", "김민지", COMMON) == why


def test_the_list_of_common_passwords_is_long_enough_and_plain() -> None:
    assert len(COMMON) >= 200
    assert all(word == word.casefold() and word.isalnum() for word in COMMON)


def test_a_short_name_forbids_nothing() -> None:
    assert weakness("violet tractor hums", "vi@example.com", "Vi", COMMON) == ""
