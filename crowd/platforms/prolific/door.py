"""Prolific sends people to our page with three ids, and takes them back by a completion code.

https://docs.prolific.com/documentation/get-started/url-parameters
"""

import re
from collections.abc import Mapping
from typing import Final

from crowd.errors import NotFound, PlatformError
from crowd.models import Account, Assignment
from crowd.platforms.doors import Arrival, BadArrival, Leaving
from crowd.platforms.prolific import submissions
from crowd.platforms.prolific.client import connected
from crowd.platforms.prolific.studies import completion_url

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
STRANGE: Final = "Prolific does not know this submission as yours. Open the study again from Prolific."


class ProlificDoor:
    name = "Prolific"

    def arrival(self, account: Account, query: Mapping[str, str]) -> Arrival:
        worker, ext_id = query.get("pid", ""), query.get("sid", "")
        if not worker or not ext_id:
            return Arrival()
        if not ID.fullmatch(worker) or not ID.fullmatch(ext_id):
            raise BadArrival("The address is not one that Prolific makes. Open the study again from Prolific.")
        return Arrival(worker, ext_id)

    def doubts(self, account: Account, arrival: Arrival) -> str:
        """Look at the submission. When Prolific does not answer, the page is confirmed later, when it is pulled."""
        try:
            with connected(account) as client:
                told = submissions.read(client, arrival.ext_id)
        except NotFound:
            return STRANGE
        except PlatformError:
            return ""
        return STRANGE if submissions.person_of(told) != arrival.worker_ext_id else ""

    def score(self, account: Account, worker_ext_id: str, skill: str) -> int | None:
        return None

    def hosts(self, account: Account) -> tuple[str, ...]:
        return ()  # it opens our page in a window of its own

    def leaving(self, page: Assignment, submit_to: str) -> Leaving:
        return Leaving(completion_url(page.batch.key))
