"""People of MTurk and Prolific at our door, as tests tell stories about them."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.test import Client

from crowd.links import hosted_url
from crowd.models import Account, Assignment, Batch, Skill
from tests import scenes

JSON = {"headers": {"Accept": "application/json"}}
SUBMIT_TO = "https://www.mturk.com"


def account(platform: str = "mturk", **fields: Any) -> Account:
    return Account.objects.create(
        slug=f"{platform}-{Account.objects.count()}", platform=platform, label="Ours", **fields
    )


def batch(world: Any, interface: str, of: Account, *, n: int = 0, image: str = "", **fields: Any) -> Batch:
    """An open batch of this account with so many tasks."""
    row = scenes.batch(world, interface)
    Batch.objects.filter(pk=row.pk).update(account=of, **{"pays_whole_pages": True, **fields})
    row.refresh_from_db()
    for number in range(n):
        scenes.task(row, f"task-{number}", image=image)
    return row


def skill(of: Account, name: str) -> Skill:
    return Skill.objects.get_or_create(account=of, name=name)[0]


def address(of: Batch, **query: str) -> str:
    """Our address as the platform completes it."""
    path = urlsplit(hosted_url(of.account.platform, of.key)).path
    return f"{path}?{urlencode(query)}" if query else path


def hit(of: Batch, who: str = "AWANDA", assignment: str = "ASSIGN1", **changes: str) -> str:
    usual = {"assignmentId": assignment, "hitId": "HIT1", "workerId": who, "turkSubmitTo": SUBMIT_TO}
    return address(of, **{**usual, **changes})


def preview(of: Batch) -> str:
    return address(of, assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE", hitId="HIT1", turkSubmitTo=SUBMIT_TO)


def study(of: Batch, who: str = "pid1", submission: str = "sid1") -> str:
    return address(of, pid=who, study="study1", sid=submission)


def come(client: Client, url: str) -> dict[str, Any]:
    """Arrive as a machine does, agree when asked, and return what there is to do."""
    told = get(client, url)
    if told["state"] == "consent":
        agreed = client.post(
            told["agree"], {"agree": True, "adult": True}, content_type="application/json", follow=True, **JSON
        )
        return agreed.json()
    return told


def get(client: Client, url: str) -> dict[str, Any]:
    return client.get(url, follow=True, **JSON).json()


def answers(page: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return {str(task["id"]): answer for task in page["tasks"]}


def hand_in(client: Client, page: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Answer every task alike, hand the page in and go where it leads."""
    sent = client.post(
        page["submit"], {"answers": answers(page, answer), "ms": 9000}, content_type="application/json", **JSON
    )
    assert sent.status_code == 200, sent.content
    return get(client, sent.json()["next"])


def page_of(assignment: str = "ASSIGN1") -> Assignment:
    return Assignment.objects.get(ext_id=assignment)
