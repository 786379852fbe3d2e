"""The process that reads mails: `python -m activities.kit.reading.child`; it writes no file, has no secret.

It is told a path a line and answers with a line of JSON and the contents of the files behind it."""

import json
import resource
import struct
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from activities.kit.reading.mails import Mail, read, read_head

MEMORY = 1 << 30  # bytes of address space, libraries included
# What parsers raise on mails that nobody should have sent.
BROKEN = (
    RecursionError, MemoryError, ValueError, LookupError, TypeError, AttributeError, AssertionError,
)  # fmt: skip


def confine() -> None:
    """Take away what a reader needs for nothing."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def answer(mail: Mail, contents: list[bytes]) -> None:
    """Say what was read: the length of the JSON, the JSON, then each file with its length."""
    said = json.dumps(asdict(mail)).encode()
    out = sys.stdout.buffer
    for one in (said, *contents):
        out.write(struct.pack(">I", len(one)))
        out.write(one)
    out.flush()


def taken(file: BinaryIO) -> tuple[Mail, list[bytes]]:
    """The whole mail, or its head when the parsers give up."""
    try:
        return read(file)
    except BROKEN:
        file.seek(0)
        return read_head(file), []


def main() -> None:
    """Read one mail after the other, until nobody asks any more."""
    confine()
    for line in sys.stdin:
        asked = json.loads(line)
        with Path(asked["path"]).open("rb") as file:
            answer(*(taken(file) if not asked["only_head"] else (read_head(file), [])))


if __name__ == "__main__":
    main()
