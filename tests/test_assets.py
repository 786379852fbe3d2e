"""Vendor files: pinned, built once, and only icons that exist."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops import assets


def test_an_unknown_icon_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.html").write_text("{{ ic('truck') }}{{ ui.button(text, icon=\"trukc\") }}")

    with pytest.raises(SystemExit, match="trukc"):
        assets.named_icons(tmp_path, {"truck"})


def test_icons_in_tables_of_data_count(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "x.py").write_text('LABELS = {"on_site": Label("On site", "violet", "truck")}')

    assert assets.named_icons(tmp_path, {"truck", "wrench"}) == {"truck"}


def test_a_file_that_is_not_the_pinned_one_ends_the_run() -> None:
    with pytest.raises(SystemExit, match="pinned"):
        replace(assets.ICONS, sha256="0" * 64).read()


def test_what_is_up_to_date_is_not_built_again() -> None:
    assets.build()

    assert assets.build() == []


def test_makers_and_licences_are_named() -> None:
    assets.build()

    text = (assets.ROOT / "static" / "vendor" / "NOTICE").read_text()
    for words in ("Zero-Clause BSD", "ISC", "SIL OPEN FONT LICENSE", "Inter", "Noto Sans KR"):
        assert words in text
