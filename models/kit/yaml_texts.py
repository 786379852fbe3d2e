"""YAML from outside as plain data: read event by event, so that nothing in it can make anything happen.

No tags, no anchors and aliases, one document, each name once, a bounded depth; only true, false, null and
whole numbers of a bearable length are no text."""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

LONGEST, DEEPEST = 200_000, 60
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
Fault = tuple[int, str, dict[str, str]]  # line, code, what fills the sentence


@dataclass
class Document:
    """What a text says, on which line each place stands, or why it cannot be read."""

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict)  # by place: "steps[2].kind"
    fault: Fault | None = None


@dataclass
class _Open:
    """A list or map that has not ended yet."""

    place: str
    holds: Any
    name: Any = None  # of a map: the name whose value comes next
    has_name: bool = False


class _Faulty(Exception):
    def __init__(self, line: int, code: str, **values: str) -> None:
        super().__init__(code)
        self.fault: Fault = (line, code, values)


def read(text: str) -> Document:
    """What the text says; never an exception."""
    if len(text) > LONGEST:
        return Document(fault=(0, "too_large", {"most": f"{LONGEST:,}"}))
    found = Document()
    try:
        _build(text, found)
    except _Faulty as faulty:
        return Document(lines=found.lines, fault=faulty.fault)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        detail = str(getattr(error, "problem", "") or "")[:120]
        return Document(fault=(mark.line + 1 if mark else 1, "no_yaml", {"detail": detail}))
    except UnicodeError:
        return Document(fault=(1, "no_yaml", {"detail": "UTF-8"}))
    return found


def write(data: Any) -> str:
    """Plain data as YAML in the given order."""
    return str(
        yaml.dump(
            data, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=100, default_flow_style=False
        )
    )


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """The same text twice is written twice."""
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Writer.add_representer(str, _text)


def _build(text: str, found: Document) -> None:
    waiting: list[_Open] = []
    has_one = False
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            if has_one:
                raise _Faulty(line, "no_yaml", detail="---")
            has_one = True
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Faulty(line, "no_aliases")
        if getattr(event, "tag", None):
            raise _Faulty(line, "no_tags")
        if isinstance(event, yaml.ScalarEvent):
            _put(waiting, found, _scalar(event), line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(waiting) >= DEEPEST:
                raise _Faulty(line, "too_deep", most=str(DEEPEST))
            holds: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            waiting.append(_Open(_put(waiting, found, holds, line), holds))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            waiting.pop()


def _put(waiting: list[_Open], found: Document, value: Any, line: int) -> str:
    """Put a value where it belongs and say which place that is."""
    if not waiting:
        found.data = value
        return ""
    top = waiting[-1]
    if isinstance(top.holds, list):
        place = f"{top.place}[{len(top.holds)}]"
        top.holds.append(value)
    elif not top.has_name:
        if not isinstance(value, str):
            raise _Faulty(line, "not_text")
        if value in top.holds:
            raise _Faulty(line, "key_twice", name=value[:60])
        top.name, top.has_name = value, True
        return top.place
    else:
        place = f"{top.place}.{top.name}" if top.place else str(top.name)
        top.holds[top.name], top.has_name = value, False
    found.lines[place] = line
    return place


def _scalar(event: yaml.ScalarEvent) -> Any:
    if event.style in ("'", '"', "|", ">"):
        return event.value
    if event.value in WORDS:
        return WORDS[event.value]
    return int(event.value) if WHOLE.fullmatch(event.value) else event.value
