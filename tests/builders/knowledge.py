"""Articles of the sample company: one for each audience, a draft, and what readers left."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import SQLModel

from models.knowledge import (
    ArticleFeedback,
    ArticleFile,
    ArticleGap,
    ArticleSearch,
    ArticleUse,
    ArticleVersion,
    KnowledgeArticle,
)
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import Article, Audience, GapStatus, Place, Topic, Use

KEYS = {
    "kb_one": Audience.CUSTOMERS,
    "kb_partners": Audience.PARTNERS,
    "kb_work": Audience.EMPLOYEES,
    "kb_ours": Audience.AGENTS,
}


def a_version(key: str, word: str, now: datetime, **changes: Any) -> ArticleVersion:
    """A published version whose texts hold the word."""
    row: dict[str, Any] = {
        "article_key": key, "version": 1, "status": VersionStatus.PUBLISHED, "audience": Audience.CUSTOMERS,
        "topic": Topic.FAULT, "products": [], "keywords": [], "title_ko": f"{word} {key} 제목",
        "title_en": f"{word} {key}", "summary_ko": word, "summary_en": word, "body_ko": f"{word} 본문",
        "body_en": f"{word} body", "files": [], "search": f"{key} {word} 제목 body".lower(), "note": word,
        "writers": ["a_agent"], "reviewer_id": "a_admin", "review_note": word, "created_at": now,
        "written_at": now, "published_at": now,
    }  # fmt: skip
    return ArticleVersion(**{**row, **changes})


def articles(word: str, now: datetime) -> list[SQLModel]:
    """All of them with their pictures, verdicts, counts and gaps."""
    day = date(now.year, now.month, now.day)
    keys = [*KEYS, "kb_draft"]
    owned = [
        KnowledgeArticle(
            key=key,
            owner_id="a_agent",
            review_on=day + timedelta(days=90),
            created_by="a_agent",
            created_at=now,
        )
        for key in keys
    ]
    shown = {"kb_one": ["af1"], "kb_ours": ["af2"]}
    versions = [
        a_version(key, word, now, audience=audience, files=shown.get(key, []))
        for key, audience in KEYS.items()
    ]
    draft = a_version(
        "kb_draft", word, now, status=VersionStatus.DRAFT, reviewer_id=None, published_at=None, review_note=""
    )
    files = [
        ArticleFile(
            id=id, article_key=key, name=word, media_type="image/png", size=1, sha256="s", stored_as=id,
            created_by="a_agent", created_at=now,
        )
        for key, (id,) in shown.items()
    ]  # fmt: skip
    voices = [
        ArticleFeedback(article_key=key, version=1, by_whom=f"v_{key}", is_helpful=True, comment=word, at=now)
        for key in KEYS
    ]
    return [
        *owned, *versions, draft, *files, *voices,
        ArticleUse(article_key="kb_one", day=day, use=Use.READ, times=3),
        ArticleSearch(words=f"{word} search", locale="ko", place=Place.HELP, day=day, times=2),
        *(
            ArticleGap(id=f"kg{n}", ticket_id=f"T{n}", words=word, marked_by="a_agent", marked_at=now,
                       status=GapStatus.OPEN)
            for n in (1, 2)
        ),
    ]  # fmt: skip


def an_article(key: str = "spin", **changes: Any) -> Article:
    """An article without a fault."""
    given: dict[str, Any] = {
        "key": key, "audience": Audience.CUSTOMERS, "topic": Topic.FAULT,
        "titles": {"ko": "세탁기가 탈수하지 않을 때", "en": "The washer does not spin"},
        "summaries": {"ko": "세탁물과 배수를 확인합니다.", "en": "Check the load and the drain."},
        "bodies": {"ko": "## 확인\n\n- 세탁물", "en": "## Check\n\n- the load"},
        "products": (), "keywords": ("탈수", "spin"), "review_days": 90,
    }  # fmt: skip
    return Article(**{**given, **changes})
