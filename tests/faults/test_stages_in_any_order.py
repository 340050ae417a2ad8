"""The stage engine while everything happens in any order and processes die in the middle: pictures, verdicts, money."""

from contextlib import suppress
from functools import cache
from io import BytesIO
from unittest import mock

import pytest
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image

from crowd.errors import BudgetExceeded, CrowdError, NoWork
from crowd.models import Assignment, Task
from curation.engine import flow
from curation.models import Annotation, Asset, Decision
from curation.services import assets
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = [pytest.mark.django_db, pytest.mark.faults]
State = Assignment.State
SIZE = (192, 128)
CHEAP = {"min_long": 192, "min_short": 128, "corners": False, "templates": False}
PLACES = (
    "curation.engine.flow.versions.bump",
    "curation.stages.checks.decide_all",
    "curation.stages.checks.previews.keep_all",
    "curation.engine.flow.pools.close_finished",
)


class Died(BaseException):
    """The process is gone in the middle of something."""


@cache
def picture(number: int) -> bytes:
    data = BytesIO()
    grains = Image.frombytes("RGB", (12, 8), bytes((7 + 31 * number * i * i + 17 * i) % 256 for i in range(288)))
    grains.resize(SIZE, Image.Resampling.NEAREST).save(data, "PNG")
    return data.getvalue()


class Stages(RuleBasedStateMachine):
    """One sign; photos that are new, sent before or no pictures; people who judge and box as they like."""

    @initialize(dollars=st.sampled_from([1, 20]))
    def begin(self, dollars: int) -> None:
        self.project = world.campaign(wanted=5, dollars=dollars, checks=CHEAP)
        self.alice = world.person("Alice")

    @rule(number=st.integers(1, 6), is_junk=st.booleans())
    def somebody_sends_a_photo(self, number: int, is_junk: bool) -> None:
        with suppress(NoWork, BudgetExceeded):
            world.send(self.project, b"<html>" if is_junk and number == 1 else picture(number))

    @rule(where=st.sampled_from(PLACES))
    def the_machines_work_and_die_in_the_middle(self, where: str) -> None:
        with mock.patch(where, side_effect=Died), suppress(Died):
            self.take_in()
            world.work(self.project)

    @rule()
    def the_machines_work(self) -> None:
        self.take_in()
        world.work(self.project)

    def take_in(self) -> None:
        flow.take_in(project_id=self.project.pk, now=NOON)

    @rule()
    def pages_are_told_of_again(self) -> None:
        Assignment.objects.filter(project_id=self.project.pk, processed_at__isnull=False).update(processed_at=None)
        self.take_in()

    @rule(answers=st.lists(st.sampled_from(["correct", "correct", "incorrect"]), min_size=1, max_size=3))
    def people_judge(self, answers: list[str]) -> None:
        for answer in answers:
            if world.on_offer(self.project, "validate"):
                with suppress(NoWork, BudgetExceeded):
                    world.answer(self.project, "validate", answer=answer)

    @rule(lefts=st.lists(st.sampled_from([0.1, 0.4, 0.402]), min_size=1, max_size=3))
    def people_box(self, lefts: list[float]) -> None:
        for left in lefts:
            if world.on_offer(self.project, "boxes"):
                with suppress(NoWork, BudgetExceeded):
                    world.box(self.project, left)

    @rule(data=st.data())
    def alice_brings_one_back(self, data: st.DataObject) -> None:
        dropped = list(Asset.objects.filter(project=self.project, state=Asset.State.DROPPED).order_by("pk"))
        if dropped:
            with suppress(CrowdError):
                assets.restore(asset_id=data.draw(st.sampled_from(dropped)).pk, by=self.alice, now=NOON)

    @invariant()
    def each_photo_that_was_taken_in_is_one_picture(self) -> None:
        pages = Assignment.objects.filter(project_id=self.project.pk, batch__interface="photo")
        sent = pages.filter(submitted_at__isnull=False)
        found = Asset.objects.filter(project=self.project)
        assert sent.filter(processed_at__isnull=False).count() <= found.count() <= sent.count()
        assert found.values("answer__assignment").distinct().count() == found.count()

    @invariant()
    def the_books_are_the_pages(self) -> None:
        pages = Assignment.objects.filter(project_id=self.project.pk)
        worth = {
            state: pages.filter(state__in=states).aggregate(sum=Sum("price_micro"))["sum"] or 0
            for state, states in {"paid": [State.ACCEPTED], "held": [State.ACTIVE, State.SUBMITTED]}.items()
        }
        totals = world.totals(self.project)
        assert totals.paid_micro == totals.spent_micro == worth["paid"]
        assert totals.reserved_micro == worth["held"]

    @invariant()
    def a_picture_stands_where_its_last_verdict_put_it(self) -> None:
        for asset in Asset.objects.filter(project=self.project):
            last = Decision.objects.filter(asset=asset).order_by("-pk").values_list("verdict", flat=True)[0]
            assert (asset.state == Asset.State.DROPPED) == (last == Decision.Verdict.DROPPED)
            assert (asset.state == Asset.State.HELD) == (last == Decision.Verdict.HELD)

    @invariant()
    def nobody_is_refused_for_a_picture_that_is_used(self) -> None:
        refused = Asset.objects.filter(project=self.project, answer__assignment__state=State.REJECTED)
        assert not refused.exclude(state=Asset.State.DROPPED).exists()

    @invariant()
    def nobody_answers_twice_and_no_task_is_given_out_too_often(self) -> None:
        assert not Task.objects.filter(project_id=self.project.pk, issued__gt=F("overlap")).exists()
        said = Annotation.objects.filter(project_id=self.project.pk)
        assert said.values("asset", "stage", "worker_id").distinct().count() == said.count()


class TestStages(Stages.TestCase, TestCase):  # type: ignore[misc, name-defined]
    settings = settings(
        max_examples=8,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
