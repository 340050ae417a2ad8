"""The rows of a large campaign, written by statements of the database alone: minutes for millions.

Everything agrees: pages with their answers, holds and ledger, the budget with the ledger, the sums with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

OVERLAP, DAYS, EVIDENCE, PRICE = 3, 30, 3_000, 60_000
STAGES = ("collect", "checks", "validate", "boxes", "aggregate", "review", "publish")
PICTURES = 24


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything; a class has two pools, a page so many tasks."""

    assets: int
    answers: int
    workers: int
    classes: int
    page: int

    @property
    def pages_a_round(self) -> int:
        """Return how many pages it takes to show every task to one worker."""
        return self.answers // OVERLAP // self.page


# Indexes that are no constraints are made anew at the end: sorted once they cost a fraction.
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
 WHERE schemaname = 'public' AND tablename = ANY(%(tables)s)
   AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
TABLES = (
    "curation_asset", "curation_assetpreview", "curation_decision", "curation_annotation", "curation_consensus",
    "curation_consensusbox", "crowd_task", "crowd_assignment", "crowd_answer", "crowd_reservation",
    "crowd_ledgerentry",
)  # fmt: skip
# Triggers rest meanwhile; then everything is counted anew, as `rebuild` does after a repair.
LOAD = """
INSERT INTO crowd_worker (account_id, ext_id, ext_digest, name, language, country, only_projects, consent_version,
                          is_adult)
SELECT %(account)s, 'bench-' || n, substring(sha256(('w' || n)::bytea) FOR 16), '', 'en', '', '{}', '', true
FROM generate_series(1, %(workers)s) n;
INSERT INTO curation_asset (project_id, media, name, worker_id, label_class_id, stage_id, state, reason, source,
                            licence, width, height, bytes, sha256, storage_key, created_at)
SELECT %(project)s, 'image', '', %(worker)s + n %% %(workers)s, %(label)s + n %% %(classes)s,
       CASE WHEN h < 60 THEN %(publish)s WHEN h < 80 THEN %(checks)s WHEN h < 96 THEN %(validate)s ELSE %(review)s END,
       CASE WHEN h < 60 THEN 'published' WHEN h < 95 THEN 'dropped' WHEN h < 98 THEN 'waiting' ELSE 'held' END,
       CASE WHEN h < 60 OR h >= 95 THEN '' WHEN h < 70 THEN 'same_photo' WHEN h < 80 THEN 'low_resolution'
            ELSE 'incorrect' END,
       '', '', 1920, 1080, 400000, sha256(n::text::bytea), 'bench/' || n, %(start)s + n * %(span)s / %(assets)s
FROM (SELECT n, (n::bigint * 7368787) %% 100 AS h FROM generate_series(1, %(assets)s) n) AS drawn;
INSERT INTO curation_assetpreview (asset_id, thumb_key, screen_key, grey_key, camera)
SELECT id, 'bench/' || id %% %(pictures)s || '.webp', 'bench/' || id %% %(pictures)s || '.webp', '', '{}'
FROM curation_asset WHERE project_id = %(project)s;
INSERT INTO curation_decision (project_id, asset_id, stage_id, verdict, reason, evidence, by_kind, created_at)
SELECT project_id, id, step.stage,
       CASE WHEN state = 'dropped' AND step.stage = stage_id THEN 'dropped' ELSE 'passed' END, '', '{}', 'rule',
       created_at + interval '1 hour'
FROM curation_asset, unnest(ARRAY[%(checks)s, %(validate)s, %(publish)s]) AS step (stage)
WHERE project_id = %(project)s AND step.stage <= stage_id;
INSERT INTO crowd_task (id, batch_id, key, project_id, item_id, payload, hint, priority, overlap, issued, done,
                        cancelled, remote_id, to_push, remote_error)
SELECT n + 1, (%(batches)s::bigint[])[1 + n / %(page)s %% %(batches_n)s], 'task-' || n, %(project)s,
       %(asset)s + n %% %(assets)s, '{}', '', 0, 3, 3, 3, false, '', false, ''
FROM generate_series(0, %(tasks)s - 1) n;
INSERT INTO crowd_assignment (id, account_id, ext_id, ext_digest, batch_id, project_id, worker_id, state, price_micro,
                              issued_at, lease_until, submitted_at, judged_at, duration_ms, reason, processed_at,
                              fee_micro, awaits_files, platform_state)
SELECT n + 1, %(account)s, 'page-' || n, substring(sha256(('p' || n)::bytea) FOR 16),
       (%(batches)s::bigint[])[1 + n %% %(each)s %% %(batches_n)s], %(project)s, %(worker)s + n %% %(workers)s,
       CASE WHEN n %% 50 = 1 THEN 'submitted' WHEN n %% 50 = 2 THEN 'rejected' ELSE 'accepted' END, %(price)s, at, at,
       at, CASE WHEN n %% 50 <> 1 THEN at + interval '20 minutes' END, 40000, '', at, 0, false, ''
FROM (SELECT n, %(start)s + n * %(span)s / %(pages)s AS at FROM generate_series(0, %(pages)s - 1) n) AS drawn;
INSERT INTO crowd_answer (assignment_id, task_id, worker_id, seq)
SELECT page + 1, task + 1, %(worker)s + page %% %(workers)s, task %% %(page)s
FROM (SELECT n / 3 AS task, n %% 3 * %(each)s + n / (3 * %(page)s) AS page
      FROM generate_series(0, %(answers)s - 1) n) AS drawn;
INSERT INTO curation_annotation (project_id, asset_id, stage_id, answer_id, worker_id, kind, label, flags, is_empty)
SELECT task.project_id, task.item_id, batch.stage_id, answer.id, answer.worker_id,
       CASE batch.interface WHEN 'boxes' THEN 'boxes' ELSE 'label' END,
       CASE batch.interface WHEN 'boxes' THEN '' ELSE 'correct' END, '[]', false
FROM crowd_answer answer JOIN crowd_task task ON task.id = answer.task_id JOIN crowd_batch batch
  ON batch.id = task.batch_id;
INSERT INTO curation_box (annotation_id, seq, label, x, y, w, h, points)
SELECT annotation.id, 0, 'gesture', 0.4 + annotation.id %% 9 / 300.0, 0.3, 0.2, 0.3, '[]'
FROM curation_annotation annotation JOIN curation_asset asset ON asset.id = annotation.asset_id
WHERE annotation.kind = 'boxes' AND asset.state = 'held';
INSERT INTO curation_consensus (project_id, asset_id, stage_id, version, inputs, method, settings, status, label,
                                confidence, expected_loss, reason, lowest_iou, n_answers, used, dropped, trace,
                                is_current)
SELECT project_id, id, %(aggregate)s, 1, '[]', 'hard-soft-drop', '{}',
       CASE state WHEN 'held' THEN 'soft' ELSE 'hard' END, '', 0.7 + id %% 29 / 100.0, id %% 31 / 100.0, '',
       0.6 + id %% 37 / 100.0, 3, '[]', '[]', '[]', true
FROM curation_asset WHERE project_id = %(project)s AND state IN ('published', 'held');
INSERT INTO curation_consensusbox (consensus_id, seq, label, x, y, w, h, confidence, support)
SELECT id, 0, 'gesture', 0.4, 0.3, 0.2, 0.3, 0.9, '[]' FROM curation_consensus WHERE project_id = %(project)s;
INSERT INTO crowd_reservation (project_id, stage_id, pool_id, currency, ref, amount_micro, changes, state, created_at)
SELECT page.project_id, batch.stage_id, batch.pool_id, 'USD', 'assignment:' || page.id, page.price_micro, 0,
       CASE page.state WHEN 'submitted' THEN 'held' WHEN 'rejected' THEN 'released' ELSE 'paid' END, page.issued_at
FROM crowd_assignment page JOIN crowd_batch batch ON batch.id = page.batch_id;
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id,
                               account_id, worker_id, note, created_at)
SELECT way.kind, 'assignment:' || page.id, way.source, way.target, page.price_micro, 'USD', page.project_id,
       batch.stage_id, batch.pool_id, page.account_id, page.worker_id, '', page.issued_at + way.later
FROM crowd_assignment page JOIN crowd_batch batch ON batch.id = page.batch_id
JOIN (VALUES ('reserve', 'budget', 'held', interval '0', ARRAY['accepted', 'submitted', 'rejected']),
             ('charge', 'held', 'workers', interval '20 minutes', ARRAY['accepted']),
             ('release', 'held', 'budget', interval '20 minutes', ARRAY['rejected'])
     ) AS way (kind, source, target, later, states) ON page.state = ANY(way.states);
UPDATE crowd_budget SET spent_micro = pages.accepted * %(price)s, reserved_micro = pages.submitted * %(price)s,
       limit_micro = (pages.accepted + pages.submitted + 1000000) * %(price)s
FROM (SELECT count(*) FILTER (WHERE state = 'accepted') AS accepted,
             count(*) FILTER (WHERE state = 'submitted') AS submitted FROM crowd_assignment) AS pages
WHERE project_id = %(project)s;
INSERT INTO crowd_evidence (worker_id, project_id, level, kind, item_id, details, awaits_person, created_at)
SELECT worker_id, project_id, (ARRAY[0, 5, 20])[1 + id %% 3], 'same_photo', id, '{}', false, created_at
FROM curation_asset WHERE project_id = %(project)s AND state = 'dropped' LIMIT %(evidence)s;
SELECT setval(pg_get_serial_sequence('crowd_task', 'id'), %(tasks)s),
       setval(pg_get_serial_sequence('crowd_assignment', 'id'), %(pages)s);
"""


def load(size: Size) -> Any:
    """Make the big project in an empty database and return it."""
    from django.db import connection, transaction

    from crowd.clock import database_now
    from crowd.services import rollups, tallies
    from curation.models import LabelClass, Pool
    from curation.services import reviews
    from curation.services.overview.counted import ASSETS
    from tests.factories import make_user

    project = a_project("A million", make_user("Alice"))
    LabelClass.objects.filter(project=project).delete()
    stages = {stage.name: stage.pk for stage in project.stages.all()}
    for number in range(size.classes):
        label = LabelClass.objects.create(project=project, index=number, name=f"sign-{number}")
        for kind, interface in (("validate", "choice"), ("boxes", "boxes")):
            pool_of(project, stages[kind], interface, label, page=size.page)
    values = _values(size, project) | stages
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(INDEXES, {"tables": list(TABLES)})
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for statement in LOAD.strip().removesuffix(";").split(";\n"):
            cursor.execute(statement, values)
        for _, definition in indexes:
            cursor.execute(definition)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("ANALYZE")
    rollups.rebuild()
    for source in (tallies.PAGES, ASSETS):
        tallies.rebuild(source=source, now=database_now())
    reviews.place_all()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")
    Pool.objects.filter(project=project).update(wanted=0)
    return project


def _values(size: Size, project: Any) -> dict[str, Any]:
    from crowd.models import Batch, Worker
    from curation.models import Asset
    from tests.factories import make_account

    batches = list(Batch.objects.order_by("id").values_list("pk", flat=True))
    each = size.pages_a_round
    return {
        "project": project.pk, "account": make_account().pk, "assets": size.assets, "workers": size.workers,
        "worker": _next_id(Worker), "asset": _next_id(Asset), "classes": size.classes, "page": size.page,
        "label": project.classes.order_by("pk").values_list("pk", flat=True).first(), "batches": batches,
        "batches_n": len(batches), "each": each, "pages": each * OVERLAP, "tasks": each * size.page,
        "answers": each * size.page * OVERLAP, "evidence": EVIDENCE, "price": PRICE, "pictures": PICTURES,
        **the_month(project),
    }  # fmt: skip


def _next_id(model: Any) -> int:
    """Return the id that the next row of a table gets."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        (sequence,) = cursor.fetchone()
        cursor.execute(f"SELECT last_value + is_called::int FROM {sequence}")  # noqa: S608  a name of our own
        return int(cursor.fetchone()[0])


def a_project(name: str, lead: Any) -> Any:
    from curation.models import Stage
    from tests.factories import make_project

    project = make_project(name, lead=lead, budget_usd=90_000)
    Stage.objects.filter(project=project).delete()
    for position, kind in enumerate(STAGES):
        Stage.objects.create(project=project, position=position, kind=kind, name=kind, title=kind.capitalize())
    return project


def pool_of(project: Any, stage: int, interface: str, label: Any, page: int = 10) -> Any:
    from crowd.models import Batch
    from curation.models import Pool
    from tests import scenes
    from tests.factories import make_account

    title = f"{label.name} {interface}".upper()
    answers = {"options": scenes.OPTIONS} if interface == "choice" else {"labels": scenes.LABELS, "flags": scenes.FLAGS}
    pool = Pool.objects.create(
        project=project, stage_id=stage, account=make_account(), kind="main", label_class=label,
        title=title, state="open", price_micro=PRICE, overlap=OVERLAP, started_at=project.created_at,
    )  # fmt: skip
    Batch.objects.create(
        account=pool.account, key=f"bench-{pool.pk}", project_id=project.pk, pool_id=pool.pk, stage_id=stage,
        kind="main", interface=interface, state="open", page_size=page, overlap=OVERLAP, price_micro=PRICE,
        opened_at=project.created_at, spec={"kind": interface, "title": title, **answers},
    )  # fmt: skip
    return pool


def the_month(project: Any) -> dict[str, Any]:
    from django.utils import timezone

    from curation.models import Project

    start = timezone.now() - timedelta(days=DAYS)
    Project.objects.filter(pk=project.pk).update(created_at=start)
    return {"start": start, "span": timedelta(days=DAYS) - timedelta(minutes=30)}
