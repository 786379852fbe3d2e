"""Mails to the sample company: a report with a picture, an answer to the confirmation, and a newsletter."""

import asyncio
import io
import re
import smtplib
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from PIL import Image, ImageDraw

from ops.walk import Stuck, Walker

SENDER = "jiyoung.han@mailbox.example"


def a_report(to: str) -> EmailMessage:
    """What a customer's program sends: text, the same as a page with a picture in it."""
    mail = envelope("한지영", SENDER, to, "공유기 불이 빨간색입니다")
    mail.set_content(
        "안녕하세요.\n\n어제부터 공유기의 불이 빨간색이고 인터넷이 되지 않습니다.\n"
        "사진을 보내 드립니다.\n\n한지영 드림\n"
    )
    page = '<p>어제부터 <b>공유기의 불이 빨간색</b>입니다.</p><p><img src="cid:lamp@sample"></p>'
    mail.add_alternative(page, subtype="html")
    picture = Image.new("RGB", (480, 300), (238, 240, 244))
    ImageDraw.Draw(picture).ellipse((200, 110, 280, 190), fill=(214, 40, 40))
    picture.save(packed := io.BytesIO(), "PNG")
    part = mail.get_payload()[1]  # type: ignore[index]
    part.add_related(packed.getvalue(), "image", "png", cid="<lamp@sample>", filename="router.png")  # type: ignore[union-attr]
    return mail


def an_answer(to: str, letter_id: str) -> EmailMessage:
    """What the same customer answers to our confirmation."""
    mail = envelope("한지영", SENDER, to, "Re: 접수 안내")
    mail["In-Reply-To"] = letter_id
    mail.set_content(
        "다시 켜 보았지만 같습니다. 내일 오전에 통화할 수 있습니다.\n\n"
        "2026-11-22, Ieum님이 작성:\n> 접수했습니다.\n"
    )
    return mail


def a_newsletter(to: str) -> EmailMessage:
    """What nobody asked for."""
    mail = envelope("Weekly Deals", "news@deals.example", to, "This week only")
    mail["List-Id"] = "<weekly.deals.example>"
    mail.set_content("Everything must go.")
    return mail


def envelope(name: str, sender: str, to: str, subject: str) -> EmailMessage:
    """A mail with what every program writes above it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"{name} <{sender}>", to, subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="mailbox.example")
    return mail


def send(listen: str, mail: EmailMessage) -> None:
    """Hand a mail to the letterbox."""
    host, _, port = listen.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        client.send_message(mail)


async def write_in(walker: Walker, listen: str, to: str) -> None:
    """Send all three; the answer goes where our confirmation says."""
    await asyncio.to_thread(send, listen, a_report(to))
    reply_to, letter_id = await confirmation(walker)
    await asyncio.to_thread(send, listen, an_answer(reply_to, letter_id))
    await asyncio.to_thread(send, listen, a_newsletter(to))
    for _ in range(int(walker.patience * 5)):
        held = await walker.ask("agent", "GET", "/tickets/mails?status=quarantined")
        read = await walker.ask("agent", "GET", "/tickets/mails?status=threaded")
        if held["rows"] and len(read["rows"]) >= 2:
            return
        await asyncio.sleep(0.2)
    raise Stuck("the mails were not read")


async def confirmation(walker: Walker) -> tuple[str, str]:
    """Where our letter wants its answer, and its own id."""
    for _ in range(int(walker.patience * 5)):
        asked = await walker.http.get(f"{walker.sandbox}/mail/messages", params={"to": SENDER})
        for one in asked.json():
            head = dict(line.split(": ", 1) for line in one["headers"].split("\n") if ": " in line)
            if re.search(r"\+t\d+\.", head.get("Reply-To", "")):
                return head["Reply-To"], head["Message-ID"]
        await asyncio.sleep(0.2)
    raise Stuck("our confirmation did not come")
