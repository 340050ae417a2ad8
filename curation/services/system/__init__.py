"""How this server stands, for those who run it. Read-only; every part can be asked for alone."""

from curation.services.system.database import DatabaseFacts, database_facts
from curation.services.system.machine import DiskFacts, disk_facts
from curation.services.system.processes import Process, processes
from curation.services.system.queues import AccountLine, QueueRow, account_lines, queue_rows
from curation.services.system.storage import ProbeStep, StorageFacts, probe, storage_facts

__all__ = [
    "AccountLine",
    "DatabaseFacts",
    "DiskFacts",
    "ProbeStep",
    "Process",
    "QueueRow",
    "StorageFacts",
    "account_lines",
    "database_facts",
    "disk_facts",
    "probe",
    "processes",
    "queue_rows",
    "storage_facts",
]
