"""Front-end files that are not ours, taken from installed wheels: htmx, icons, fonts. None is committed.

Run `python -m ops.assets`; it writes `static/vendor/` and does nothing when that is up to date. Every source
is pinned by sha256, so an upgrade is a reviewed change of this file. Packages are only read, never imported.
"""

import hashlib
import importlib.metadata
import json
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYLLABLE_ROWS, SYLLABLE_CELLS = range(0xB0, 0xC9), range(0xA1, 0xFF)
KOREAN_EXTRA = [*range(0x3000, 0x3020), *range(0x3131, 0x3190), 0x20A9, 0xFFE6]
HANGUL = range(0xAC00, 0xD7A4)
LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
         0x2026, 0x20A9, 0x20AC, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2713, 0x00D7]  # fmt: skip
RECIPE = "2026-11-22 documents"
"""Change it when the way of building changes, so that stale files are built again."""


@dataclass(frozen=True)
class Source:
    """One file inside an installed distribution, and what it must be."""

    distribution: str
    path: str
    sha256: str
    licence: str

    def read(self) -> bytes:
        """The file's bytes; a file that is not the pinned one ends the run."""
        try:
            found = importlib.metadata.distribution(self.distribution).locate_file(self.path)
        except importlib.metadata.PackageNotFoundError:
            raise SystemExit(f"assets: {self.distribution} is not installed") from None
        data = Path(str(found)).read_bytes()
        have = hashlib.sha256(data).hexdigest()
        if have != self.sha256:
            raise SystemExit(f"assets: {self.distribution} ships {self.path} as {have}, pinned {self.sha256}")
        return data


HTMX = Source(
    "django-htmx",
    "django_htmx/static/django_htmx/htmx-2.min.js",
    "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de",
    "htmx 2.0.10, Zero-Clause BSD, https://htmx.org",
)
ICONS = Source(
    "lucide",
    "lucide/lucide.zip",
    "522230c8b53f88517710e3e1693ffc03ffe68f2e839893909f1d9e0305a6eadf",
    "Lucide icons, ISC, https://lucide.dev",
)
KOREAN = Source(
    "justmytype-intl-cjk",
    "justmytype_intl_cjk/fonts/ofl/notosanskr/NotoSansKR[wght].ttf",
    "194018e6b2b293a7964f037b25c0249ce1418bc9ab3c971060a03aa57861e252",
    "Noto Sans KR (subset), SIL Open Font License 1.1, https://fonts.google.com/noto",
)
INTER = Source(
    "fontpkg-inter",
    "fontpkg_inter/files/Inter[opsz,wght].ttf",
    "29160a80ff49ddcab2c97711247e08b1fab27a484a329ce8b813d820dc559031",
    "Inter (subset), SIL Open Font License 1.1, https://rsms.me/inter",
)
SOURCES = (HTMX, ICONS, KOREAN, INTER)


def named_icons(root: Path, known: set[str]) -> set[str]:
    """Icons that templates, Python and JavaScript name; a call with an unknown name ends the run.

    Besides such calls, every quoted word that is the name of an icon counts, so that tables of
    data may carry icons.
    """
    texts = [path.read_text("utf8") for path in sorted(root.glob("templates/**/*.html"))]
    texts += [path.read_text("utf8") for path in sorted(root.glob("api/**/*.py"))]
    texts += [path.read_text("utf8") for path in sorted(root.glob("static/*.js"))]
    texts += [path.read_text("utf8") for path in sorted(root.glob("tests/browser/gallery/*.*"))]
    text = "\n".join(texts)
    called = set(re.findall(r"""\b(?:ic\(\s*|icon\s*=\s*)['"]([a-z0-9-]+)['"]""", text))
    if called - known:
        raise SystemExit(f"assets: unknown icons: {', '.join(sorted(called - known))}")
    return called | (known & set(re.findall(r"""['"]([a-z][a-z0-9-]+)['"]""", text)))


def sprite(archive: zipfile.ZipFile, names: set[str]) -> str:
    """One SVG file with a symbol for each icon."""
    symbols = []
    for name in sorted(names):
        drawing = re.search(r"<svg[^>]*>(.*)</svg>", archive.read(f"{name}.svg").decode(), re.S)
        if drawing is None:
            raise SystemExit(f"assets: icon {name} is not an SVG drawing")
        inner = re.sub(r"\s*/>", "/>", re.sub(r">\s+<", "><", drawing.group(1).strip()))
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def ks_x_1001() -> list[int]:
    """The 2,350 Hangul syllables of KS X 1001; rarer ones come from the reader's own font."""
    syllables = []
    for row in SYLLABLE_ROWS:
        for cell in SYLLABLE_CELLS:
            syllables.append(ord(bytes([row, cell]).decode("euc-kr")))
    return syllables


def cut_font(source: Source, letters: list[int], target: Path) -> None:
    """Write a variable woff2 with only these letters."""
    import io

    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options()
    options.flavor, options.layout_features, options.hinting = "woff2", ["*"], False
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "VVAR", "VORG"]
    font = TTFont(io.BytesIO(source.read()), lazy=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    subset.save_font(font, str(target), options)


def set_font(source: Source, letters: list[int], weight: int, target: Path) -> None:
    """Write one weight as a plain TrueType file with only these letters, for documents."""
    import io

    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    options = subset.Options()
    options.layout_features, options.hinting, options.notdef_outline = [], False, True
    options.drop_tables += ["vhea", "vmtx", "VVAR", "VORG", "GSUB", "GPOS", "GDEF", "STAT"]
    font = TTFont(io.BytesIO(source.read()))
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    instancer.instantiateVariableFont(font, {"wght": weight}, inplace=True)
    font.save(str(target))


def notice() -> str:
    """Who made what is in static/vendor, and under which licence."""
    lines = ["Third-party files in this folder, built by `python -m ops.assets` from installed packages:", ""]
    for source in SOURCES:
        version = importlib.metadata.version(source.distribution)
        lines.append(f"- {source.licence} (from {source.distribution} {version})")
    for source in SOURCES:
        for file in importlib.metadata.files(source.distribution) or []:
            if re.search(r"(LICEN[CS]E|OFL|COPYING)[^/]*$", str(file), re.I) and "notosans" not in str(file):
                text = Path(str(file.locate())).read_text("utf8", errors="replace")
                lines += ["", f"== {source.distribution}: {file.name}", "", text.strip()]
    folder = Path(KOREAN.path).parent
    licence = importlib.metadata.distribution(KOREAN.distribution).locate_file(str(folder / "OFL.txt"))
    lines += ["", "== Noto Sans KR: OFL.txt", "", Path(str(licence)).read_text("utf8").strip()]
    return "\n".join(lines) + "\n"


def build(root: Path = ROOT) -> list[str]:
    """Bring `static/vendor/` up to date; answers the names of the files that were written."""
    vendor = root / "static" / "vendor"
    vendor.mkdir(parents=True, exist_ok=True)
    stamp = vendor / ".stamp.json"
    last = json.loads(stamp.read_text()) if stamp.exists() else {}
    written = []
    pins = [RECIPE, *(source.sha256 for source in SOURCES)]
    fonts = {"noto-sans-kr.woff2": (KOREAN, ks_x_1001() + KOREAN_EXTRA), "inter.woff2": (INTER, LATIN)}
    printed = {"document-regular.ttf": 400, "document-bold.ttf": 700}
    fixed = ["htmx.min.js", "NOTICE", *fonts, *printed]
    if last.get("pins") != pins or any(not (vendor / name).exists() for name in fixed):
        (vendor / "htmx.min.js").write_bytes(HTMX.read())
        for name, (source, letters) in fonts.items():
            cut_font(source, letters, vendor / name)
        for name, weight in printed.items():
            set_font(KOREAN, [*LATIN, *KOREAN_EXTRA, *HANGUL], weight, vendor / name)
        (vendor / "NOTICE").write_text(notice(), "utf8")
        written += fixed
    with zipfile.ZipFile(str(importlib.metadata.distribution("lucide").locate_file(ICONS.path))) as archive:
        names = named_icons(root, {name[:-4] for name in archive.namelist()})
        if written or last.get("icons") != sorted(names) or not (vendor / "icons.svg").exists():
            ICONS.read()
            (vendor / "icons.svg").write_text(sprite(archive, names), "utf8")
            written.append("icons.svg")
    stamp.write_text(json.dumps({"pins": pins, "icons": sorted(names)}))
    return written


if __name__ == "__main__":
    done = build()
    sys.stdout.write(f"assets: {'wrote ' + ', '.join(done) if done else 'up to date'}\n")
