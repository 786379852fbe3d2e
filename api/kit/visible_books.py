"""Who may see the books: finance and administrators, and nobody else."""

from sqlalchemy import false, true

from api.kit.people import Person
from api.kit.seeing import Condition, Rule, has
from models.billing import AccountingPeriod, CloseCheck, ContractDeferral, ErpBatch, ErpPosting
from models.messages.staff import Role


def _books(person: Person) -> Condition:
    return true() if has(person, Role.FINANCE, Role.ADMIN) else false()


RULES_OF_BOOKS: dict[type, Rule] = {
    AccountingPeriod: _books,
    CloseCheck: _books,
    ContractDeferral: _books,
    ErpBatch: _books,
    ErpPosting: _books,
}
