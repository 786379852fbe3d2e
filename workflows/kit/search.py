"""The search attributes of the namespace: stage and deadline, never anything personal."""

from temporalio.common import SearchAttributeKey

WORD = SearchAttributeKey.for_keyword("Word")
STAGE = SearchAttributeKey.for_keyword("Stage")
TEAM = SearchAttributeKey.for_keyword("Team")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")

ALL = (WORD, STAGE, TEAM, DUE_AT)
