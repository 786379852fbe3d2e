"""Documents as PDF: our own fonts with every Hangul syllable, text only, nothing fetched from anywhere."""

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
FONT, LINE = "document", 6.5
INK, GRAY = (28, 31, 38), (100, 106, 117)


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

    def written(self) -> bytes:
        """The finished file."""
        return bytes(self.pdf.output())

    def _text(self, text: str, size: float, style: str, height: float) -> None:
        self.pdf.set_font(FONT, style, size)
        self.pdf.multi_cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
