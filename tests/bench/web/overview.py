"""The overview of a project with a million assets and five million answers, and a first page with 2,000 pools.

Run: nice -n 10 .venv/bin/python tests/bench/web/overview.py [assets] [answers]
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

ASSETS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ANSWERS = int(sys.argv[2]) if len(sys.argv) > 2 else 5 * ASSETS
PAGE, OVERLAP, CLASSES, WORKERS, DAYS, EVIDENCE = 10, 3, 18, 5_000, 30, 3_000
OTHER_PROJECTS, POOLS_EACH = 49, 40
ROUNDS, AIM_MS = 40, 100
STAGES = ("collect", "checks", "validate", "boxes", "aggregate", "review", "publish")
# Triggers rest while the rows are loaded; then everything is counted anew, as `tallies.rebuild` does after a repair.
LOAD = """
SET statement_timeout = 0;
SET session_replication_role = replica;
INSERT INTO crowd_worker (account_id, ext_id, ext_digest, name, language, country, only_projects, consent_version,
                          is_adult)
SELECT %(account)s, 'bench-' || n, substring(sha256(('w' || n)::bytea) FOR 16), '', 'en', '', '{}', '', true
FROM generate_series(1, %(workers)s) n;
INSERT INTO curation_asset (project_id, media, name, worker_id, label_class_id, stage_id, state, reason, source,
                            licence, width, height, bytes, sha256, storage_key, created_at)
SELECT %(project)s, 'image', '', %(worker)s + n %% %(workers)s, %(label)s + n %% 18,
       CASE WHEN h < 60 THEN %(publish)s WHEN h < 80 THEN %(checks)s WHEN h < 96 THEN %(validate)s ELSE %(review)s END,
       CASE WHEN h < 60 THEN 'published' WHEN h < 95 THEN 'dropped' WHEN h < 98 THEN 'waiting' ELSE 'held' END,
       CASE WHEN h < 60 OR h >= 95 THEN '' WHEN h < 70 THEN 'same_photo' WHEN h < 80 THEN 'low_resolution'
            ELSE 'incorrect' END,
       '', '', 1920, 1080, 400000, sha256(n::text::bytea), 'bench/' || n, %(start)s + n * %(span)s / %(assets)s
FROM (SELECT n, (n::bigint * 7368787) %% 100 AS h FROM generate_series(1, %(assets)s) n) AS drawn;
INSERT INTO curation_decision (project_id, asset_id, stage_id, verdict, reason, evidence, by_kind, created_at)
SELECT project_id, id, step.stage,
       CASE WHEN state = 'dropped' AND step.stage = stage_id THEN 'dropped' ELSE 'passed' END, '', '{}', 'rule',
       created_at + interval '1 hour'
FROM curation_asset, unnest(ARRAY[%(checks)s, %(validate)s, %(publish)s]) AS step (stage)
WHERE project_id = %(project)s AND step.stage <= stage_id;
INSERT INTO crowd_task (id, batch_id, key, project_id, payload, hint, priority, overlap, issued, done, cancelled,
                        remote_id, to_push, remote_error)
SELECT n + 1, (%(batches)s::bigint[])[1 + n / 10 %% %(batches_n)s], 'task-' || n, %(project)s, '{}', '', 0, 3, 3, 3,
       false, '', false, ''
FROM generate_series(0, %(tasks)s - 1) n;
INSERT INTO crowd_assignment (id, account_id, ext_id, ext_digest, batch_id, project_id, worker_id, state, price_micro,
                              issued_at, lease_until, submitted_at, judged_at, duration_ms, reason, processed_at,
                              fee_micro, awaits_files, platform_state)
SELECT n + 1, %(account)s, 'page-' || n, substring(sha256(('p' || n)::bytea) FOR 16),
       (%(batches)s::bigint[])[1 + n %% %(each)s %% %(batches_n)s], %(project)s, %(worker)s + n %% %(workers)s,
       CASE WHEN n %% 50 = 1 THEN 'submitted' WHEN n %% 50 = 2 THEN 'rejected' ELSE 'accepted' END, 60000, at, at, at,
       CASE WHEN n %% 50 <> 1 THEN at + interval '20 minutes' END, 40000, '', at, 0, false, ''
FROM (SELECT n, %(start)s + n * %(span)s / %(pages)s AS at FROM generate_series(0, %(pages)s - 1) n) AS drawn;
INSERT INTO crowd_answer (assignment_id, task_id, worker_id, seq)
SELECT page + 1, task + 1, %(worker)s + page %% %(workers)s, task %% 10
FROM (SELECT n / 3 AS task, n %% 3 * %(each)s + n / 30 AS page FROM generate_series(0, %(answers)s - 1) n) AS drawn;
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id,
                               account_id, worker_id, note, created_at)
SELECT 'charge', 'assignment:' || page.id, 'held', 'workers', 60000, 'USD', page.project_id, batch.stage_id,
       batch.pool_id, page.account_id, page.worker_id, '', page.judged_at
FROM crowd_assignment page JOIN crowd_batch batch ON batch.id = page.batch_id WHERE page.state = 'accepted';
INSERT INTO crowd_evidence (worker_id, project_id, level, kind, item_id, details, awaits_person, created_at)
SELECT worker_id, project_id, (ARRAY[0, 5, 20])[1 + id %% 3], 'same_photo', id, '{}', false, created_at
FROM curation_asset WHERE project_id = %(project)s AND state = 'dropped' LIMIT %(evidence)s;
SET session_replication_role = DEFAULT;
"""


def load() -> Any:
    """Make the big project by statements of the database alone; returns it and how long counting took."""
    from django.db import connection
    from django.utils import timezone

    from crowd.models import Batch, Worker
    from crowd.services import tallies
    from curation.models import LabelClass, Pool
    from curation.services.overview.counted import ASSETS as COUNTED_ASSETS
    from tests.factories import make_account, make_user

    project = a_project("A million", make_user("Alice"))
    LabelClass.objects.filter(project=project).delete()
    for number in range(CLASSES):
        LabelClass.objects.create(project=project, index=number, name=f"sign-{number}")
    stages = {stage.name: stage.pk for stage in project.stages.all()}
    for label in project.classes.all():
        for kind, interface in (("validate", "choice"), ("boxes", "boxes")):
            pool_of(project, stages[kind], interface, label)
    each = ANSWERS // OVERLAP // PAGE
    batches = list(Batch.objects.order_by("id").values_list("pk", flat=True))
    values = {
        **stages, "project": project.pk, "account": make_account().pk, "assets": ASSETS, "workers": WORKERS,
        "worker": (Worker.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1,
        "label": project.classes.order_by("pk").values_list("pk", flat=True).first(), "batches": batches,
        "batches_n": len(batches), "each": each, "pages": each * OVERLAP, "tasks": each * PAGE,
        "answers": each * PAGE * OVERLAP, "evidence": EVIDENCE, **the_month(project),
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in LOAD.strip().removesuffix(";").split(";\n"):
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")
    began = time.perf_counter()
    tallies.rebuild()
    tallies.rebuild(source=COUNTED_ASSETS)
    tallies.forget_minutes(now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"  {ASSETS:,} assets and {values['answers']:,} answers counted anew in {time.perf_counter() - began:.0f} s")
    Pool.objects.filter(project=project).update(wanted=0)
    return project


def a_project(name: str, lead: Any) -> Any:
    from curation.models import Stage
    from tests.factories import make_project

    project = make_project(name, lead=lead, budget_usd=90_000)
    Stage.objects.filter(project=project).delete()
    for position, kind in enumerate(STAGES):
        Stage.objects.create(project=project, position=position, kind=kind, name=kind, title=kind.capitalize())
    return project


def pool_of(project: Any, stage: int, interface: str, label: Any) -> Any:
    from crowd.models import Batch
    from curation.models import Pool
    from tests.factories import make_account

    pool = Pool.objects.create(
        project=project, stage_id=stage, account=make_account(), kind="main", label_class=label,
        title=f"{label.name} {interface}".upper(), state="open", price_micro=60_000, overlap=OVERLAP,
        started_at=project.created_at,
    )  # fmt: skip
    Batch.objects.create(
        account=pool.account, key=f"bench-{pool.pk}", project_id=project.pk, pool_id=pool.pk, stage_id=stage,
        kind="main", interface=interface, state="open", page_size=PAGE, overlap=OVERLAP, price_micro=60_000,
        opened_at=project.created_at,
    )  # fmt: skip
    return pool


def the_month(project: Any) -> dict[str, Any]:
    from datetime import timedelta

    from django.utils import timezone

    from curation.models import Project

    start = timezone.now() - timedelta(days=DAYS)
    Project.objects.filter(pk=project.pk).update(created_at=start)
    return {"start": start, "span": timedelta(days=DAYS) - timedelta(minutes=30)}


def load_others(lead: Any) -> None:
    """Add projects with pools; their counts are written straight into the sums."""
    from django.db import connection

    from curation.models import LabelClass

    for number in range(OTHER_PROJECTS):
        project = a_project(f"Campaign {number}", lead)
        boxes = project.stages.get(name="boxes").pk
        for place in range(POOLS_EACH):
            label = LabelClass.objects.create(project=project, index=place + 1, name=f"thing-{place}")
            pool_of(project, boxes, "boxes", label)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crowd_tally (of_kind, of_id, minutes, word, slot, n) "
            "SELECT 'batch', b.id, 0, word, 0, b.id % 900 + 1 FROM crowd_batch b, unnest(ARRAY['answers.accepted', "
            "'answers.submitted', 'tasks.asked', 'pages.sent', 'pages.accepted', 'pages.rejected', 'pages.ms']) word "
            "ON CONFLICT DO NOTHING"
        )
        cursor.execute("ANALYZE")


def times(client: Any, address: str) -> dict[str, Any]:
    """Return wall p50 and p95 and the process's own time in milliseconds; the first, cold call is left out."""
    body = client.get(address)
    assert body.status_code == 200, address
    took, ours = [], []
    for _ in range(ROUNDS):
        started, own = time.perf_counter(), time.process_time()
        client.get(address)
        took.append(1000 * (time.perf_counter() - started))
        ours.append(1000 * (time.process_time() - own))
    return {
        "p50_ms": round(statistics.median(took), 1),
        "p95_ms": round(sorted(took)[int(0.95 * ROUNDS)], 1),
        "own_ms": round(statistics.median(ours), 1),
        "kilobytes": round(len(body.content) / 1000),
    }


def measure(project: Any) -> dict[str, dict[str, Any]]:
    from django.test import Client
    from django.urls import reverse

    client = Client()
    lead = project.memberships.get().user
    client.force_login(lead)
    own = [project.public_id]
    pool = project.pools.filter(stage__name="boxes").first().pk
    addresses = {
        "overview": reverse("project", args=own),
        "overview, 24 h": reverse("project", args=own) + "?range=24h",
        "live numbers": reverse("live", args=own),
        "pools of the project": reverse("pools", args=own),
        "one pool": reverse("pool", args=[*own, pool]),
        "first page, 36 pools": "/",
        "palette, a pool's name": f"{reverse('palette')}?q=boxes&p={project.public_id}",
        "palette, a name nobody has": f"{reverse('palette')}?q=nothing-of-it&p={project.public_id}",
    }
    found = {}
    for name, address in addresses.items():
        found[name] = show(name, times(client, address))
    load_others(lead)
    pools = OTHER_PROJECTS * POOLS_EACH + project.pools.count()
    for name, query in {
        "": "",
        ", by time left": "?sort=left",
        ", page 20": "?page=20",
        ", found": "?q=thing-3",
    }.items():
        found[f"first page, {pools:,} pools{name}"] = show(
            f"first page, {pools:,} pools{name}", times(client, f"/{query}")
        )
    return found


def show(name: str, row: dict[str, Any]) -> dict[str, Any]:
    print(f"  {name:<42}{row['p50_ms']:8.1f} /{row['p95_ms']:7.1f}{row['own_ms']:8.1f}{row['kilobytes']:8}", flush=True)
    return row


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        print(f"pages over {ASSETS:,} assets, {ANSWERS:,} answers; {platform.machine()}, {os.cpu_count()} cores")
        project = load()
        print(f"  {'ms of the server':<42}{'p50':>8} /{'p95':>7}{'own':>8}{'kB':>8}")
        found = measure(project)
    out = ROOT / "var" / "bench" / "web-overview.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"assets": ASSETS, "answers": ANSWERS, "took": found}, indent=2), encoding="utf-8")
    return int(found["overview"]["p95_ms"] > AIM_MS)


if __name__ == "__main__":
    raise SystemExit(main())
