"""The least that a FastAPI page can do on the queue's rows: one query, one small template, no rights."""

import os

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from sqlalchemy import text

from models.kit.engine import engine_for

QUERY = text(
    """select t.id, t.subject, t.status, t.priority, t.channel, t.next_due, c.name, a.name as agent,
           w.what, w.until
    from tickets t join customers c on c.id = t.customer_id left join accounts a on a.id = t.agent_id
    left join waits w on w.ticket_id = t.id and w.ended_at is null
    where not t.is_over order by t.next_due, t.id limit 50"""
)
PAGE = Environment(autoescape=True).from_string(
    "<!doctype html><title>Queue</title><table>{% for row in rows %}<tr>"
    "{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>{% endfor %}</table>"
)
engine = engine_for(os.environ["FLOOR_URL"])
app = FastAPI()


@app.get("/ready")
async def ready() -> str:
    """Whether it answers."""
    return "ok"


@app.get("/", response_class=HTMLResponse)
async def queue() -> str:
    """The first fifty rows as a bare table."""
    async with engine.connect() as connection:
        rows = (await connection.execute(QUERY)).all()
    return PAGE.render(rows=rows)
