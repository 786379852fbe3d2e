"""After a walked journey nobody's name, address or words stand anywhere but in the tables that hold them."""

import base64
import json
import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.journeys.conftest import PERSON, TEXTS, Walked

EVERYTHING = {**PERSON, **TEXTS, "local phone": "01077654321", "digits": "821077654321"}


def spellings(text: str) -> Iterator[bytes]:
    """A text as it may stand in a file: plain, escaped for JSON, base64 at any of its three offsets."""
    raw = text.encode()
    yield raw
    yield json.dumps(text)[1:-1].encode()
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw)[4 if offset else 0 : -4]
        if len(coded) >= 12:
            yield coded


def found_in(content: bytes) -> set[str]:
    return {name for name, text in EVERYTHING.items() if any(one in content for one in spellings(text))}


def test_the_search_finds_what_it_looks_for() -> None:
    for name, text in EVERYTHING.items():
        raw = text.encode()
        for content in (raw, json.dumps({"x": text}).encode()):
            assert name in found_in(content), (name, content)
        if len(raw) >= 15:
            for before in (b"", b"a", b"ab"):
                assert name in found_in(base64.b64encode(before + raw + b"cd")), (name, before)


@pytest.mark.parametrize("name", ["app", "worker", "temporal"])
def test_no_log_line_holds_anything_personal(walked: Walked, name: str) -> None:
    log = (walked.site.folder / "logs" / f"{name}.log").read_bytes()

    assert found_in(log) == set()
    assert not re.search(rb"/links/[0-9a-f]{64}", log)
    if name == "app":
        assert len(log.splitlines()) > 50


def test_no_log_of_the_database_holds_anything_personal(walked: Walked) -> None:
    cluster = walked.site.parts["postgres"].cluster  # type: ignore[attr-defined]

    assert found_in((cluster.data / "server.log").read_bytes()) == set()


def test_no_metric_holds_anything_personal(walked: Walked) -> None:
    plan = walked.site.plan
    with urllib.request.urlopen(plan.local("METRICS_PORT", "/metrics"), timeout=10) as answer:
        told = answer.read()

    assert b"temporal_" in told
    assert found_in(told) == set()
    assert walked.ticket.encode() not in told


async def test_temporal_holds_nothing_personal_in_clear(walked: Walked) -> None:
    """Histories, ids, memos and search attributes of every workflow of the house."""
    client, seen = await walked.site.client(), 0
    async for life in client.list_workflows():
        history = await client.get_workflow_handle(life.id, run_id=life.run_id).fetch_history()
        content = history.to_json().encode() + str(life.raw_info).encode() + life.id.encode()
        assert found_in(content) == set(), life.id
        assert b"binary/encrypted" in content or base64.b64encode(b"binary/encrypted") in content
        seen += 1

    assert seen >= 4


def test_temporals_own_database_file_holds_nothing_personal(walked: Walked) -> None:
    files = list(walked.site.folder.glob("temporal.db*"))

    assert files
    for path in files:
        assert found_in(path.read_bytes()) == set(), path.name


def test_what_waits_for_temporal_names_rows_and_nobody(walked: Walked) -> None:
    """Commands carry ids; who somebody is and what was written to whom stays in its own table."""
    rows = walked.ask("select payload::text, summary, key, workflow_id from outbox")
    content = "\n".join(str(cell) for row in rows for cell in row).encode()

    assert len(rows) > 8
    assert found_in(content) == set()  # a technician's note is part of the word "finish", until it is said


def test_each_unmasked_look_of_the_journey_is_written_down(walked: Walked) -> None:
    looked = walked.ask(
        "select actor_id, subject_id, purpose from personal_data_accesses where purpose <> ''"
    )

    assert ("acc_agent", "cus_f0", TEXTS["reason"]) in looked
