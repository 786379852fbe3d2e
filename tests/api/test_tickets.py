"""The queue, one ticket, reporting a fault and no-login links, as people meet them over HTTP."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import WorkflowEnvironment

from models.messages.journeys import WaitFor
from models.messages.staff import LinkPurpose
from models.messages.tickets import TicketStatus
from models.tickets import Ticket
from tests.api.web import Web, web_on
from tests.builders.company import Company, build
from tests.builders.desk import Company as SmallCompany
from tests.builders.tickets import a_ticket
from tests.conftest import Database
from tests.desk import RunningDesk

PAGES = ("/tickets?view=open", "/tickets/T1", "/tickets/new", "/tickets/new?customer=c_one", "/home",
         "/customers", "/customers/c_one")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_every_page_of_the_desk_is_drawn_in_both_languages(web: Web, path: str, language: str) -> None:
    asked = path + ("&" if "?" in path else "?") + f"lang={language}"

    page = await web.get(asked, who="agent")

    assert page.status_code == 200, page.text[:500]
    assert f'<html lang="{language}"' in page.text
