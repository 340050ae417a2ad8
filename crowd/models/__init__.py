"""The labour market's nouns. One file each; this page only gathers the names."""

from crowd.models.account import Account
from crowd.models.draft import PageDraft
from crowd.models.money import Budget, LedgerEntry, LedgerTransaction, Reservation
from crowd.models.queue import OutboxCommand, QueueRow
from crowd.models.trust import Evidence, Restriction
from crowd.models.upload import Upload
from crowd.models.work import Answer, AnswerRaw, Assignment, Batch, Task
from crowd.models.worker import Skill, SkillEvent, SkillValue, Worker, WorkerInvitation

__all__ = [
    "Account",
    "Answer",
    "AnswerRaw",
    "Assignment",
    "Batch",
    "Budget",
    "Evidence",
    "LedgerEntry",
    "LedgerTransaction",
    "OutboxCommand",
    "PageDraft",
    "QueueRow",
    "Reservation",
    "Restriction",
    "Skill",
    "SkillEvent",
    "SkillValue",
    "Task",
    "Upload",
    "Worker",
    "WorkerInvitation",
]
