"""Leads and their own people: teams, invitations, skills, pools for a team, appeals, earnings."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import (
    Appeal,
    Assignment,
    Batch,
    Budget,
    LedgerEntry,
    Skill,
    SkillEvent,
    SkillValue,
    Task,
    Worker,
    WorkerInvitation,
    WorkerTeam,
)
from crowd.services import earnings, judging, ledger, teams
from crowd.services.teams import Terms
from curation.models import Asset, Event, Pool, Project
from curation.services import appeals, inhouse
from tests.factories import make_answer, make_asset, make_evidence, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db
NOW = timezone.now


@pytest.fixture
def alices(people: dict[str, Client]) -> Client:
    return people["alice"]


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project)


@pytest.fixture
def wanda(project: Project, pool: Pool) -> Worker:
    row = make_worker("Wanda")
    row.only_projects = [project.pk]
    row.save()
    return row


@pytest.fixture
def team(project: Project, alice) -> WorkerTeam:
    return inhouse.make_team(project=project, name="Students", terms=Terms("hour", 12_000_000), by=alice, now=NOW())


@pytest.fixture
def refused(project: Project, pool: Pool, wanda: Worker) -> Asset:
    """A photo of Wanda's that a check has dropped; its page is rejected."""
    answer = make_answer(pool, wanda, Assignment.State.SUBMITTED)
    asset = make_asset(
        project, Asset.State.DROPPED, stage="checks", reason="low_resolution", worker=wanda, answer=answer
    )
    judging.reject(assignment_id=answer.assignment_id, reason="The photo is too small.", now=NOW())
    return asset


@pytest.fixture
def appeal(refused: Asset, wanda: Worker) -> Appeal:
    return appeals.file(
        page_id=refused.answer.assignment_id, worker_id=wanda.pk, text="It has 12 megapixels.", now=NOW()
    )


def at(name: str, project: Project, *more: object) -> str:
    return reverse(name, args=[project.public_id, *more])


# Teams


def test_a_lead_makes_a_team_that_is_paid_by_the_hour(project, alices):
    form = {"name": "Students", "pay": "hour", "rate": "12.50"}
    assert alices.post(at("team-make", project), form).status_code == 302
    assert WorkerTeam.objects.get().hourly_micro == 12_500_000
    assert "Students" in alices.get(at("inhouse", project)).content.decode()


@pytest.mark.parametrize("rate", ["", "0", "-3", "much", "1e30", "12.0000001"])
def test_a_rate_that_is_none_is_refused_with_a_sentence(rate, project, alices):
    shown = alices.post(at("team-make", project), {"name": "Students", "pay": "hour", "rate": rate})
    assert shown.status_code == 400
    assert not WorkerTeam.objects.exists()


def test_a_lead_moves_a_worker_and_it_is_on_record(project, alices, wanda, team):
    alices.post(at("worker-team", project, wanda.pk), {"team": str(team.pk)})
    wanda.refresh_from_db()
    assert wanda.team == team
    assert Event.objects.filter(kind="worker.moved", subject_id=wanda.pk).exists()


def test_nobody_changes_the_pay_of_people_who_work_for_a_project_he_does_not_lead(project, alices, wanda, team, rita):
    other = make_project("Rita's", lead=rita)
    teams.move(worker_id=wanda.pk, team=team)
    Worker.objects.filter(pk=wanda.pk).update(only_projects=[project.pk, other.pk])
    shown = alices.post(at("team-pay", project, team.pk), {"pay": "page"})
    assert shown.status_code == 400
    assert "do not lead" in shown.content.decode()
    team.refresh_from_db()
    assert team.pay == "hour"


def test_a_team_of_another_project_is_not_there(project, alices, charlie):
    theirs = make_project("Charlie's", lead=charlie)
    hidden = inhouse.make_team(project=theirs, name="Theirs", terms=Terms(), by=charlie, now=NOW())
    assert alices.post(at("team-pay", project, hidden.pk), {"pay": "page"}).status_code == 404
    assert alices.get(at("team-earnings", project, hidden.pk)).status_code == 404
    form = {"team": str(hidden.pk), "uses": "1", "days": "1"}
    assert alices.post(at("invite", project), form).status_code == 404


# Invitations


def token_in(shown: str) -> str:
    found = re.search(r"/w/join/([\w-]+)/", shown)
    assert found
    return found[1]


def test_an_invitation_comes_with_its_code_and_can_be_printed(project, alices, team):
    form = {"label": "Lab", "team": str(team.pk), "uses": "5", "days": "7"}
    shown = alices.post(at("invite", project), form).content.decode()
    assert "<svg" in shown
    row = WorkerInvitation.objects.get()
    assert (row.team, row.max_uses) == (team, 5)
    paper = alices.post(at("invitation-print", project), {"token": token_in(shown)}).content.decode()
    assert token_in(paper) == token_in(shown)
    assert token_in(shown) not in "".join(Event.objects.values_list("text", flat=True))


def test_the_list_says_who_joined_and_how_many_may_still_come(project, alices, client):
    shown = alices.post(at("invite", project), {"label": "Lab", "uses": "2", "days": "7"}).content.decode()
    joining = {"name": "Walter", "language": "en", "agree": "yes", "adult": "yes"}
    client.post(reverse("w-join", args=[token_in(shown)]), joining)
    listed = alices.get(at("inhouse", project)).content.decode()
    assert "1 of 2" in listed
    assert "Walter" in listed


def test_a_revoked_invitation_lets_nobody_else_in(project, alices, client):
    shown = alices.post(at("invite", project), {"uses": "2", "days": "7"}).content.decode()
    alices.post(at("invitation-revoke", project, WorkerInvitation.objects.get().pk))
    assert client.get(reverse("w-join", args=[token_in(shown)])).status_code == 404


# Pools and pictures that come first


def test_a_lead_keeps_a_pool_for_a_team_and_opens_it_again(project, alices, pool, team):
    alices.post(at("pool-team", project, pool.pk), {"team": str(team.pk)})
    assert Batch.objects.get().team == team
    alices.post(at("pool-team", project, pool.pk), {"team": ""})
    assert Batch.objects.get().team is None


def test_the_tasks_about_chosen_pictures_come_first(project, alices, pool):
    assets = [make_asset(project) for _ in range(3)]
    batch = Batch.objects.get()
    for asset in assets:
        Task.objects.create(batch=batch, key=f"a-{asset.pk}", project_id=project.pk, item_id=asset.pk, overlap=1)
    text = f"https://here.example/p/x/assets/{assets[2].public_id}/"
    assert alices.post(at("put-first", project), {"assets": text}).status_code == 302
    first = Task.objects.filter(batch=batch).order_by("-priority", "id").first()
    assert first.item_id == assets[2].pk
    alices.post(at("put-first", project), {"assets": text, "order": "usual"})
    assert set(Task.objects.values_list("priority", flat=True)) == {0}


def test_pictures_of_another_project_are_not_put_first(project, alices, charlie):
    asset = make_asset(make_project("Charlie's", lead=charlie))
    assert alices.post(at("put-first", project), {"assets": str(asset.public_id)}).status_code == 400


# Skills


@pytest.fixture
def skill(pool: Pool) -> Skill:
    row = Skill.objects.create(account=pool.account, name="Checking: exam")
    Batch.objects.filter(pool_id=pool.pk).update(needs_skill=row, needs_value=70)
    return row


def test_a_skill_given_by_hand_opens_the_pool_and_says_why(project, alices, wanda, skill):
    here = at("worker-skills", project, wanda.pk)
    assert "first." in alices.get(here).content.decode()
    alices.post(here, {"skill": skill.pk, "value": "90", "reason": "Saw her work."})
    assert SkillValue.objects.get().value == 90
    event = SkillEvent.objects.get()
    assert "Saw her work." in event.reason
    assert "Alice" in event.reason
    assert "may work here" in alices.get(here).content.decode()
    assert "90" in alices.get(at("qualification", project)).content.decode()


def test_a_skill_taken_away_shuts_the_pool(project, alices, wanda, skill):
    here = at("worker-skills", project, wanda.pk)
    alices.post(here, {"skill": skill.pk, "value": "90", "reason": "Good."})
    alices.post(here, {"skill": skill.pk, "what": "take", "reason": "Careless."})
    assert SkillValue.objects.get().value == 0
    assert "yours is 0" in alices.get(here).content.decode()


@pytest.mark.parametrize(
    "form", [{"value": "101", "reason": "x"}, {"value": "-1", "reason": "x"}, {"value": "80", "reason": " "}]
)
def test_a_skill_needs_a_value_to_100_and_a_reason(form, project, alices, wanda, skill):
    assert alices.post(at("worker-skills", project, wanda.pk), {"skill": skill.pk, **form}).status_code == 400
    assert not SkillValue.objects.exists()


# Appeals


def test_a_lead_sees_the_appeal_with_the_picture_and_the_reason(project, alices, appeal, refused):
    shown = alices.get(at("appeals", project)).content.decode()
    assert "It has 12 megapixels." in shown
    assert "The photo is too small." in shown
    assert str(refused.public_id) in shown
    assert "1 appeal" in alices.get(at("workers", project)).content.decode()


def test_an_upheld_appeal_pays_the_page_once_and_takes_the_picture_back(project, alices, appeal, refused):
    form = {"decision": "uphold", "takes_back": "yes", "reply": "Sorry."}
    alices.post(at("appeal-decide", project, appeal.pk), form)
    assert alices.post(at("appeal-decide", project, appeal.pk), form).status_code == 400
    refused.refresh_from_db()
    appeal.refresh_from_db()
    assert (appeal.state, appeal.reply) == ("upheld", "Sorry.")
    assert (refused.state, refused.stage.kind) == (Asset.State.WAITING, "validate")
    assert ledger.totals(project_id=project.pk).paid_micro == 30_000
    assert Event.objects.filter(kind="appeal.upheld", by__name="Alice").exists()


def test_a_page_can_be_paid_without_taking_the_picture_back(project, alices, appeal, refused):
    alices.post(at("appeal-decide", project, appeal.pk), {"decision": "uphold"})
    refused.refresh_from_db()
    assert refused.state == Asset.State.DROPPED
    assert ledger.totals(project_id=project.pk).paid_micro == 30_000


def test_evidence_no_longer_counts_when_the_appeal_against_it_is_upheld(project, alices, refused, appeal):
    Asset.objects.filter(pk=refused.pk).update(reason="same_photo")
    evidence = make_evidence(refused)
    alices.post(at("appeal-decide", project, appeal.pk), {"decision": "uphold", "takes_back": "yes"})
    evidence.refresh_from_db()
    assert evidence.overturned_at is not None
    refused.refresh_from_db()
    assert refused.state == Asset.State.WAITING


def test_an_appeal_that_cannot_be_paid_stays_open(project, alices, appeal, refused):
    Budget.objects.filter(project_id=project.pk).update(limit_micro=0)
    shown = alices.post(at("appeal-decide", project, appeal.pk), {"decision": "uphold", "takes_back": "yes"})
    assert shown.status_code == 400
    appeal.refresh_from_db()
    refused.refresh_from_db()
    assert (appeal.state, refused.state) == ("open", Asset.State.DROPPED)


def test_a_denied_appeal_needs_an_answer(project, alices, appeal):
    here = at("appeal-decide", project, appeal.pk)
    assert alices.post(here, {"decision": "deny", "reply": " "}).status_code == 400
    assert alices.post(here, {"decision": "deny", "reply": "It has 1 megapixel."}).status_code == 302
    appeal.refresh_from_db()
    assert appeal.state == "denied"
    assert ledger.totals(project_id=project.pk).paid_micro == 0


# Earnings


def test_the_statement_adds_up_to_the_ledger(project, alices, pool, wanda, refused):
    for state in (Assignment.State.SUBMITTED, Assignment.State.SUBMITTED):
        judging.accept(assignment_id=make_answer(pool, wanda, state).assignment_id, now=NOW())
    make_answer(pool, wanda, Assignment.State.SUBMITTED)
    purse = ledger.Purse.of(Batch.objects.get())
    ledger.refund(
        purse=purse, amount_micro=10_000, ref="back", book="workers", note="paid twice", by_id=None, worker=wanda
    )
    found = earnings.statement(worker_ids=[wanda.pk])
    total = found.total
    assert total.earned_micro == ledger.totals(project_id=project.pk).paid_micro == 50_000
    assert total.earned_micro == earnings.so_far(worker_id=wanda.pk).earned_micro
    assert (total.accepted, total.in_check, total.in_check_micro, total.rejected) == (2, 1, 30_000, 1)
    assert LedgerEntry.objects.filter(worker_id=wanda.pk).count() == 3
    table = alices.get(at("worker-earnings", project, wanda.pk), {"as": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode())))
    assert {len(row) for row in rows} == {15}
    (last,) = [row for row in rows if row["kind"] == "total"]
    assert (last["earned"], last["pages_rejected"]) == ("0.05", "1")
    assert [row["reason"] for row in rows if row["kind"] == "rejected"] == [": The photo is too small."]


def test_a_title_that_looks_like_a_formula_stays_text(project, alices, pool, wanda, refused):
    Batch.objects.update(spec={"title": "=HYPERLINK(1)"})
    table = alices.get(at("inhouse-earnings", project), {"as": "csv"})
    assert "'=HYPERLINK(1)" in b"".join(table.streaming_content).decode()


def test_the_statement_of_a_team_is_that_of_its_people(project, alices, pool, wanda, team):
    teams.move(worker_id=wanda.pk, team=team)
    for who in (wanda, make_worker("Walt")):
        judging.accept(assignment_id=make_answer(pool, who, Assignment.State.SUBMITTED).assignment_id, now=NOW())
    shown = alices.get(at("team-earnings", project, team.pk)).content.decode()
    assert "Team Students" in shown
    assert "$0.03" in shown
    assert "$0.06" not in shown
    assert "$0.06" in alices.get(at("inhouse-earnings", project)).content.decode()


def test_a_lead_sees_only_what_was_earned_in_his_project(project, alices, pool, wanda, charlie):
    other = make_pool(make_project("Charlie's", lead=charlie))
    judging.accept(assignment_id=make_answer(other, wanda, Assignment.State.SUBMITTED).assignment_id, now=NOW())
    found = earnings.statement(worker_ids=[wanda.pk], project_id=project.pk)
    assert found.total.earned_micro == 0
    assert earnings.so_far(worker_id=wanda.pk).earned_micro == 30_000


def test_the_statement_says_how_much_time_was_paid(project, alices, pool, wanda):
    page = make_answer(pool, wanda, Assignment.State.SUBMITTED).assignment
    Assignment.objects.filter(pk=page.pk).update(
        hourly_micro=12_000_000, issued_at=page.submitted_at - timedelta(seconds=90)
    )
    judging.accept(assignment_id=page.pk, now=NOW())
    assert "0:01:30" in alices.get(at("worker-earnings", project, wanda.pk)).content.decode()


# Who may see all that

PAGES = ("inhouse", "qualification", "appeals", "inhouse-earnings", "worker-skills", "worker-earnings")
CHANGES = {
    "team-make": {"name": "New", "pay": "page"},
    "team-pay": {"pay": "page"},
    "worker-team": {"team": ""},
    "worker-skills": {"value": "100", "reason": "me"},
    "invite": {"uses": "1", "days": "1"},
    "invitation-print": {"token": "x"},
    "pool-team": {"team": ""},
    "put-first": {"assets": "x"},
    "appeal-decide": {"decision": "uphold"},
}


@pytest.fixture
def own(wanda, pool, team, appeal) -> dict[str, int]:
    """Which row of the project each address is about."""
    about_wanda = dict.fromkeys(("worker-team", "worker-skills", "worker-earnings"), wanda.pk)
    return {"team-pay": team.pk, "pool-team": pool.pk, "appeal-decide": appeal.pk, **about_wanda}


@pytest.mark.parametrize("name", [*PAGES, *CHANGES])
@pytest.mark.parametrize("person", ["rita", "vera", "charlie"])
def test_only_leads_get_in(name, person, project, people, own):
    address = at(name, project, *([own[name]] if name in own else []))
    answer = people[person].post(address, CHANGES[name]) if name in CHANGES else people[person].get(address)
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["appeal-decide", "worker-skills", "worker-earnings", "worker-team", "pool-team"])
def test_a_lead_of_another_project_reaches_nothing_through_his_own(name, people, charlie, own):
    theirs = make_project("Charlie's", lead=charlie)
    address = at(name, theirs, own[name])
    answer = people["charlie"].get(address) if name == "worker-earnings" else people["charlie"].post(address, {})
    assert answer.status_code == 404


@pytest.mark.usefixtures("wanda", "skill")
@pytest.mark.parametrize("name", ["inhouse", "qualification", "appeals", "inhouse-earnings"])
def test_more_people_need_no_more_queries(name, project, alices, team, django_assert_max_num_queries):
    for number in range(5):
        Worker.objects.filter(pk=make_worker(f"W{number}").pk).update(only_projects=[project.pk], team=team)
    with django_assert_max_num_queries(16):
        assert alices.get(at(name, project)).status_code == 200
