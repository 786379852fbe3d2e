"""What letters say in tests: values for every template, with markup that must stay text."""

from datetime import UTC, datetime
from typing import Any

MOMENTS = {"starts_at": "2026-12-01T14:00:00+09:00", "expires_at": "2026-12-01T05:30:00+00:00"}
SOLD = {
    **MOMENTS, "parcel": "O1-1", "tracking": "TRK-1", "why": "unpaid", "refunded": "yes", "kind": "return",
}  # fmt: skip
CASES = {"orders": "O1", "subscriptions": "C1"}  # whose letters are about a case and never about a ticket
# Letters to people who may have no customer yet, or soon none: the activities of customers write them.
A_NAME, A_LINK = {"name": "Lee <b>Mina</b>"}, {"link": "https://desk.example/x"}
AN_END = {"until": datetime(2026, 12, 1, tzinfo=UTC)}
PERSONAL: dict[str, dict[str, Any]] = {
    "customers/code": {"code": "271828"},
    "customers/resume": A_LINK,
    "customers/welcome": A_NAME | A_LINK,
    "customers/export_ready": A_NAME | A_LINK | AN_END,
    "customers/erasing": A_NAME | AN_END,
    "customers/erasure_refused": A_NAME | A_LINK,
}
# Letters to colleagues about an article: by e-mail alone, activities/knowledge.py writes them.
ABOUT_ARTICLES: dict[str, Any] = A_NAME | A_LINK | {"title": "TV & <i>radio</i>", "due_on": AN_END["until"]}
# Letters about employees' requests, by e-mail alone: the activities of employee_requests write them.
OF_A_REQUEST: dict[str, Any] = {
    "name": "Lee <b>Mina</b>", "request_id": "E1", "item": "Laptop", "person": "Kim", "stage": "Manager",
    "amount": "1,000", "question": "Why <i>so</i> much?", "needs_sign_in": False, "subject": "Hello",
    "body": "Welcome <i>here</i>", "link": "https://desk.example/links/x",
}  # fmt: skip
REQUESTS = (
    "approval", "approval_reminder", "question", "task", "task_late", "form", "form_late", "ended",
    "undo_by_hand", "message", "notice",
)  # fmt: skip
