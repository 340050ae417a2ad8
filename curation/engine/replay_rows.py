"""The rows of a replay, written set by set: assets, decisions, boxes, addresses and money. Nothing has a picture."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from crowd.services import ledger
from crowd.services.ledger import Purse
from curation.engine.costs import published_costs
from curation.engine.replay_plan import Addresses, Group
from curation.models import Crawl, Project, Stage
from curation.recipes.published import Published

A_SLICE: Final = 100_000
CRAWL: Final = "as published"
CROWD: Final = ["collect", "validate", "boxes", "describe"]

TABLES: Final = (
    "curation_asset",
    "curation_decision",
    "curation_consensus",
    "curation_consensusbox",
    "curation_crawllink",
)

ASSETS: Final = """
WITH classes AS (
    SELECT array_agg(id ORDER BY index) AS ids FROM curation_labelclass
     WHERE project_id = %(project)s AND NOT is_negative AND (%(label)s = '' OR name = %(label)s)
), films AS (
    SELECT array_agg(id ORDER BY id) AS ids FROM curation_asset
     WHERE %(media)s = 'frame' AND project_id = %(project)s AND media = 'video' AND reason = 'cut_into_frames'
), made AS (
    INSERT INTO curation_asset (public_id, project_id, stage_id, state, media, name, source, licence, reason,
                                label_class_id, parent_id, frame_index, sha256, storage_key, created_at)
    SELECT gen_random_uuid(), %(project)s, %(ends)s, %(state)s, %(media)s, '', %(source)s, '', %(reason)s,
           classes.ids[1 + n %% cardinality(classes.ids)],
           films.ids[1 + n %% cardinality(films.ids)], 10 * (n / cardinality(films.ids)),
           sha256(convert_to(%(project)s || ' ' || n, 'UTF8')), '',
           %(start)s + %(span)s * ((n - %(first)s) / %(all)s::float8)
      FROM generate_series(%(from)s, %(to)s) n CROSS JOIN classes CROSS JOIN films
    RETURNING id, stage_id, state, reason, created_at
)
INSERT INTO curation_decision (project_id, asset_id, stage_id, verdict, reason, evidence, by_kind, created_at)
SELECT %(project)s, made.id, stage.id, CASE WHEN is_out THEN 'dropped' ELSE 'passed' END,
       CASE WHEN is_out THEN made.reason ELSE '' END, '{}',
       CASE WHEN stage.kind = ANY(%(crowd)s) THEN 'crowd' ELSE 'rule' END, made.created_at
  FROM made JOIN curation_stage ended ON ended.id = made.stage_id
  JOIN curation_stage stage ON stage.project_id = %(project)s AND stage.kind <> 'collect'
   AND stage.position BETWEEN %(position)s AND ended.position
 CROSS JOIN LATERAL (SELECT made.state = 'dropped' AND stage.id = ended.id) AS verdict (is_out)
"""

BOXES: Final = """
WITH mine AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS of FROM curation_asset
     WHERE project_id = %(project)s AND source = %(source)s
       AND label_class_id = (SELECT id FROM curation_labelclass WHERE project_id = %(project)s AND name = %(label)s)
), made AS (
    INSERT INTO curation_consensus (project_id, asset_id, stage_id, version, inputs, method, settings, status, label,
                                    confidence, expected_loss, reason, next_step, n_answers, used, dropped, trace,
                                    is_current, created_at)
    SELECT %(project)s, id, %(stage)s, 1, '[]', 'import', '{}', 'hard', '', 1, 0, '', 'none', 0, '[]', '[]', '[]',
           true, now()
      FROM mine RETURNING id, asset_id
)
INSERT INTO curation_consensusbox (consensus_id, seq, label, x, y, w, h, confidence, support)
SELECT made.id, k - 1, %(label)s, 0.25, 0.25, 0.5, 0.5, 1, '[]'
  FROM made JOIN mine ON mine.id = made.asset_id
 CROSS JOIN LATERAL generate_series(1, (mine.n + 1) * %(boxes)s / mine.of - mine.n * %(boxes)s / mine.of) k
"""

LINKS: Final = """
INSERT INTO curation_crawllink (crawl_id, url, digest, host, state, code, detail, tries, next_at, asset_id, ended_at)
SELECT %(crawl)s, 'https://as-published.invalid/' || of || n, decode(md5(of || n), 'hex'),
       'as-published.invalid', %(state)s, %(code)s, '', 1, now(), asset.id, now()
  FROM generate_series(1, %(n)s) n CROSS JOIN (VALUES (%(state)s || %(code)s)) AS kind (of)
  LEFT JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM curation_asset
              WHERE project_id = %(project)s) asset
    ON %(state)s = 'taken' AND asset.place = n
"""


def write_group(*, project: Project, group: Group, first: int, start: datetime, span: timedelta) -> int:
    """Write a group's assets with a decision at each stage they passed, `first` being the number of the first one.

    They came evenly over the span. Returns the number of the next asset.
    """
    stages = {stage.name: stage for stage in project.stages.all()}
    about: dict[str, Any] = {
        "project": project.pk,
        "ends": stages[group.ends].pk,
        "position": stages[group.enters].position if group.enters else 0,
        "state": group.state,
        "reason": group.reason,
        "media": group.media,
        "label": group.label,
        "source": group.source,
        "first": first,
        "all": group.n,
        "start": start,
        "span": span,
        "crowd": CROWD,
    }
    end = first + group.n
    with connection.cursor() as cursor:
        for at in range(first, end, A_SLICE):
            cursor.execute(ASSETS, {**about, "from": at, "to": min(at + A_SLICE, end) - 1})
    return end


def write_boxes(*, project: Project, group: Group, stage: Stage) -> None:
    """Give the assets of a group their share of its boxes, as evenly as can be."""
    about: dict[str, Any] = {"project": project.pk, "label": group.label, "source": group.source}
    with connection.cursor() as cursor:
        cursor.execute(BOXES, {**about, "stage": stage.pk, "boxes": group.boxes})


def write_addresses(*, project: Project, addresses: Addresses) -> Crawl:
    """Write the addresses of a search: the taken ones lead to the project's assets."""
    crawl = Crawl.objects.create(
        project=project, name=CRAWL, searx_url="", pattern="", stage=project.stages.order_by("position").first()
    )
    with connection.cursor() as cursor:
        about = {"crawl": crawl.pk, "project": project.pk}
        cursor.execute(LINKS, {**about, "state": "taken", "code": "", "n": addresses.taken})
        for code, n in addresses.refused.items():
            cursor.execute(LINKS, {**about, "state": "refused", "code": code, "n": n})
    return crawl


def write_money(*, project: Project, published: Published | None) -> None:
    """Book what the published answers cost with aggregation: one movement for each stage."""
    table = published_costs(published).with_aggregation if published else None
    ledger.create_budget(project_id=project.pk, limit_micro=table.total_micro if table else 0)
    stages = dict(project.stages.values_list("name", "pk"))
    for row in table.rows if table else ():
        if row.micro:
            ledger.correct(
                purse=Purse(project.pk, stages.get(row.stage)),
                amount_micro=row.micro,
                ref=f"replay:{project.pk}:{row.stage}",
                book="workers",
                note=f"{row.n:,} with {row.answers} answers each, as published",
                by_id=None,
            )
