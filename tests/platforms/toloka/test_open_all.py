"""The one line that starts a campaign opens all of its pools on Toloka, or none when it cannot do all of one."""

import pytest
from django.core.management import CommandError, call_command

from crowd.models import OutboxCommand
from curation.models import Pool

LINE = ["mine", "-p", "gestures", "-d", "image", "-t", "call", "-overlap", "3", "--project", "far"]
SETTINGS = ["validate.training_tasks=0", "validate.exam_tasks=0", "validate.control_per_page=0", "boxes.needs_skill="]


def mine(account, *more: str) -> None:
    call_command(*LINE, "-c", account.slug, *(word for one in SETTINGS for word in ("--set", one)), *more)


def states() -> set[str]:
    return set(Pool.objects.values_list("state", flat=True))


def test_what_one_pool_lacks_keeps_all_of_them_closed_until_somebody_agrees(account):
    with pytest.raises(CommandError, match="A short page on Toloka costs as much as a full one"):
        mine(account)
    assert states() == {"draft"}
    assert not OutboxCommand.objects.exists()
    mine(account, "--accept-differences")
    assert states() == {"opening"}
