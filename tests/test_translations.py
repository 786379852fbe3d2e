"""The gate for words: every fault that we know of is seen, and the product has none."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ops import translations

HEADER = (
    'msgid ""\nmsgstr ""\n"Language: ko\\n"\n"MIME-Version: 1.0\\n"\n'
    '"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n'
)
GOOD = """
msgid "Hello %(name)s"
msgstr "%(name)s 님, 안녕하십니까"

msgid "100%% sure"
msgstr "100%% 확실합니다"

msgid "%(num)d part"
msgid_plural "%(num)d parts"
msgstr[0] "부품 %(num)d개"

msgctxt "button"
msgid "Open"
msgstr "열기"

msgid "Dear customer"
msgstr "고객님께"
"""


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A small product without faults: a template, a letter, a room of code, one catalogue."""
    for folder in ("api", "models", "activities", "workflows", "templates/tickets/letters", "locales/ko"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "api/tickets.py").write_text(
        'a = _("Hello %(name)s", name=1)\nb = pgettext("button", "Open")\n'
    )
    (tmp_path / "templates/tickets/show.html").write_text(
        '<p class="strong" title="{{ _(\'100%% sure\') }}">'
        '{{ ngettext("%(num)d part", "%(num)d parts", 2) }}</p>'
    )
    (tmp_path / "templates/tickets/letters/late.txt").write_text('{{ _("Dear customer") }},\n')
    (tmp_path / "locales/ko/tickets.po").write_text(HEADER + GOOD)
    return tmp_path


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of one file."""

    def change(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return change


def add(path: str, text: str) -> Callable[[Path], None]:
    """More text at the end of a file, or a new file."""

    def change(root: Path) -> None:
        known = (root / path).read_text() if (root / path).exists() else ""
        (root / path).write_text(known + text)

    return change


PO, PAGE, LETTER = (
    "locales/ko/tickets.po",
    "templates/tickets/show.html",
    "templates/tickets/letters/late.txt",
)
FAULTS = {
    "missing in code": (add("models/x.py", 'N_("Resolved")\n'), "missing: 'Resolved'"),
    "missing in a workflow": (add("workflows/x.py", '_("Waiting")\n'), "missing: 'Waiting'"),
    "missing in a page": (add(PAGE, '{{ _("New words") }}'), "missing: 'New words'"),
    "missing in a letter": (add(LETTER, '{{ _("Kind regards") }}'), "missing: 'Kind regards'"),
    "missing in another context": (add("api/x.py", 'pgettext("status", "Open")\n'), "missing: 'Open'"),
    "untranslated": (edit(PO, '"고객님께"', '""'), "untranslated: 'Dear customer'"),
    "fuzzy": (edit(PO, 'msgid "Dear', '#, fuzzy\nmsgid "Dear'), "fuzzy: 'Dear customer'"),
    "fuzzy header": (lambda root: _fuzzy_header(root), "the header is fuzzy"),
    "left over": (add(PO, '\nmsgid "Old"\nmsgstr "옛것"\n'), "no longer used: 'Old'"),
    "lost placeholder": (edit(PO, "%(name)s 님", "고객님"), "placeholders differ"),
    "wrong placeholder": (edit(PO, "부품 %(num)d개", "부품 %(count)d개"), "placeholders differ"),
    "bare percent sign": (edit(PO, "100%% 확실", "100% 확실"), "bare %"),
    "bare percent sign in the source": (
        lambda root: (edit(PAGE, "100%% sure", "100% sure")(root), edit(PO, "100%% sure", "100% sure")(root)),
        "bare % in the source",
    ),
    "too many plural forms": (edit(PO, "msgstr[0]", 'msgstr[1] "부품 %(num)d개"\nmsgstr[0]'), "plural forms"),
    "two translations": (
        add("locales/ko/kit.po", HEADER + '\nmsgid "Dear customer"\nmsgstr "고객 여러분"\n'),
        "translated differently",
    ),
    "hard-coded text": (add(PAGE, "<b>Call us</b>"), "hard-coded: 'Call us'"),
    "hard-coded Korean": (add(PAGE, "<b>전화하기</b>"), "hard-coded: '전화하기'"),
    "hard-coded attribute": (add(PAGE, '<input placeholder="Your name">'), "hard-coded: 'Your name'"),
    "hard-coded argument": (add(PAGE, '{{ ui.button("Send it") }}'), "hard-coded: 'Send it'"),
    "hard-coded letter": (add(LETTER, "Yours truly"), "hard-coded: 'Yours truly'"),
}


def _fuzzy_header(root: Path) -> None:
    path = root / PO
    path.write_text("#, fuzzy\n" + path.read_text())


def test_a_product_without_faults_passes(product: Path) -> None:
    assert translations.check(product) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(product: Path, name: str) -> None:
    change, told = FAULTS[name]

    change(product)

    found = translations.check(product)
    assert any(told in fault for fault in found), found


def test_our_own_words_have_no_fault() -> None:
    assert translations.check() == []


def test_files_are_joined_into_one_catalogue(product: Path) -> None:
    shutil.copy(product / PO, product / "locales/ko/kit.po")

    assert translations.compile_all(product) == 5
    assert (product / "locales/ko/LC_MESSAGES/messages.mo").stat().st_size > 200


def test_stubs_name_the_file_to_which_a_text_belongs(product: Path) -> None:
    add(PAGE, '{{ _("Part %(name)s", name=1) }}')(product)

    assert translations.stubs(product) == (
        '# → locales/ko/tickets.po\n\n#: templates/tickets/show.html\nmsgid "Part %(name)s"\nmsgstr ""\n'
    )


# One term for each thing (docs/terms.md), and what Korean must not do here.
OTHER_TERMS = {
    "최초 답변": "첫 응답", "첫 답변": "첫 응답", "최초 응답": "첫 응답",
    "기술자": "기사", "엔지니어": "기사", "상담사": "상담원", "파트너": "협력사", "오퍼": "배정 제안",
    "인보이스": "청구서", "송장": "청구서", "결제사": "결제대행사", "PG사": "결제대행사",
    "데드라인": "기한", "마감일": "기한", "워런티": "보증", "개런티": "보증", "약속 시간": "방문 예약",
    "시리얼": "제조 번호", "체크리스트": "점검표",
}  # fmt: skip
PARTICLE = re.compile(r"%\(\w+\)[sd]”?(이|가|을|를|은|는|와|과|으로|로|이나|나)(?![가-힣])")
TOO_FAMILIAR = re.compile(
    r"(주세요|보세요|하세요|으세요|나요|가요|해요|돼요|예요|에요|어요|네요|죠)(?=[\s.,?!…]|$)"
)
SAMPLES = {
    "case": "O100123", "parcel": "O100123-1",
    "ticket": "T100123", "visit": "V100123-1", "number": "2026-000123", "total": "1,110,000원",
    "code": "123456", "at": "11월 24일 (화) 14:00", "by": "11월 24일 (화) 14:00", "link": "",
    "owed": "1,110,000원",
}  # fmt: skip


def spoken() -> dict[str, str]:
    """Every Korean text with its English."""
    return {
        text: str(message.id)
        for catalogue in translations.catalogues(translations.ROOT).values()
        for message in catalogue
        if message.id
        for text in translations.translations(message)
    }


def test_one_thing_has_one_korean_word() -> None:
    found = {(text, other) for text in spoken() for other in OTHER_TERMS if other in text}

    assert found == set()


def test_no_particle_stands_directly_after_a_value() -> None:
    assert [text for text in spoken() if PARTICLE.search(text)] == []


def test_korean_is_formal() -> None:
    assert [text for text in spoken() if TOO_FAMILIAR.search(text)] == []


def test_the_terms_are_those_of_the_glossary() -> None:
    terms = (translations.ROOT / "docs" / "terms.md").read_text("utf8")

    assert {korean for korean in OTHER_TERMS.values() if korean not in terms} == set()


def test_a_text_message_is_short() -> None:
    messages = [text for text in spoken() if text.startswith("[이음]")]
    letters = list((translations.ROOT / "templates").glob("*/letters/*.sms.txt"))

    assert len(messages) == len(letters)
    assert [text for text in messages if len((text % SAMPLES).encode("euc-kr")) > 90] == []


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [("%(name)s이 도착", True), ("“%(name)s”를", True), ("%(name)s 기사가", False), ("%(at)s(으)로", False)],
)
def test_a_particle_after_a_value_is_seen(text: str, is_wrong: bool) -> None:
    assert bool(PARTICLE.search(text)) is is_wrong
