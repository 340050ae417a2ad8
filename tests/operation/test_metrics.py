"""What monitoring reads, who may read it, and that the alert rules ask only for what there is."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crowd.models import Budget, OutboxCommand
from crowd.services import outbox
from curation import request_counts, sibling_counts
from curation.embedded import checkup_services
from curation.models import Job, Tick
from curation.services import events
from curation.services.metrics import Family, exposition, facts
from curation.services.system.processes import _clock
from tests.crowd import market
from tests.factories import make_project

pytestmark = pytest.mark.django_db
DOCKER = Path(__file__).resolve().parents[2] / "docker"
SAMPLE = re.compile(r'(winnow_[a-z_]+)(\{(?:[a-z_]+="[^"\\\n]*",?)*\})? (-?[0-9.]+)')
NAME = re.compile(r"winnow_[a-z_]+")


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def told() -> dict[str, float]:
    """Return the samples of a server with something of everything, by name and labels."""
    project = make_project("Жесты", budget_usd=5)
    Budget.objects.filter(project_id=project.pk).update(spent_micro=700)
    Tick.objects.create(name="tick", slot=1)
    Job.objects.create(kind="publish", key="1", state=Job.State.DEAD)
    Job.objects.create(kind="publish", key="2", next_at=timezone.now() - timedelta(minutes=5))
    row = outbox.enqueue(kind="accept", key="a", account=market.account("toloka"))
    OutboxCommand.objects.filter(pk=row.pk).update(state="unknown", next_at=timezone.now() - timedelta(minutes=3))
    market.batch(at=row.account)
    events.record(kind="backup.taken", text="A backup was taken.")
    Client().get("/healthz")
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    found = [SAMPLE.fullmatch(line) for line in samples]
    assert all(found), samples
    return {match[1] + (match[2] or ""): float(match[3]) for match in found if match}


def test_every_number_is_a_sum_over_rows(told):
    assert told['winnow_jobs{kind="publish",queue="default",state="dead"}'] == 1
    assert told['winnow_jobs{kind="all",queue="all",state="due"}'] == 1
    assert 295 < told['winnow_job_oldest_due_seconds{queue="default"}'] < 3600
    assert 175 < told['winnow_command_oldest_seconds{state="unknown"}'] < 3600
    assert told['winnow_money_micro{currency="USD",what="limit"}'] >= 5_000_000
    assert told['winnow_ledger_drift_micro{currency="USD"}'] == 700
    assert told["winnow_backup_age_seconds"] < 3600
    assert told["winnow_tick_age_seconds"] < 3600
    assert told["winnow_accounts_held"] == 0
    assert told['winnow_http_requests_total{view="healthz",method="GET",status="200"}'] >= 1


def test_what_other_web_processes_counted_is_read_also_of_those_that_have_ended(tmp_path):
    (tmp_path / "1-1.json").write_text('"of one that has ended"')
    (tmp_path / "1-2.json").write_text('"of another with its number"')
    (tmp_path / "torn.json").write_text('{"')
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    sibling_counts.leave(tmp_path, "own")
    assert sorted(sibling_counts.others(tmp_path)) == ["of another with its number", "of one that has ended"]
    assert json.loads((tmp_path / sibling_counts.OWN).read_text()) == "own"
    sibling_counts.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_request_writes_no_file_and_whoever_is_told_a_number_leaves_it_for_the_others_first(tmp_path, monkeypatch):
    monkeypatch.setattr(request_counts, "_shared", tmp_path)
    assert Client().get("/healthz").status_code == 200
    assert list(tmp_path.iterdir()) == []
    told = next(request_counts.families())
    monkeypatch.setattr(sibling_counts, "OWN", "another")
    [(rows, _)] = sibling_counts.others(tmp_path)
    assert sum(n for *_, n in rows) == sum(n for _, n in told.samples) > 0


def test_numbers_are_told_although_they_cannot_be_left_and_are_left_later(tmp_path, monkeypatch):
    later = tmp_path / "later"
    monkeypatch.setattr(request_counts, "_shared", later)
    request_counts.note("test", "GET", 200, 0.1)
    assert request_counts.tell()[0]["test", "GET", "200"] >= 1
    later.mkdir()
    request_counts.tell()
    assert [file.name for file in later.iterdir()] == [sibling_counts.OWN]


def test_the_books_are_compared_as_they_are_at_one_moment(django_assert_num_queries):
    make_project("Жесты", budget_usd=5)
    with django_assert_num_queries(1):
        assert facts._measured_drift() == {"USD": 0}


def test_alert_rules_and_the_dashboard_ask_only_for_what_there_is(told):
    there = {name.partition("{")[0] for name in told}
    rules = yaml.safe_load((DOCKER / "alerts.yaml").read_text())["groups"][0]["rules"]
    panels = json.loads((DOCKER / "dashboard.json").read_text())["panels"]
    asked = [rule["expr"] for rule in rules] + [one["expr"] for panel in panels for one in panel["targets"]]
    names = {name for text in asked for name in NAME.findall(text)}
    in_use = {"winnow_pages"}  # only while somebody holds a page
    assert len(names) > 20
    assert names - there - in_use == set()
    assert all(rule["annotations"]["summary"].endswith(".") for rule in rules)


def test_a_second_scrape_within_the_minute_reads_no_whole_tables_again(monkeypatch, request):
    monkeypatch.setattr(facts, "LATELY", 3600)  # a minute, on a busy machine
    request.getfixturevalue("told")
    with CaptureQueriesContext(connection) as asked:
        assert Client().get("/metrics").status_code == 200
    queries = [query["sql"] for query in asked]
    assert not [sql for sql in queries if "curation_event" in sql or "crowd_ledgerentry" in sql]
    assert not [sql for sql in queries if "crowd_outboxcommand" in sql and "GROUP BY" in sql]
    assert not [sql for sql in queries if "crowd_assignment" in sql and "GROUP BY" in sql]


def test_only_ticks_of_the_clock_tell_that_it_goes():
    Tick.objects.create(name="tick", slot=1)
    Tick.objects.create(name="another", slot=2, created_at=timezone.now() - timedelta(days=1))
    (age,) = facts._clock(timezone.now())
    assert age.samples[0][1] < 3600
    assert checkup_services._tick().level == "ok"
    assert _clock(timezone.now()).is_well


def test_quotas_of_all_accounts_are_read_at_once(django_assert_num_queries):
    market.account("toloka"), market.account("toloka")
    with django_assert_num_queries(2):
        used, _ = facts._quotas(timezone.now())
    assert len({about["account"] for about, _ in used.samples}) == 2


def test_unfinished_jobs_are_counted_without_walking_those_that_are_done():
    Job.objects.bulk_create(Job(kind="publish", key=str(n), state=Job.State.DONE) for n in range(5_000))
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
        list(facts._jobs(timezone.now()))
        cursor.execute("ANALYZE curation_job")
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        assert "job_unfinished" in "".join(line for (line,) in cursor.fetchall())


def test_without_a_token_only_this_machine_reads_and_not_through_a_proxy():
    assert Client().get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 404
    assert Client().post("/metrics").status_code == 405


@override_settings(METRICS_TOKEN="s3cret-of-prometheus")
def test_with_a_token_whoever_has_it_reads_from_anywhere_and_nobody_else():
    given = {"Authorization": "Bearer s3cret-of-prometheus"}
    assert Client().get("/metrics", REMOTE_ADDR="10.0.0.7", headers=given).status_code == 200
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer другой"}).status_code == 404


def test_a_label_never_holds_what_people_typed():
    family = Family("winnow_test", "Test.").add(1, kind='a"b').add(2, kind="Жест").add(3.25, kind="plain")
    assert exposition([family]).splitlines()[2:] == [
        'winnow_test{kind="other"} 1',
        'winnow_test{kind="other"} 2',
        'winnow_test{kind="plain"} 3.25',
    ]
