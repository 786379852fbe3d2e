"""What changed between two texts."""

from api.kit.comparing import DiffLine, compared


def test_a_changed_line_is_told_however_it_begins() -> None:
    told = compared("a\n-- b\n++ c", "a\n++ d\n-- e")

    assert {one for one in told if one.sign in ("+", "-")} == {
        DiffLine("-", "-- b"), DiffLine("-", "++ c"), DiffLine("+", "++ d"), DiffLine("+", "-- e"),
    }  # fmt: skip


def test_what_is_the_same_is_no_change_and_what_is_new_is_all_there() -> None:
    assert compared("a", "a") == ()
    assert [one.text for one in compared("", "a\nb") if one.sign == "+"] == ["a", "b"]
