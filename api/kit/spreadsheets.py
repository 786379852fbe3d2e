"""Tables to take away as CSV; a cell that a spreadsheet would run is made plain text."""

import csv
import io
from collections.abc import Iterable

from starlette.responses import Response

RISKY = ("=", "+", "-", "@", "\t", "\r")


def table_of(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV, with a sign in front by which spreadsheets know Korean."""
    written = io.StringIO()
    lines = csv.writer(written, quoting=csv.QUOTE_ALL)
    for row in (head, *rows):
        lines.writerow([harmless(cell) for cell in row])
    return "\ufeff" + written.getvalue()


def harmless(cell: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(RISKY) else cell


def as_csv(name: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Response:
    """A file of this name that no cache keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(table_of(head, rows), media_type="text/csv; charset=utf-8", headers=headers)
