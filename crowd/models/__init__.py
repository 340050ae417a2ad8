"""The labour market's nouns. One file each; this page only gathers the names."""

from crowd.models.account import Account, PlatformEvent, QuotaCounter
from crowd.models.draft import PageDraft
from crowd.models.money import Bonus, Budget, LedgerEntry, Reservation
from crowd.models.own import OwnTask
from crowd.models.queue import OutboxCommand, QueueRow
from crowd.models.rollup import BatchDelta, BatchRollup
from crowd.models.tally import Tally, TallyDelta
from crowd.models.trust import Evidence, Restriction
from crowd.models.upload import Upload
from crowd.models.work import Answer, AnswerRaw, Appeal, ArmSeat, Assignment, Batch, RemoteFile, Task
from crowd.models.worker import Skill, SkillEvent, SkillValue, Worker, WorkerInvitation, WorkerTeam

__all__ = [
    "Account",
    "Answer",
    "AnswerRaw",
    "Appeal",
    "ArmSeat",
    "Assignment",
    "Batch",
    "BatchDelta",
    "BatchRollup",
    "Bonus",
    "Budget",
    "Evidence",
    "LedgerEntry",
    "OutboxCommand",
    "OwnTask",
    "PageDraft",
    "PlatformEvent",
    "QueueRow",
    "QuotaCounter",
    "RemoteFile",
    "Reservation",
    "Restriction",
    "Skill",
    "SkillEvent",
    "SkillValue",
    "Tally",
    "TallyDelta",
    "Task",
    "Upload",
    "Worker",
    "WorkerInvitation",
    "WorkerTeam",
]
