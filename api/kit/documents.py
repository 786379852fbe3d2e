"""Documents as PDF: our own fonts with every Hangul syllable, our own pictures, nothing from outside."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace
from PIL import Image

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
FONT, LINE = "document", 6.5
INK, GRAY = (28, 31, 38), (100, 106, 117)
STROKE = re.compile(r"([A-Za-z])([^A-Za-z]*)")
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
PAD = (1000, 320)  # units of a signature, as static/signature.js draws it


class Paper:
    """One A4 document, written from top to bottom; text is only ever shown, never read as markup."""

    def __init__(self, title: str, language: str) -> None:
        self.pdf = FPDF(format="A4")
        self.pdf.set_title(title)
        self.pdf.set_lang(language)
        self.pdf.set_creator("Ieum")
        self.pdf.set_margin(20)
        self.pdf.set_auto_page_break(True, 20)
        self.pdf.add_font(FONT, "", VENDOR / "document-regular.ttf")
        self.pdf.add_font(FONT, "B", VENDOR / "document-bold.ttf")
        self.pdf.add_page()
        self.pdf.set_text_color(*INK)
        self.heading(title)

    def heading(self, text: str) -> None:
        """The title of the document."""
        self._text(text, 18, "B", 10)

    def note(self, text: str) -> None:
        """A small line."""
        self.pdf.set_text_color(*GRAY)
        self._text(text, 8.5, "", 5)
        self.pdf.set_text_color(*INK)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values, one below the other."""
        self.pdf.ln(2)
        for name, value in rows:
            self.pdf.set_font(FONT, "", 10)
            self.pdf.set_text_color(*GRAY)
            self.pdf.cell(45, LINE, name)
            self.pdf.set_text_color(*INK)
            self.pdf.multi_cell(0, LINE, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.pdf.ln(3)

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], sums: Sequence[Sequence[str]]
    ) -> None:
        """Rows under a head, the first column wide, the others to the right; sums in bold below."""
        self.pdf.set_font(FONT, "", 9.5)
        widths = (8, *(3 for _ in head[1:]))
        sides = ("LEFT", *("RIGHT" for _ in head[1:]))
        strong = FontFace(emphasis="BOLD")
        with self.pdf.table(
            col_widths=widths, text_align=sides, borders_layout="HORIZONTAL_LINES", line_height=LINE,
            headings_style=strong, padding=1,
        ) as table:  # fmt: skip
            table.row(list(head))
            for row in rows:
                table.row(list(row))
            for row in sums:
                table.row(list(row), style=strong)
        self.pdf.ln(4)

    def pictures(self, shots: Sequence[tuple[str, Path]]) -> None:
        """Photos with their titles, two beside each other; one whose file is gone is left out."""
        wide, high = 82.0, 62.0
        there = [(title, path) for title, path in shots if path.is_file()]
        for place, (title, path) in enumerate(there):
            if place % 2 == 0:
                if self.pdf.will_page_break(high + LINE):
                    self.pdf.add_page()
                top = self.pdf.get_y()
            left = self.pdf.l_margin + (wide + 6) * (place % 2)
            self.pdf.set_xy(left, top)
            self.pdf.set_font(FONT, "", 8.5)
            self.pdf.cell(wide, 5, title)
            self.pdf.image(small(path), left, top + 5, wide, high - 7, keep_aspect_ratio=True)
            self.pdf.set_y(top + high)
        self.pdf.ln(2)

    def strokes(self, title: str, path: str, name: str) -> None:
        """A signature as it was drawn, with a line and the name of who signed below it."""
        wide = 70.0
        scale, high = wide / PAD[0], wide * PAD[1] / PAD[0]
        if self.pdf.will_page_break(high + 20):
            self.pdf.add_page()
        self._text(title, 10, "B", LINE)
        left, top = self.pdf.l_margin, self.pdf.get_y()
        self.pdf.set_draw_color(*INK)
        self.pdf.set_line_width(0.4)
        for points in strokes_of(path):
            drawn = [(left + x * scale, top + y * scale) for x, y in points]
            self.pdf.polyline(drawn if len(drawn) > 1 else [*drawn, (drawn[0][0] + 0.2, drawn[0][1])])
        self.pdf.set_line_width(0.2)
        self.pdf.line(left, top + high, left + wide, top + high)
        self.pdf.set_y(top + high + 1)
        self._text(name, 9.5, "", 5)
        self.pdf.ln(3)

    def written(self) -> bytes:
        """The finished file."""
        return bytes(self.pdf.output())

    def _text(self, text: str, size: float, style: str, height: float) -> None:
        self.pdf.set_font(FONT, style, size)
        self.pdf.multi_cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def strokes_of(path: str) -> list[list[tuple[float, float]]]:
    """The strokes in SVG path data with absolute coordinates; curves become lines to where they end."""
    found: list[list[tuple[float, float]]] = []
    for command, rest in STROKE.findall(path):
        numbers = [float(one) for one in NUMBER.findall(rest)]
        if command not in "MLQC" or len(numbers) < 2:
            continue
        x, y = (min(max(value, 0.0), float(most)) for value, most in zip(numbers[-2:], PAD, strict=True))
        if command == "M" or not found:
            found.append([])
        found[-1].append((x, y))
    return found


def small(path: Path) -> io.BytesIO:
    """A stored picture, no larger than paper shows."""
    packed = io.BytesIO()
    with Image.open(path) as picture:
        picture.thumbnail((1000, 1000))
        picture.convert("RGB").save(packed, "JPEG", quality=80)
    packed.seek(0)
    return packed
