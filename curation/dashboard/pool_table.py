"""The columns of tables of pools."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    right: bool = False


NAME, PRIORITY = Column("name", "Name"), Column("priority", "Priority", right=True)
ACCEPTED, IN_CHECK = Column("accepted", "Accepted"), Column("in_check", "In check", right=True)
STATUS, STARTED = Column("status", "Status"), Column("started", "Started")
LEFT, SPENT = Column("left", "Time left", right=True), Column("spent", "Spent", right=True)
ACCEPTANCE, ALARMS = Column("acceptance", "Accepted %", right=True), Column("alarms", "Alarms")
PLATFORM, PRICE = Column("platform", "Platform"), Column("price", "Price a page", right=True)

HOME: Final = (NAME, PRIORITY, ACCEPTED, IN_CHECK, STATUS, STARTED, LEFT, SPENT, ACCEPTANCE, ALARMS)
PROJECT: Final = (NAME, PRIORITY, ACCEPTED, IN_CHECK, STATUS, PLATFORM, PRICE, STARTED, LEFT, ACCEPTANCE)
