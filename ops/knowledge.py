"""What the sample company knows: its articles, what readers said of them, what nobody found."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from models.kit import article_files
from models.messages.knowledge import LANGUAGES, Article

ARTICLES = Path(__file__).parent / "articles"
WRITERS = {"partners": "acc_disp", "employees": "acc_admin"}  # all others: the agent
WEEKS = 12
# Looked for and not found: words, language, where, how often.
SEARCHES = (
    ("에어컨 청소", "ko", "help", 7), ("제습기 물통", "ko", "report", 4), ("tv 벽걸이", "ko", "help", 5),
    ("subtitle language", "en", "help", 2), ("카드 단말기 용지", "ko", "ticket", 3),
)  # fmt: skip
SAID = (
    ("washer_does_not_spin", 14, 2, "필터 위치 사진이 있으면 좋겠습니다."),
    ("terminal_connection", 9, 1, "비상 결제 덕분에 살았습니다."),
    ("fridge_not_cold", 5, 4, "It is still warm after six hours."), ("pay_an_invoice", 6, 0, ""),
    ("tv_no_picture", 3, 5, "손전등으로 비추어 보아도 모르겠습니다."), ("send_goods_back", 8, 1, ""),
)  # fmt: skip


def make_articles(database: psycopg.Connection) -> None:
    """Every article that comes with the house, published, and one that is being written. Safe to repeat."""
    today = datetime.now(UTC).date()
    for at, article in enumerate(read_all()):
        writer = WRITERS.get(article.audience, "acc_agent")
        due = today + timedelta(days=article.review_days - 20 * at)
        database.execute(
            "insert into articles (key, owner_id, review_on, created_by, created_at)"
            " values (%s, %s, %s, %s, now()) on conflict do nothing",
            (article.key, writer, due, writer),
        )
        _store(database, article, 1, "published", writer)
        if article.key == "tv_no_picture":
            _store(database, article, 2, "review", writer)
    _leave(database, today)


def read_all() -> list[Article]:
    """The articles as their files say."""
    found = []
    for path in sorted(ARTICLES.glob("*.md")):
        article = article_files.read(path.read_text())
        if not isinstance(article, Article):
            raise SystemExit(f"{path.name}: {[(one.place, one.code) for one in article]}")
        found.append(article)
    return found


def _store(database: psycopg.Connection, article: Article, version: int, status: str, writer: str) -> None:
    """One version as its writer left it; what is published was read by another one."""
    is_published = status == "published"
    row = {
        "article_key": article.key, "version": version, "status": status, "audience": article.audience.value,
        "topic": article.topic.value, "products": list(article.products), "keywords": list(article.keywords),
        **{f"title_{one}": article.titles[one] for one in LANGUAGES},
        **{f"summary_{one}": article.summaries[one] for one in LANGUAGES},
        **{f"body_{one}": article.bodies[one] for one in LANGUAGES},
        "review_days": article.review_days, "files": [], "search": article_files.search_of(article),
        "note": "", "made_from": version - 1 or None, "writers": [writer],
        "reviewer_id": "acc_admin_en" if is_published else None, "review_note": "", "seq": 1,
    }  # fmt: skip
    names = ", ".join(row)
    holes = ", ".join(f"%({name})s" for name in row)
    at = "now(), now(), " + ("now()" if is_published else "null")
    database.execute(
        f"insert into article_versions ({names}, created_at, written_at, published_at) values ({holes}, {at})"
        " on conflict do nothing",
        row,
    )


def _leave(database: psycopg.Connection, today: date) -> None:
    """What readers left in the past weeks."""
    for key, helped, failed, comment in SAID:
        for n in range(helped + failed):
            database.execute(
                "insert into article_feedback values (%s, 1, %s, %s, %s, 'ko', now() - %s)"
                " on conflict do nothing",
                (key, f"sample{n}", n < helped, comment if n == helped else "", timedelta(days=3 * n)),
            )
        for week in range(WEEKS):
            day = today - timedelta(days=7 * week)
            for use, times in (("read", helped * 3 - week), ("inserted", 3 - week // 4), ("deflected", 2)):
                if times > 0:
                    database.execute(
                        "insert into article_uses values (%s, %s, %s, %s) on conflict do nothing",
                        (key, day, use, times),
                    )
    for words, locale, place, times in SEARCHES:
        database.execute(
            "insert into article_searches values (%s, %s, %s, %s, %s) on conflict do nothing",
            (words, locale, place, today - timedelta(days=times), times),
        )
