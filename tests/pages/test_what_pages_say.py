"""The numbers on the pages are sums over rows, and every form answers with a sentence."""

import json
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from psycopg_pool import ConnectionPool, PoolTimeout

from crowd.models import Account, Assignment, Batch, Budget, Evidence, Restriction, Skill, WorkerInvitation
from crowd.services import ledger
from curation.dashboard import health
from curation.dashboard.money_numbers import money_numbers
from curation.live import views
from curation.models import Asset, AssetPreview, DatasetVersion, Export, Membership, Outlook, Pool, Project
from curation.services.overview import asset_counts, funnel, pool_rows, project_numbers
from curation.services.overview.campaigns import IN_MEMORY
from tests.factories import make_answer, make_asset, make_evidence, make_pool, make_worker


def page(client: Client, name: str, *args: object, query: str = "") -> str:
    return client.get(reverse(name, args=args) + query).content.decode()


# --- numbers ----------------------------------------------------------------------------------------------------------
def test_the_funnel_adds_up_at_every_step(project: Project):
    make_asset(project)
    make_asset(project, Asset.State.DROPPED, stage="checks", reason="low_resolution")
    make_asset(project, Asset.State.DROPPED, stage="validate", reason="incorrect")
    make_asset(project, Asset.State.WAITING, stage="validate")
    steps = funnel(stages=list(project.stages.all()), counts=asset_counts(project=project))
    assert [(step.stage.kind, step.passed, step.lost, step.waiting) for step in steps] == [
        ("collect", 4, 0, 0),
        ("checks", 3, 1, 0),
        ("validate", 1, 1, 1),
        ("publish", 1, 0, 0),
    ]
    assert all(before.passed == now.passed + now.lost + now.waiting for before, now in pairwise(steps))


def test_a_loss_links_to_exactly_these_assets(project: Project, people: dict[str, Client]):
    lost = make_asset(project, Asset.State.DROPPED, stage="checks", reason="low_resolution")
    kept = make_asset(project)
    assert "?stage=checks&amp;state=dropped&amp;reason=low_resolution" in page(
        people["vera"], "project", project.public_id
    )
    query = "?stage=checks&state=dropped&reason=low_resolution"
    shown = page(people["vera"], "assets", project.public_id, query=query)
    assert str(lost.public_id) in shown
    assert str(kept.public_id) not in shown


def test_a_pool_counts_accepted_and_in_check_and_no_control_tasks(project: Project):
    pool, worker = make_pool(project), make_worker()
    make_answer(pool, worker)
    make_answer(pool, worker, Assignment.State.SUBMITTED)
    make_answer(pool, worker, Assignment.State.REJECTED)
    control = make_answer(pool, worker)
    control.delete()
    control.task.overlap = None
    control.task.save()
    control.save(force_insert=True)
    row = pool_rows(project=project, now=timezone.now())[0][0]
    assert (row.accepted, row.in_check, row.target) == (1, 1, 10)


def test_tables_tell_the_time_left_that_the_outlook_said_last_and_nothing_that_was_said_long_ago(project: Project):
    pool, now = make_pool(project), timezone.now()
    make_answer(pool, make_worker())

    def left(later: timedelta):
        row = pool_rows(project=project, now=now + later)[0][0]
        return row.eta and (round(row.eta.p50, 2), round(row.eta.p90, 2))

    assert left(timedelta(0)) is None
    said = {"project": project, "pool": pool, "goal": 10, "reached": 1, "made_at": now, "inputs": {"pages": 20}}
    Outlook.objects.create(slot=1, hours_p5=4.0, hours_p50=8.0, hours_p90=9.0, hours_p95=10.0, **said)
    Outlook.objects.create(slot=2, hours_p5=1.0, hours_p50=2.0, hours_p90=3.5, hours_p95=4.0, **said)
    assert left(timedelta(0)) == (2.0, 3.5)
    assert left(timedelta(minutes=30)) == (1.5, 3.0)
    assert left(timedelta(hours=2.5)) == (0.02, 1.0)
    assert left(timedelta(hours=4)) is None


@pytest.mark.parametrize(
    ("inputs", "held"),
    [
        ({"pages": 3, "hours": 0.1}, [True, False, False]),
        ({"pages": 3, "hours": 2.0}, [True, True, False]),
        ({"pages": 20, "hours": 0.1}, [True, True, True]),
    ],
)
def test_tables_tell_what_rests_on_few_pages_no_longer_than_the_pool_had_been_watched(
    project: Project, inputs: dict[str, float], held: list[bool]
):
    pool, now = make_pool(project), timezone.now()
    make_answer(pool, make_worker())
    hours = {"hours_p5": 40.0, "hours_p50": 48.0, "hours_p90": 280.0, "hours_p95": 300.0}
    said = {"project": project, "pool": pool, "goal": 10, "reached": 1, "made_at": now, "inputs": inputs}
    Outlook.objects.create(slot=1, **hours, **said)
    rows = [pool_rows(project=project, now=now + timedelta(minutes=gone))[0][0] for gone in (5, 20, 170)]
    assert [row.eta is not None for row in rows] == held


def test_spent_is_the_sum_of_the_ledger(project: Project):
    answer = make_answer(make_pool(project), make_worker(), Assignment.State.ACCEPTED)
    page_ = answer.assignment
    ledger.reserve(purse=ledger.Purse.of(page_.batch), amount_micro=30_000, ref=f"assignment:{page_.pk}")
    ledger.charge(assignment=page_, now=timezone.now())
    make_asset(project)
    numbers = project_numbers(project=project, now=timezone.now())
    assert numbers.spent.spent_micro == 30_000 == Budget.objects.get(project_id=project.pk).spent_micro
    assert numbers.spent.running[-1] == 30_000
    assert numbers.price_micro == 30_000


def test_a_rehearsal_is_looked_at_from_its_own_clock(project: Project):
    long_ago = timezone.now() - timedelta(days=300)
    Project.objects.filter(pk=project.pk).update(is_rehearsal=True, created_at=long_ago)
    page_ = make_answer(make_pool(project), make_worker(), Assignment.State.ACCEPTED).assignment
    ledger.reserve(purse=ledger.Purse.of(page_.batch), amount_micro=30_000, ref=f"assignment:{page_.pk}")
    ledger.charge(assignment=page_, now=long_ago + timedelta(hours=9))
    project.refresh_from_db()
    assert project_numbers(project=project, now=timezone.now()).buckets.end == long_ago + timedelta(hours=9)


def test_the_gate_says_whom_it_lets_through(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    batch = Batch.objects.get(pool_id=pool.pk)
    skill = Skill.objects.create(account=batch.account, name="Checking photos: exam")
    exam = {"pool_id": 0, "stage_id": 0, "kind": "exam", "interface": "choice", "page_size": 10, "grants_skill": skill}
    Batch.objects.create(account=batch.account, key="exam", project_id=project.pk, **exam)
    Batch.objects.filter(pk=batch.pk).update(needs_skill=skill, needs_value=70)
    page = people["vera"].get(reverse("pool", args=[project.public_id, pool.pk])).content.decode()
    assert "a random clicker passes in 17.2 %, a 90 % worker in 98.7 %" in page


# --- assets -----------------------------------------------------------------------------------------------------------
def test_the_asset_page_tells_its_cost_to_the_cent(project: Project, people: dict[str, Client]):
    worker = make_worker()
    asset = make_asset(project, worker=worker, answer=make_answer(make_pool(project), worker))
    assert "<b>$0.03</b>" in page(people["vera"], "asset", project.public_id, asset.public_id)


def test_alice_restores_a_dropped_asset(project: Project, people: dict[str, Client]):
    asset = make_asset(project, Asset.State.DROPPED, stage="checks", reason="rotated")
    people["alice"].post(reverse("asset-restore", args=[project.public_id, asset.public_id]), {"note": "it is fine"})
    asset.refresh_from_db()
    assert (asset.state, asset.stage.kind) == (Asset.State.WAITING, "validate")
    again = people["alice"].post(reverse("asset-restore", args=[project.public_id, asset.public_id]))
    assert again.status_code == 400


# --- media ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def pictured(project: Project) -> Asset:
    key = default_storage.save("thumb.webp", ContentFile(b"RIFF....WEBP"))
    asset = make_asset(project, name="holiday.jpg", storage_key=default_storage.save("o.jpg", ContentFile(b"\xff\xd8")))
    AssetPreview.objects.create(asset=asset, thumb_key=key, screen_key=key, grey_key=key)
    return asset


def test_copies_are_served_inertly_and_only_to_members(pictured: Asset, people: dict[str, Client]):
    address = reverse("media", args=[pictured.public_id, "thumb"])
    answer = people["vera"].get(address)
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert people["charlie"].get(address).status_code == 404
    assert people["nobody"].get(address).status_code == 302


def test_an_original_is_a_download_for_leads_only(pictured: Asset, people: dict[str, Client]):
    address = reverse("media", args=[pictured.public_id, "original"])
    answer = people["alice"].get(address)
    assert b"".join(answer) == b"\xff\xd8"
    assert answer["Content-Disposition"] == f'attachment; filename="{pictured.public_id}.jpg"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert people["rita"].get(address).status_code == 404


# --- forms ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", [{"wanted": "many"}, {"price": "cheap"}, {"priority": "-1"}, {"price": "-1"}])
def test_a_wrong_change_of_a_pool_is_refused_with_a_sentence(typed, project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    before = Pool.objects.filter(pk=pool.pk).values().get()
    answer = people["alice"].post(reverse("pool-change", args=[project.public_id, pool.pk]), typed)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert Pool.objects.filter(pk=pool.pk).values().get() == before


def test_alice_changes_price_and_target(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    people["alice"].post(reverse("pool-change", args=[project.public_id, pool.pk]), {"wanted": "20", "price": "0.05"})
    pool.refresh_from_db()
    assert (pool.wanted, pool.price_micro) == (20, 50_000)


def test_the_price_of_an_item_goes_from_and_to_where_it_depends_on_a_skill(project, people):
    pool = make_pool(project, price_micro=60_000)
    Pool.objects.filter(pk=pool.pk).update(price_table=[[0, 80, 60_000], [81, 100, 90_000]], overlap=3)
    Batch.objects.filter(pool_id=pool.pk).update(page_size=6)
    assert "$0.0300–0.0450" in page(people["vera"], "pool", project.public_id, pool.pk)
    Pool.objects.filter(pk=pool.pk).update(price_table=[])
    assert "$0.0300 an item" in page(people["vera"], "pool", project.public_id, pool.pk)


def test_what_all_will_cost_counts_what_the_platform_takes(project, people):
    pool = make_pool(project, wanted=10, price_micro=100_000)
    Account.objects.filter(pk=pool.account_id).update(platform="toloka", commission_percent=30)
    assert "<small>of $1.30</small>" in page(people["vera"], "pool", project.public_id, pool.pk)
    (stage,) = money_numbers(project=project, now=timezone.now()).stages
    assert stage.planned_micro == 1_300_000


def test_pools_sort_by_every_column(project: Project, people: dict[str, Client]):
    make_pool(project, "BIG", price_micro=90_000)
    make_pool(project, "SMALL", price_micro=10_000)
    for column in IN_MEMORY:
        assert people["vera"].get(reverse("pools", args=[project.public_id]) + f"?sort=-{column}").status_code == 200
    lines = people["vera"].get(reverse("pools", args=[project.public_id]) + "?sort=-price").context["lines"]
    assert [line.row.pool.title for line, _ in lines] == ["BIG", "SMALL"]


def test_banning_rejects_the_picture_and_keeps_the_worker_out(project: Project, people: dict[str, Client]):
    worker = make_worker()
    answer = make_answer(make_pool(project), worker, Assignment.State.SUBMITTED)
    asset = make_asset(project, Asset.State.HELD, stage="checks", reason="same_photo", worker=worker, answer=answer)
    evidence = make_evidence(asset)
    people["alice"].post(reverse("evidence-ban", args=[project.public_id, evidence.pk]), {"days": "10"})
    assert Restriction.objects.get(worker=worker).scope_id == project.pk
    answer.assignment.refresh_from_db()
    assert answer.assignment.state == Assignment.State.REJECTED


def test_a_false_alarm_no_longer_counts(project: Project, people: dict[str, Client]):
    worker = make_worker()
    answer = make_answer(make_pool(project), worker, Assignment.State.SUBMITTED)
    asset = make_asset(project, Asset.State.HELD, stage="checks", reason="same_photo", worker=worker, answer=answer)
    evidence = make_evidence(asset)
    people["alice"].post(reverse("evidence-overturn", args=[project.public_id, evidence.pk]))
    assert Evidence.objects.get().overturned_at is not None
    asset.refresh_from_db()
    assert asset.state != Asset.State.HELD


def test_evidence_of_another_project_cannot_be_touched(project: Project, people: dict[str, Client]):
    asset = make_asset(project, worker=make_worker())
    evidence = make_evidence(asset)
    Evidence.objects.filter(pk=evidence.pk).update(project_id=project.pk + 1)
    address = reverse("evidence-overturn", args=[project.public_id, evidence.pk])
    assert people["alice"].post(address).status_code == 404


def test_an_invitation_link_is_shown_once(project: Project, people: dict[str, Client]):
    form = {"label": "Students", "uses": "5", "days": "7"}
    shown = people["alice"].post(reverse("invite", args=[project.public_id]), form).content.decode()
    assert "/w/join/" in shown
    assert WorkerInvitation.objects.get().max_uses == 5
    assert "/w/join/" not in page(people["alice"], "settings", project.public_id)


@pytest.mark.parametrize(
    "form", [{"uses": "0", "days": "7"}, {"uses": "x", "days": "7"}, {"uses": "1", "days": "9999"}]
)
def test_a_wrong_invitation_is_refused(form, project: Project, people: dict[str, Client]):
    assert people["alice"].post(reverse("invite", args=[project.public_id]), form).status_code == 400
    assert not WorkerInvitation.objects.exists()


def test_the_last_lead_stays(project: Project, people: dict[str, Client], alice):
    member = Membership.objects.get(project=project, user=alice)
    assert people["alice"].post(reverse("member-remove", args=[project.public_id, member.pk])).status_code == 400
    assert Membership.objects.filter(pk=member.pk).exists()


def test_a_budget_under_what_is_spent_is_refused(project: Project, people: dict[str, Client]):
    Budget.objects.filter(project_id=project.pk).update(spent_micro=9_000_000)
    assert people["alice"].post(reverse("budget", args=[project.public_id]), {"limit": "5"}).status_code == 400
    assert people["alice"].post(reverse("budget", args=[project.public_id]), {"limit": "900"}).status_code == 302
    assert Budget.objects.get(project_id=project.pk).limit_micro == 900_000_000


# --- live and health --------------------------------------------------------------------------------------------------
def test_nothing_new_is_a_short_answer(project: Project, people: dict[str, Client]):
    address = reverse("live", args=[project.public_id])
    answer = people["vera"].get(f"{address}?since={project.version}")
    assert json.loads(answer.content) == {"version": project.version, "fields": {}, "stale": []}


def test_a_change_brings_the_numbers_of_every_pool(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    make_answer(pool, make_worker())
    Project.objects.filter(pk=project.pk).update(version=7)
    answer = json.loads(people["vera"].get(reverse("live", args=[project.public_id]) + "?since=0").content)
    assert answer["version"] == 7
    assert answer["fields"][f"pool:{pool.pk}:accepted"] == "1"
    assert "funnel" in answer["stale"]


def test_an_answer_is_never_of_an_earlier_version_than_the_project_has(project, people, monkeypatch):
    monkeypatch.setattr(views, "SECONDS", 600)
    for version in (7, 8):
        Project.objects.filter(pk=project.pk).update(version=version)
        answer = people["vera"].get(reverse("live", args=[project.public_id]) + f"?since={version - 1}")
        assert answer.json()["version"] == version


@pytest.mark.django_db
def test_ready_means_that_everything_answers(client: Client):
    assert client.get("/healthz").content == b"ok\n"
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert json.loads(answer.content)["status"] == "ready"


@pytest.mark.django_db
def test_without_redis_it_is_not_ready_and_says_no_more_than_that(client: Client, settings):
    settings.CHANNELS_REDIS = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.content)["redis"] == "away"
    assert "127.0.0.1" not in answer.content.decode()


@pytest.mark.django_db
def test_whether_it_is_ready_is_asked_of_a_connection_that_is_free_soon(monkeypatch):
    params = connection.get_connection_params()
    with ConnectionPool(kwargs=params, min_size=1, max_size=1, timeout=600) as pool:
        pool.wait(600)
        monkeypatch.setattr(health, "connection", SimpleNamespace(pool=pool, get_connection_params=lambda: params))
        health.CHECKS["database"]()
        for name in ("database", "migrations"):
            with pool.connection(), pytest.raises(PoolTimeout, match=f"after {health.SECONDS}.00 sec"):
                health.CHECKS[name]()


# --- datasets ---------------------------------------------------------------------------------------------------------
def test_alice_freezes_a_version_and_asks_for_an_export(project: Project, people: dict[str, Client]):
    make_asset(project)
    people["alice"].post(reverse("freeze", args=[project.public_id]), {"note": "first"})
    version = project.versions.get()
    people["alice"].post(reverse("export", args=[project.public_id, version.public_id]), {"format": "coco"})
    assert version.exports.get().format == "coco"
    shown = page(people["vera"], "datasets", project.public_id)
    assert "v1 as coco" in shown
    assert "first" in shown


def test_nothing_published_means_nothing_to_freeze(project: Project, people: dict[str, Client]):
    assert people["alice"].post(reverse("freeze", args=[project.public_id])).status_code == 400
    assert not project.versions.exists()


def test_an_unknown_format_is_refused_with_the_list_of_those_there_are(project: Project, people: dict[str, Client]):
    make_asset(project)
    people["alice"].post(reverse("freeze", args=[project.public_id]))
    address = reverse("export", args=[project.public_id, project.versions.get().public_id])
    answer = people["alice"].post(address, {"format": "papyrus"})
    assert answer.status_code == 400
    assert "coco" in answer.content.decode()


def test_a_finished_export_is_a_download_for_leads(project: Project, people: dict[str, Client], alice):
    version = DatasetVersion.objects.create(project=project, number=1, frozen_at=timezone.now())
    key = default_storage.save("export.zip", ContentFile(b"PK"))
    done = Export.objects.create(dataset=version, format="coco", state=Export.State.DONE, storage_key=key)
    done.refresh_from_db()
    address = reverse("export-download", args=[project.public_id, done.public_id])
    answer = people["alice"].get(address)
    assert b"".join(answer) == b"PK"
    assert "attachment" in answer["Content-Disposition"]
    assert people["vera"].get(address).status_code == 404
