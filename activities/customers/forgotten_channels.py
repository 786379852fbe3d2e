"""What the channels knew of a customer, blanked: texts, calls, chats, and what their devices said."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BLANKS = (
    """update channel_events set sender = '', original = '' where ticket_id in (select id from tickets
       where customer_id = :who) or sender = (select nullif(phone, '') from customers where id = :who)""",
    "update phone_calls set caller = '', recording = '' where customer_id = :who",
    """update chats set visitor = '', contact = '' where id in (select id from tickets
       where customer_id = :who)""",
    """update device_signals set reading = '{}' where owned_product_id in (select id from owned_products
       where customer_id = :who)""",
)


async def forget_channels(session: AsyncSession, customer_id: str) -> None:
    """Blank what came through the channels, while the customer's number still says what is theirs."""
    for blank in BLANKS:
        await session.execute(text(blank), {"who": customer_id})
