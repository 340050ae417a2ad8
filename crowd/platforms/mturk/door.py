"""MTurk frames our page and adds what it knows; a finished page posts a form back to it.

https://docs.aws.amazon.com/AWSMechTurk/latest/AWSMturkAPI/ApiReference_ExternalQuestionArticle.html
"""

from collections.abc import Mapping
from typing import Final

from crowd.errors import PlatformError
from crowd.links import submission_of
from crowd.models import Account, Assignment
from crowd.platforms.doors import Arrival, BadArrival, Leaving, is_allowed, origin_of, origins_in
from crowd.platforms.mturk import exams
from crowd.platforms.mturk.client import ENTITY, WORKER, connected
from crowd.platforms.mturk.pages import SUBMISSION

PREVIEW: Final = "ASSIGNMENT_ID_NOT_AVAILABLE"
MTURK: Final = ("https://*.mturk.com", "https://*.mturkcontent.com")


class MTurkDoor:
    name = "Mechanical Turk"

    def arrival(self, account: Account, query: Mapping[str, str]) -> Arrival:
        ext_id, worker = query.get("assignmentId", ""), query.get("workerId", "")
        if ext_id in {"", PREVIEW}:
            return Arrival()
        if not ENTITY.fullmatch(ext_id) or not WORKER.fullmatch(worker):
            raise BadArrival("The address is not one that Mechanical Turk makes. Open the HIT again from its list.")
        submit_to = query.get("turkSubmitTo", "").rstrip("/")
        if not is_allowed(submit_to, self.hosts(account)) or "?" in submit_to or "#" in submit_to:
            raise BadArrival("This page can hand in work only to Mechanical Turk. Open the HIT again from its list.")
        return Arrival(worker, ext_id, submit_to)

    def doubts(self, account: Account, arrival: Arrival) -> str:
        return ""  # MTurk tells of an assignment only when it is handed in

    def score(self, account: Account, worker_ext_id: str, skill: str) -> int | None:
        if not exams.are_there(account):
            return None
        try:
            return exams.score(connected(account), worker_ext_id, skill)
        except PlatformError:  # our own page leads to our own exam
            return None

    def hosts(self, account: Account) -> tuple[str, ...]:
        """Return MTurk's own hosts; an account with an address of its own has that host, or those it names."""
        named = origins_in(account.settings.get("hosts"))
        own = origin_of(account.base_url)
        if named or not own or own.endswith(".amazonaws.com"):
            return named or MTURK
        return (own,)

    def leaving(self, page: Assignment, submit_to: str) -> Leaving:
        fields = {"assignmentId": page.ext_id, SUBMISSION: submission_of(page.pk)}
        return Leaving(f"{submit_to}/mturk/externalSubmit", fields)
