"""The product's words in Korean: joined from one file per domain word, and checked before they ship.

`python -m ops.translations` compiles `locales/ko/*.po` into one catalogue. `--check` is the gate: every text
is translated, nothing is left over, no placeholder is lost, no word is hard-coded. `--missing` prints stubs.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("api", "models", "activities", "workflows")
KEYWORDS: dict[str, Any] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
JINJA = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")
ATTRIBUTE = re.compile(r'\b(?:title|placeholder|aria-label|alt|label)="([^"{]*[A-Za-z가-힣]{2,}[^"{]*)"')
BARE_ATTRIBUTE = re.compile(r'[\w:-]+="[^"]*("|$)')
ATTRIBUTE_BLOCKS = {"body_class", "body_attributes", "width", "brand_href", "here"}
CLASSES = {"kind", "shape", "size", "tone", "key", "group"}  # arguments that choose a look, a key or a place
LETTERS = re.compile(r"[A-Za-z가-힣]{2,}")
# Names that are the same in every language.
ALLOWED = {"· Ieum", "Ieum", "Ctrl", "Esc", "Ctrl K", "Ctrl ↵", "SLA", "CSAT", "KST", "ms", "ms ·"}

Key = tuple[str | None, str | tuple[str, ...]]


@dataclass
class Used:
    """One text of the product and the files in which it stands."""

    ids: tuple[str, ...]
    files: list[str] = field(default_factory=list)


def sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file that may speak, with the way to read it."""
    for room in ROOMS:
        for path in sorted((root / room).glob("**/*.py")):
            yield "python", path
    for ending in ("html", "txt"):
        for path in sorted((root / "templates").glob(f"**/*.{ending}")):
            yield "jinja2", path


def used(root: Path) -> dict[Key, Used]:
    """Every text that code and templates ask for."""
    found: dict[Key, Used] = {}
    for method, path in sources(root):
        options = JINJA if method == "jinja2" else {}
        reader = "jinja2.ext:babel_extract" if method == "jinja2" else "python"
        for _line, ids, _comments, context in extract_from_file(reader, path, KEYWORDS, options=options):
            key: Key = (context, ids if isinstance(ids, str) else tuple(ids))
            texts = (ids,) if isinstance(ids, str) else tuple(ids)
            if any(texts):
                found.setdefault(key, Used(texts)).files.append(str(path.relative_to(root)))
    return found


def read_catalogue(path: Path) -> Catalog:
    """One po file; a syntax error ends the run."""
    with path.open("rb") as file:
        return read_po(file, locale="ko", abort_invalid=True)


def catalogues(root: Path) -> dict[str, Catalog]:
    """All po files by name."""
    return {path.name: read_catalogue(path) for path in sorted((root / "locales" / "ko").glob("*.po"))}


def key_of(message: Message) -> Key:
    """What identifies a text: its context and its English."""
    return (message.context, message.id if isinstance(message.id, str) else tuple(message.id))


def translations(message: Message) -> tuple[str, ...]:
    """The Korean of a text, one per plural form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def joined(root: Path) -> Catalog:
    """All words in one catalogue, without fuzzy and empty ones."""
    whole = Catalog(locale="ko", fuzzy=False)
    for catalogue in catalogues(root).values():
        for message in catalogue:
            if message.id and not message.fuzzy and all(translations(message)):
                whole.add(message.id, message.string, context=message.context)
    return whole


def compile_all(root: Path = ROOT) -> int:
    """Write `locales/ko/LC_MESSAGES/messages.mo`; answers the number of texts."""
    whole = joined(root)
    target = root / "locales" / "ko" / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    packed = BytesIO()
    write_mo(packed, whole)
    target.write_bytes(packed.getvalue())
    return len(whole)


def faults_of(name: str, message: Message, plural_forms: int) -> Iterator[str]:
    """What is wrong with one translation by itself."""
    english = message.id if isinstance(message.id, str) else message.id[-1]
    texts = translations(message)
    if message.fuzzy:
        yield f"{name}: fuzzy: {english!r}"
    if not all(texts):
        yield f"{name}: untranslated: {english!r}"
    if len(texts) != (1 if isinstance(message.id, str) else plural_forms):
        yield f"{name}: wrong number of plural forms: {english!r}"
    for text in filter(None, texts):
        # %(num)d may be left out of a form; everything else is data that would be lost.
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(english)):
            yield f"{name}: placeholders differ: {english!r} → {text!r}"
        if "%" in PLACEHOLDER.sub("", text):
            yield f"{name}: bare % (write %%): {text!r}"


def faults_of_catalogues(root: Path, wanted: dict[Key, Used]) -> Iterator[str]:
    """Missing, left over, and contradicting translations."""
    said: dict[Key, tuple[str, tuple[str, ...]]] = {}
    for name, catalogue in catalogues(root).items():
        if catalogue.fuzzy:
            yield f"{name}: the header is fuzzy, so tools skip the whole file"
        for message in catalogue:
            if not message.id:
                continue
            key = key_of(message)
            yield from faults_of(name, message, catalogue.num_plurals)
            if key not in wanted:
                yield f"{name}: no longer used: {key[1]!r}"
            other = said.setdefault(key, (name, translations(message)))
            if other[1] != translations(message):
                yield f"{name}: {key[1]!r} is translated differently in {other[0]}"
    for key, text in wanted.items():
        if key not in said:
            yield f"missing: {key[1]!r} ({text.files[0]})"
        if text.ids[0].count("%") and "%" in PLACEHOLDER.sub("", text.ids[-1]):
            yield f"bare % in the source (write %%): {text.ids[-1]!r} ({text.files[0]})"


def hard_coded(path: Path, environment: Environment) -> Iterator[str]:
    """Words that stand in a template untranslated: in its text, its attributes, or a macro's arguments."""
    tree = environment.parse(path.read_text("utf8"))
    for block in tree.find_all(nodes.Block):
        if block.name in ATTRIBUTE_BLOCKS:
            block.body = []
    pieces = [
        node.data if isinstance(node, nodes.TemplateData) else "\0"
        for output in tree.find_all(nodes.Output)
        for node in output.nodes
    ]
    text = "".join(pieces)
    yield from ATTRIBUTE.findall(text)
    if path.suffix == ".html":
        text = re.sub(r"<(script|style|svg)\b[\s\S]*?</\1>|<[^<>]*>|<[^<>]*$|^[^<]*>", "\1", text)
        text = BARE_ATTRIBUTE.sub("\1", text)
    yield from (piece.strip() for piece in re.split(r"[\0\1\n]+", text) if LETTERS.search(piece))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Getattr) and getattr(call.node.node, "name", "") == "ui":
            named = [pair.value for pair in call.kwargs if pair.key not in CLASSES]
            for argument in [*call.args, *named]:
                words = argument.value if isinstance(argument, nodes.Const) else ""
                if isinstance(words, str) and re.search(r"[가-힣]|^[A-Z][a-z]+( |$)|\w \w", words):
                    yield words


def faults_of_templates(root: Path) -> Iterator[str]:
    """Hard-coded words in all templates."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for method, path in sources(root):
        if method == "jinja2":
            for words in hard_coded(path, environment):
                if words not in ALLOWED:
                    yield f"{path.relative_to(root)}: hard-coded: {words!r}"


def check(root: Path = ROOT) -> list[str]:
    """Everything that is wrong with the words; empty when they may ship."""
    wanted = used(root)
    broken = []
    for path in sorted((root / "locales" / "ko").glob("*.po")):
        try:
            read_catalogue(path)
        except PoFileError as error:
            broken.append(f"{path.name}: cannot be read: {error} (plural forms, quotes?)")
    if broken:
        return broken
    return [*faults_of_catalogues(root, wanted), *faults_of_templates(root)]


def home_of(files: list[str]) -> str:
    """The po file into which a text belongs: its word's, or `kit` for shells and what many words say."""
    homes = set()
    for file in files:
        parts = Path(file).with_suffix("").parts
        homes.add(next((p for p in parts[1:] if p not in {"rules", "messages", "connectors"}), "kit"))
    home = homes.pop() if len(homes) == 1 else "kit"
    return "kit" if home in {"components", "base", "console", "portal", "field", "error", "kit"} else home


def stubs(root: Path = ROOT) -> str:
    """Po entries for every text that has none, under the name of the file to which they belong."""
    known = {key_of(message) for catalogue in catalogues(root).values() for message in catalogue}
    sheets: dict[str, list[str]] = {}
    for key, text in used(root).items():
        if key not in known:
            context = f"msgctxt {quoted(key[0])}\n" if key[0] else ""
            plural = f"msgid_plural {quoted(text.ids[1])}\nmsgstr[0] " if len(text.ids) > 1 else "msgstr "
            entry = f'#: {text.files[0]}\n{context}msgid {quoted(text.ids[0])}\n{plural}""\n'
            sheets.setdefault(home_of(text.files), []).append(entry)
    return "\n".join(f"# → locales/ko/{name}.po\n\n" + "\n".join(entries) for name, entries in sheets.items())


def quoted(text: str) -> str:
    """A string as po files write it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def main(arguments: list[str]) -> int:
    """Do what was asked for; the gate's answer is the exit code."""
    if "--missing" in arguments:
        sys.stdout.write(stubs())
        return 0
    if "--check" in arguments:
        faults = check()
        sys.stdout.write("".join(f"{fault}\n" for fault in faults))
        sys.stdout.write(f"translations: {len(used(ROOT))} texts, {len(faults)} faults\n")
        return int(bool(faults))
    sys.stdout.write(f"translations: {compile_all()} texts\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
