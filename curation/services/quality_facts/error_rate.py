"""The measured error rate: what a random sample says about what nobody looked at, and what was delivered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from curation.models import Project
from curation.services.quality_facts.estimates import Rate, Share, jeffreys, needed_for, weighted
from curation.services.quality_facts.verdicts import DOUBTFUL, LOOSE, SAMPLE, Judged

Group = tuple[str, str]
AIM = 0.02


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Of one group of images. `unseen` passed by rule and nobody looked at them; they are delivered as they are.

    `sample` and `doubtful` are wrong images among judged ones. `delivered` is the rate among images that went on now:
    the unseen ones are as wrong as the sample says, a reviewed one is right. `without_review` is what it would be
    without people.
    """

    name: str
    unseen: int
    delivered_images: int
    sample: Share
    doubtful: Share
    loose: Share
    delivered: Rate | None
    without_review: Rate | None

    @property
    def more_needed(self) -> int:
        """Return how many more of the sample are to be judged until its rate is known to about +- 2 points."""
        return needed_for(AIM, self.sample)


def error_rates(
    passed: Mapping[Group, tuple[int, int]], rows: Sequence[Judged]
) -> tuple[ErrorRate, list[ErrorRate], list[ErrorRate]]:
    """Return the rate of all, of each class and of each month. `passed` is what `passed_images` returns."""
    every = _rate("", passed, rows)
    classes = sorted({one.label_class for one in rows} | {name for name, _ in passed})
    months = sorted({one.month for one in rows} | {month for _, month in passed}, reverse=True)
    by_class = [
        _rate(name, {g: n for g, n in passed.items() if g[0] == name}, [r for r in rows if r.label_class == name])
        for name in classes
    ]
    by_month = [
        _rate(month, {g: n for g, n in passed.items() if g[1] == month}, [r for r in rows if r.month == month])
        for month in months
    ]
    return every, by_class, by_month


def _rate(name: str, passed: Mapping[Group, tuple[int, int]], rows: Sequence[Judged]) -> ErrorRate:
    unseen, delivered = (sum(n[at] for n in passed.values()) for at in (0, 1))
    n, wrong = Counter(row.part for row in rows), Counter(row.part for row in rows if row.is_wrong)
    sample, doubtful = (jeffreys(wrong[part], n[part]) for part in (SAMPLE, DOUBTFUL))
    sure = unseen + n[SAMPLE]
    whole = sure + n[DOUBTFUL]
    return ErrorRate(
        name=name,
        unseen=unseen,
        delivered_images=delivered,
        sample=sample,
        doubtful=doubtful,
        loose=jeffreys(sum(row.outcome == LOOSE for row in rows), len(rows)),
        delivered=weighted([(unseen / delivered, sample)]) if delivered else None,
        without_review=weighted([(sure / whole, sample), (n[DOUBTFUL] / whole, doubtful)]) if whole else None,
    )


def passed_images(project: Project) -> dict[Group, tuple[int, int]]:
    """Count (unseen, all) images that went on from the last review, by class and month of their arrival there."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(class.name, ''), to_char(rule.created_at, 'YYYY-MM'),
                   count(*) FILTER (WHERE rule.verdict = 'passed'), count(*)
            FROM curation_asset asset
            JOIN curation_stage stage ON stage.id = asset.stage_id
            JOIN curation_stage review ON review.project_id = asset.project_id AND review.kind = 'review'
            JOIN LATERAL (
                SELECT verdict, created_at FROM curation_decision
                WHERE asset_id = asset.id AND stage_id = review.id AND by_kind = 'rule'
                ORDER BY id DESC LIMIT 1
            ) rule ON true
            LEFT JOIN curation_labelclass class ON class.id = asset.label_class_id
            WHERE asset.project_id = %s AND stage.position > review.position AND asset.state <> 'dropped'
              AND NOT EXISTS (SELECT FROM curation_stage later WHERE later.project_id = review.project_id
                              AND later.kind = 'review' AND later.position > review.position)
            GROUP BY 1, 2
            """,
            [project.pk],
        )
        return {(name, month): (unseen, every) for name, month, unseen, every in cursor.fetchall()}
