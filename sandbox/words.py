"""The few words of the outside world's own pages, in Korean and English."""

WORDS: dict[str, dict[str, str]] = {
    "ko": {
        "test_gateway": "테스트 결제창", "no_real_money": "실제로 결제되지 않습니다.", "amount": "결제 금액",
        "order": "주문번호", "goods": "상품", "card": "테스트 카드", "approve": "승인되는 카드",
        "refuse": "한도 초과 카드", "expired": "유효기간이 지난 카드", "final": "환불되지 않는 카드",
        "pay": "결제하기",
        "cancel": "취소하고 돌아가기",
        "test_card_form": "테스트 카드 등록", "add_card": "이 카드 등록",
        "mail": "보낸 메일함", "sms": "보낸 문자함", "alimtalk": "보낸 알림톡",
        "to": "받는 사람", "subject": "제목", "at": "보낸 시각",
        "nothing": "아직 보낸 것이 없습니다.", "back": "목록으로", "as_text": "텍스트", "as_html": "HTML",
        "sandbox": "외부 시스템 대역",
    },
    "en": {
        "test_gateway": "Test checkout", "no_real_money": "No real money moves.", "amount": "Amount",
        "order": "Order", "goods": "For", "card": "Test card", "approve": "Card that is approved",
        "refuse": "Card over its limit", "expired": "Card that has expired",
        "final": "Card that never refunds",
        "pay": "Pay",
        "cancel": "Cancel and go back",
        "test_card_form": "Test card form", "add_card": "Add this card",
        "mail": "Mail that was sent", "sms": "Texts that were sent",
        "alimtalk": "KakaoTalk messages that were sent",
        "to": "To", "subject": "Subject", "at": "Sent",
        "nothing": "Nothing has been sent yet.", "back": "Back to the list",
        "as_text": "Text", "as_html": "HTML",
        "sandbox": "Outside world",
    },
}  # fmt: skip


def words(locale: str) -> dict[str, str]:
    """The words of one language; Korean when the language is unknown."""
    return WORDS.get(locale, WORDS["ko"])
