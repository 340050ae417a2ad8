"""Rehearsals in the browser: asked for, run by jobs, compared, put beside the real project, thrown away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from crowd.models import Assignment, TallyDelta
from crowd.services import tallies
from curation.dashboard import rehearsal_form
from curation.engine import asking, campaigns, rehearsal
from curation.engine.rehearsal_beside import beside
from curation.engine.rehearsal_jobs import run_rehearsal
from curation.engine.rehearsal_setup import new_project
from curation.models import Job, Membership, PlanDraft, Pool, Project, Rehearsal
from curation.services import rehearsals
from curation.services.jobs import Again
from tests.factories import make_answer, make_asset, make_pool, make_worker

pytestmark = pytest.mark.django_db
SHORT: dict[str, dict[str, Any]] = {
    "collect": {"per_worker": 0},
    "validate": {"training_tasks": 2, "exam_tasks": 2, "control_per_page": 0, "exam_gate": 0, "training_gate": 0},
    "boxes": {"needs_value": 0},
}
ASKED = {"size": "4", "seeds": "1", "compare": "", "pictures": "no"}
DOCUMENT = {
    "seed": 1,
    "funnel": [
        {"stage": "collect", "in": 10, "passed": 10, "dropped": 0, "reasons": {}},
        {"stage": "checks", "in": 10, "passed": 8, "dropped": 2, "reasons": {"same_file": 2}},
    ],
    "cost": {"total_usd": "0.80", "per_stage": [], "unit_sum_usd": "0.07", "per_delivered_usd": "0.10"},
    "quality": {"precision": 1.0, "recall": 1.0, "mean_iou": 0.9, "label_accuracy": 1.0, "delivered": 8},
    "workers": {"honest": 9, "dishonest": 1, "caught": 1, "missed": 0, "wrongly_accused": 0},
    "time": {"virtual_hours": 3.5, "wall_seconds": 2.0},
}


@pytest.fixture
def signs(alice) -> Project:
    """A project of two signs whose pools are drafts."""
    asked = asking.campaign(
        recipe="gestures", platform="inhouse", name="Two signs", classes=["call", "like"], wanted=3, settings=SHORT
    )
    return campaigns.ensure_project(asked=asked, by=alice, now=timezone.now()).project


def kept(project: Project | None, **given: Any) -> Rehearsal:
    return Rehearsal.objects.create(
        **{"project": project, "recipe": "gestures", "seed": 1, "size": 8, "state": "done", "report": DOCUMENT, **given}
    )


def run_to_the_end(row: Rehearsal) -> Rehearsal:
    job = Job.objects.get(kind="run_rehearsal", key=str(row.public_id))
    while run_rehearsal(job, timezone.now()) is not None:
        pass
    row.refresh_from_db()
    return row


def test_a_lead_rehearses_the_project_and_sees_what_came_of_it(people, signs):
    answer = people["alice"].post(reverse("rehearsals-start", args=[signs.public_id]), ASKED)
    row = Rehearsal.objects.get()
    assert answer["Location"] == reverse("rehearsal", args=[row.public_id])
    assert "0 of 4 photos are through" in people["alice"].get(answer["Location"]).content.decode()
    run_to_the_end(row)
    assert (row.state, row.project, row.classes) == ("done", signs, ["call", "like"])
    assert row.report["quality"]["delivered"] == row.accepted > 0
    assert row.ran_as.is_rehearsal
    assert row.ran_as.archived_at is not None
    page = people["alice"].get(answer["Location"]).content.decode()
    assert f"${row.report['cost']['per_delivered_usd']}" in page
    assert "Nobody has worked for Two signs yet" in page


def test_a_grid_of_settings_on_two_seeds_is_one_comparison(people, signs):
    typed = {**ASKED, "seeds": "2", "compare": "boxes.overlap=3,5\nvalidate.overlap=3"}
    answer = people["alice"].post(reverse("rehearsals-start", args=[signs.public_id]), typed)
    rows = list(Rehearsal.objects.order_by("id"))
    assert answer["Location"] == reverse("rehearsal-compare", args=[rows[0].comparison])
    assert [(row.varied["boxes.overlap"], row.seed) for row in rows] == [(3, 1), (3, 2), (5, 1), (5, 2)]
    assert rows[2].settings["boxes"] == {"needs_value": 0, "overlap": 5}
    assert Job.objects.filter(kind="run_rehearsal").count() == 4
    assert "4 of 4 rehearsals are under way" in people["alice"].get(answer["Location"]).content.decode()


def test_the_comparison_says_which_settings_nothing_beats(people, signs, alice):
    group = {"comparison": "00000000-0000-0000-0000-000000000007"}
    for overlap, cost, recall in ((3, "0.10", 0.9), (5, "0.20", 0.95), (7, "0.30", 0.92)):
        document = {
            **DOCUMENT,
            "cost": {**DOCUMENT["cost"], "per_delivered_usd": cost},
            "quality": {**DOCUMENT["quality"], "recall": recall},
        }
        kept(signs, varied={"boxes.overlap": overlap}, report=document, **group)
    page = people["alice"].get(reverse("rehearsal-compare", args=[group["comparison"]])).content.decode()
    assert page.count('<tr class="on-front">') == 2
    assert page.count('<circle class="beaten"') == 1
    assert "$0.3000" in page


def test_rows_are_compared_on_the_seeds_that_all_have_done_and_a_winner_waits_for_the_last(people, signs):
    group = {"comparison": "00000000-0000-0000-0000-000000000007"}
    dear = {**DOCUMENT, "cost": {**DOCUMENT["cost"], "per_delivered_usd": "0.90"}}
    kept(signs, varied={"boxes.overlap": 3}, seed=1, **group)
    kept(signs, varied={"boxes.overlap": 3}, seed=2, report=dear, **group)
    kept(signs, varied={"boxes.overlap": 5}, seed=1, **group)
    other = kept(signs, varied={"boxes.overlap": 5}, seed=2, state="running", report=None, **group)
    address = reverse("rehearsal-compare", args=[group["comparison"]])
    page = people["alice"].get(address).content.decode()
    assert page.count('data-label="An image">$0.1000') == 2
    assert "nothing beats it</span>" not in page
    Rehearsal.objects.filter(pk=other.pk).update(state="failed")
    page = people["alice"].get(address).content.decode()
    assert page.count('data-label="An image">$0.1000') == 2
    assert page.count('<tr class="on-front">') == 2
    assert "seed 2</a>" not in page.partition("<tbody>")[2]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"size": "0"}, "The number of photos must be from 1 to 2,000."),
        ({"seeds": "nine"}, "The number of seeds must be from 1 to 5."),
        ({"compare": "boxes.overlap"}, "must look like stage.name=value,value."),
        ({"compare": "boxes.overlap=3,4,5,6,7\nvalidate.overlap=3,5,7"}, "These are 15 combinations; at most 12"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_nothing_is_begun(people, signs, typed, sentence):
    answer = people["alice"].post(reverse("rehearsals-start", args=[signs.public_id]), {**ASKED, **typed})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Rehearsal.objects.exists()


@pytest.mark.parametrize("compare", ["boxes.nothing=3", "boxes.overlap=3,banana", "box.overlap=3,5"])
def test_settings_that_no_stage_knows_are_refused_before_anything_is_begun(people, signs, compare):
    answer = people["alice"].post(reverse("rehearsals-start", args=[signs.public_id]), {**ASKED, "compare": compare})
    assert answer.status_code == 400
    assert not Rehearsal.objects.exists()


def test_settings_that_are_no_longer_known_fail_the_rehearsal_in_words(people, signs, alice):
    row, _ = begun(signs, alice)
    Rehearsal.objects.filter(pk=row.pk).update(settings={"boxes": {"nothing": 3}})
    row = run_to_the_end(row)
    assert row.state == "failed"
    assert "nothing" in row.note
    assert "could not be rehearsed" in people["alice"].get(reverse("rehearsal", args=[row.public_id])).content.decode()


def test_who_is_no_member_finds_no_rehearsal_and_a_viewer_begins_none(people, signs, vera):
    Membership.objects.create(project=signs, user=vera, role="viewer")
    row = kept(signs, comparison="00000000-0000-0000-0000-000000000007")
    addresses = [
        reverse("rehearsal", args=[row.public_id]),
        reverse("rehearsal-compare", args=[row.comparison]),
        reverse("rehearsals", args=[signs.public_id]),
    ]
    assert [people["vera"].get(one).status_code for one in addresses] == [200, 200, 200]
    assert [people["charlie"].get(one).status_code for one in addresses] == [404, 404, 404]
    assert str(row.public_id) not in people["charlie"].get(reverse("rehearsals-all")).content.decode()
    assert people["vera"].post(reverse("rehearsals-start", args=[signs.public_id]), ASKED).status_code == 404
    assert people["vera"].post(reverse("rehearsal-remove", args=[row.public_id])).status_code == 404
    assert people["nobody"].get(addresses[0]).status_code == 302


def test_the_real_project_stands_beside_the_rehearsal_with_the_differences(people, project):
    sent = make_answer(make_pool(project), make_worker(), Assignment.State.SUBMITTED)
    make_asset(project, "waiting", stage="validate", answer=sent, worker=sent.worker)
    make_asset(project, "dropped", stage="checks", reason="low_resolution")
    page = people["alice"].get(reverse("rehearsal", args=[kept(project).public_id])).content.decode()
    assert "Beside the real project" in page
    assert "0 of 10 delivered" in page
    assert "-30.0" in page  # of two photos one has passed the checks, four fifths were foreseen


def test_prices_of_two_currencies_are_told_without_a_difference_and_hours_are_those_of_the_counters(project):
    now, pool = timezone.now(), make_pool(project)
    make_asset(project, "published", stage="publish")
    for ago in (180, 30):
        page = make_answer(pool, make_worker(), Assignment.State.SUBMITTED).assignment
        Assignment.objects.filter(pk=page.pk).update(submitted_at=now - timedelta(minutes=ago))
    tallies.fold(now=now)
    spend(project, "USD", 50_000)
    paid = beside(report=DOCUMENT, project=project)
    assert (paid.real_price_micro, paid.currency, paid.price_difference) == (50_000, "USD", -0.5)
    assert paid.real_hours == pytest.approx(2.5, abs=0.02)
    spend(project, "USD", -50_000)
    spend(project, "EUR", 40_000)
    paid = beside(report=DOCUMENT, project=project)
    assert (paid.real_price_micro, paid.currency, paid.price_difference) == (40_000, "EUR", None)


def spend(project: Project, currency: str, micro: int) -> None:
    TallyDelta.objects.create(of_kind="project", of_id=project.pk, word=f"spent.{currency}", d=micro)


def test_one_that_is_cancelled_goes_no_further_and_one_that_is_deleted_leaves_its_pictures_in_the_trash(people, signs):
    people["alice"].post(reverse("rehearsals-start", args=[signs.public_id]), ASKED)
    row = Rehearsal.objects.get()
    under_way = people["alice"].post(reverse("rehearsal-remove", args=[row.public_id]), follow=True)
    assert "This rehearsal is under way. Cancel it first." in under_way.content.decode()
    people["alice"].post(reverse("rehearsal-cancel", args=[row.public_id]))
    assert run_to_the_end(row).state == "cancelled"
    ran_as = Project.objects.create(name="Rehearsal of gestures", slug="ran", recipe="gestures", is_rehearsal=True)
    Rehearsal.objects.filter(pk=row.pk).update(ran_as=ran_as)
    people["alice"].post(reverse("rehearsal-remove", args=[row.public_id]))
    assert not Rehearsal.objects.exists()
    ran_as.refresh_from_db()
    assert ran_as.trashed_at is not None


def test_a_plan_is_rehearsed_before_it_is_a_project_and_only_who_asked_sees_it(people):
    plan = {
        "recipe": "gestures",
        "name": "",
        "quotas": "call\nlike",
        "wanted": "5",
        "platform": "inhouse",
        "budget": "20",
    }
    answer = people["charlie"].post(reverse("plan-rehearse"), plan)
    row = Rehearsal.objects.get()
    assert answer["Location"] == reverse("rehearsal", args=[row.public_id])
    assert (row.project, row.size, row.classes) == (None, 10, ["call", "like"])
    assert PlanDraft.objects.count() == 1
    assert people["charlie"].get(answer["Location"]).status_code == 200
    assert people["alice"].get(answer["Location"]).status_code == 404


def test_a_plan_with_a_mistake_is_not_rehearsed(people):
    answer = people["charlie"].post(
        reverse("plan-rehearse"), {"recipe": "gestures", "quotas": "", "wanted": "x"}, follow=True
    )
    assert "This plan cannot be rehearsed yet." in answer.content.decode()
    assert not Rehearsal.objects.exists()


def begun(signs: Project, by: Any, **asked: Any) -> tuple[Rehearsal, Job]:
    """A rehearsal of two photos that waits, and its job."""
    one = replace(rehearsal_form.of_project(signs), size=2, pictures=False, **asked)
    row = rehearsals.ask(asked=[one], project=signs, by=by, now=timezone.now())[0]
    return row, Job.objects.get(kind="run_rehearsal", key=str(row.public_id))


def test_one_rehearsal_is_at_work_at_a_time_and_leaves_the_place_to_others(signs, alice, monkeypatch):
    monkeypatch.setattr("curation.engine.rehearsal_jobs.SLICE_SECONDS", 0.01)
    first, job = begun(signs, alice)
    elsewhere = connection.copy()
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('rehearsal'), 0)")
        begun(signs, alice)
        assert run_rehearsal(job, timezone.now()) == Again(after=0.005)
        # A closed connection's locks are let go when its server process ends, a moment later.
        with elsewhere.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('rehearsal'), 0)")
    finally:
        elsewhere.close()
    first.refresh_from_db()
    assert (first.state, first.ran_as) == ("waiting", None)
    went_on = run_rehearsal(job, timezone.now())
    assert went_on is not None
    assert went_on.after == 0.005
    first.refresh_from_db()
    assert first.state == "running"


def test_a_slice_that_fails_lets_the_processes_that_draw_rest_too(signs, alice, monkeypatch):
    _, job = begun(signs, alice)
    rested: list[bool] = []

    def fails(_: rehearsal.Driver) -> bool:
        raise OSError("the disk is full")

    monkeypatch.setattr(rehearsal.Driver, "turn", fails)
    monkeypatch.setattr(rehearsal, "rest_soon", lambda: rested.append(True))
    with pytest.raises(OSError, match="full"):
        run_rehearsal(job, timezone.now())
    assert rested == [True]


def test_a_rehearsal_whose_job_died_ends_in_a_sentence_and_leaves_no_live_project(people, signs, alice):
    row, job = begun(signs, alice)
    ran_as = Project.objects.create(name="Rehearsal of gestures", slug="ran", recipe="gestures", is_rehearsal=True)
    Rehearsal.objects.filter(pk=row.pk).update(state="running", ran_as=ran_as)
    assert rehearsals.end_dead(now=timezone.now()) == 0
    Job.objects.filter(pk=job.pk).update(state="dead")
    assert rehearsals.end_dead(now=timezone.now()) == 1
    page = people["alice"].get(reverse("rehearsal", args=[row.public_id])).content.decode()
    assert "It failed again and again; its job says why." in page
    assert "hx-trigger" not in page
    ran_as.refresh_from_db()
    assert ran_as.archived_at is not None


def test_one_cancelled_while_its_project_is_made_keeps_it_archived_and_in_reach(signs, alice, monkeypatch):
    row, job = begun(signs, alice)

    def made(*given: Any, **named: Any) -> Project:
        rehearsals.cancel(rehearsal_id=row.pk, now=timezone.now())
        return new_project(*given, **named)

    monkeypatch.setattr("curation.engine.rehearsal_jobs.new_project", made)
    assert run_rehearsal(job, timezone.now()) is None
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert row.ran_as.archived_at is not None
    assert not Pool.objects.filter(project=row.ran_as, state="open").exists()
