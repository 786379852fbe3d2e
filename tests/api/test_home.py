"""Everybody's first page: their own work, and nothing of others."""

import pytest

from tests.api.web import Web

LED = {
    "technician_assigned": "/field-service",
    "partner_own": "/field-service",
    "partner_desk": "/partners/desk",
    "finance": "/billing/invoices",
    "admin": "/journeys",
}


@pytest.mark.parametrize(("who", "where"), LED.items())
async def test_who_has_a_screen_of_their_own_is_led_there(web: Web, who: str, where: str) -> None:
    answer = await web.get("/home", who=who)

    assert (answer.status_code, answer.headers["location"]) == (303, where)


@pytest.mark.parametrize("who", ["agent", "dispatcher", "customer_own", "employee"])
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_others_see_their_home_in_their_language(web: Web, who: str, language: str) -> None:
    page = await web.get(f"/home?lang={language}", who=who)

    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text


async def test_a_customer_s_home_shows_their_own_tickets_only(web: Web) -> None:
    page = await web.get("/home", who="customer_own")

    assert 'href="/tickets/T1"' in page.text
    assert "/tickets/T2" not in page.text
    assert "/tickets/T5" not in page.text


async def test_the_address_alone_leads_to_work_or_to_the_public_form(web: Web) -> None:
    stranger, agent = await web.get("/"), await web.get("/", who="agent")

    assert (stranger.headers["location"], agent.headers["location"]) == ("/report", "/home")
